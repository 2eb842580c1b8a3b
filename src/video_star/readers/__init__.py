"""Readers of annotation files: one table from a source's `reader` to its function."""

from __future__ import annotations

from video_star.readers.kinetics import read_kinetics
from video_star.readers.rows import Reader, Row
from video_star.readers.table import read_table

READERS: dict[str, Reader] = {
    "kinetics": read_kinetics,
    "table": read_table,
}

__all__ = ["READERS", "Reader", "Row"]
