"""Readers of annotation files: one table from a source's `reader` to its function."""

from __future__ import annotations

from video_star.readers.egoexo4d import read_egoexo4d
from video_star.readers.finediving import read_finediving
from video_star.readers.kinetics import read_kinetics
from video_star.readers.moma import read_moma
from video_star.readers.rows import Reader, Row
from video_star.readers.something import read_something
from video_star.readers.star import read_star
from video_star.readers.star_annotations import read_star_annotations
from video_star.readers.table import read_huggingface, read_table

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
