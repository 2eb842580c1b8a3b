"""What a reader gave: samples, and failures for what was left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from video_star.core.engine import Clip
from video_star.core.params import VideoParams
from video_star.core.records import Failure, VideoSample
from video_star.data.readers import open_readers
from video_star.data.readers.base import Row
from video_star.video.decode import read_frames


def rows_of(reader: str, data: Path, seed: int = 17, **section: Any) -> list[Row]:
    """What a reader makes of a data folder, by its section of `ingest.sources`."""
    (opened,) = open_readers([{"reader": reader, **section}], data, seed)
    return list(opened.rows())


def steps_shown(data: Path, sample: VideoSample, frames: int) -> list[int]:
    """Which of `tiny.grey_steps` so many frames of the sample's clip show."""
    params = VideoParams(frames=frames, sampling="uniform", fps=None, short_side=None)
    clip = Clip(data / sample.video, sample.start_s, sample.end_s)
    return [round((float(frame.mean()) - 16) / 12) for frame in read_frames(clip, params).pixels]


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
