"""Examples whose clip cannot be read: a file for each window of the order that has some."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from video_star.core.jsonl import read_records, write_records
from video_star.core.records import Failure
from video_star.training.job import Job


class FailedExample(BaseModel):
    """An example by its index, and why it was left out."""

    index: int
    failure: Failure


def write_failures(job: Job, window: int, failures: Mapping[int, Failure]) -> None:
    """Write those of a window."""
    job.failures.mkdir(exist_ok=True)
    records = (FailedExample(index=index, failure=failures[index]) for index in sorted(failures))
    write_records(job.failures / f"{window}.jsonl", records)


def delete_failures(job: Job, window: int) -> None:
    """Delete those from a window on, which will be read again: videos may have been repaired."""
    for path in job.failures.glob("*.jsonl"):
        if int(path.stem) >= window:
            path.unlink()


def read_failures(job: Job, windows: int | None = None) -> dict[int, Failure]:
    """Those of the first windows, or of all, by index, in order."""
    found = {
        item.index: item.failure
        for path in job.failures.glob("*.jsonl")
        if windows is None or int(path.stem) < windows
        for item in read_records(path, FailedExample)
    }
    return {index: found[index] for index in sorted(found)}
