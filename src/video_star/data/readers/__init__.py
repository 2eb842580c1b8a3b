"""Readers of annotation files: one table from a source's `reader` to its function."""

from __future__ import annotations

from video_star.data.readers.egoexo4d import read_egoexo4d
from video_star.data.readers.finediving import read_finediving
from video_star.data.readers.kinetics import read_kinetics
from video_star.data.readers.moma import read_moma
from video_star.data.readers.rows import Reader, Row
from video_star.data.readers.something import read_something
from video_star.data.readers.star import read_star
from video_star.data.readers.star_annotations import read_star_annotations
from video_star.data.readers.table import read_huggingface, read_table

READERS: dict[str, Reader] = {
    "kinetics": read_kinetics,
    "table": read_table,
    "huggingface": read_huggingface,
    "egoexo4d": read_egoexo4d,
    "finediving": read_finediving,
    "moma": read_moma,
    "something": read_something,
    "star": read_star,
    "star_annotations": read_star_annotations,
}

__all__ = ["READERS", "Reader", "Row"]
