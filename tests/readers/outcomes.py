"""What a reader gave: samples, and failures for what was left out."""

from __future__ import annotations

from pathlib import Path

from video_star.core.records import Failure, VideoSample
from video_star.data.readers.base import Row


def touch(folder: Path, *names: str) -> None:
    """Empty files, for readers that only look whether they are there."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def one(rows: list[Row]) -> VideoSample:
    """The only row, a sample."""
    assert len(rows) == 1
    assert isinstance(rows[0], VideoSample), rows[0]
    return rows[0]


def failure(rows: list[Row]) -> Failure:
    """The only row, a failure."""
    assert len(rows) == 1
    assert isinstance(rows[0], Failure), rows[0]
    return rows[0]


def error(rows: list[Row]) -> str:
    """The reason of the only row, a failure."""
    return failure(rows).error


def samples(rows: list[Row]) -> dict[str, VideoSample]:
    """All rows by their ids; none is a failure."""
    assert not errors(rows)
    return {row.id: row for row in rows if isinstance(row, VideoSample)}


def errors(rows: list[Row]) -> list[tuple[str, str]]:
    """Where each failure was, and its reason."""
    return [(row.sample_id, row.error) for row in rows if isinstance(row, Failure)]


def reasons(rows: list[Row]) -> list[str]:
    """The reason of each failure."""
    return [reason for _, reason in errors(rows)]
