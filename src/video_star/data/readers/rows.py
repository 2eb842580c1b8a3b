"""What all readers share: opening annotation files, and rows that cannot be used."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from video_star.core.errors import DataError, VideoStarError
from video_star.core.paths import inside
from video_star.core.records import Failure, VideoSample

STEP = "ingest"
Row: TypeAlias = VideoSample | Failure
Reader: TypeAlias = Callable[[Any, Path, int], Iterator[Row]]
"""(section of the source, data folder, seed) to samples, and failures for rows without one."""


class RowError(VideoStarError):
    """One row cannot be used; becomes a counted Failure named after the subclass."""


class EmptyLabel(RowError):
    """The row has no label, or the file has no label column."""


class BadRow(RowError):
    """A field of the row is missing or not what it should be."""


class MissingVideo(RowError):
    """The row's video is not in the data folder."""


class DuplicateId(RowError):
    """An earlier row has the same sample id."""


def failure(where: str, error: Exception) -> Failure:
    """A row's error as the Failure that is counted and written down."""
    return Failure(sample_id=where, step=STEP, error=type(error).__name__, message=str(error))


def annotation_path(data: Path, relative: str) -> Path:
    """An annotation file inside the data folder; DataError when it leads out or is not there."""
    path = inside(data, relative)
    if not path.is_file():
        raise DataError(
            f"{path}: there is no such annotation file; correct `annotations` under ingest.sources."
        )
    return path


def open_text(path: Path) -> Iterator[str]:
    """Lines of a UTF-8 file, with or without byte order mark; DataError when it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from file
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: cannot be read as UTF-8 text ({error}); save it as UTF-8."
        ) from error


def csv_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line numbers and rows of a CSV file by its header; names and values stripped.

    A field that a short row lacks is absent from its dict. DataError for a file that is no CSV.
    """
    rows = csv.reader(open_text(path))
    try:
        header = [name.strip() for name in next(rows, [])]
        for row in rows:
            if row:
                yield rows.line_num, {n: v.strip() for n, v in zip(header, row, strict=False)}
    except csv.Error as error:
        raise DataError(f"{path}:{rows.line_num}: not CSV ({error}); correct that line.") from error


def csv_header(path: Path) -> tuple[str, ...]:
    """The column names of a CSV file."""
    return tuple(name.strip() for name in next(csv.reader(open_text(path)), []))


def number(value: object, name: str) -> float:
    """A finite number from a field, or BadRow."""
    try:
        result = float(str(value))
    except ValueError:
        raise BadRow(f"{name} is {value!r}, not a number; correct the row.") from None
    if not abs(result) < float("inf"):
        raise BadRow(f"{name} is {value!r}; it must be finite.")
    return result


def sample_of(**fields: Any) -> VideoSample:
    """A VideoSample, with BadRow in place of pydantic's error."""
    try:
        return VideoSample(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "row"
        raise BadRow(f"{where}: {first['msg']}; correct the row.") from error
