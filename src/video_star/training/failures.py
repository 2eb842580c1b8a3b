"""Examples whose clip cannot be read: a file for each window of the order that has some."""

from __future__ import annotations

from collections.abc import Mapping

from video_star.core.jsonl import read_records, write_records
from video_star.core.labels import Record
from video_star.core.records import Failure
from video_star.training.job import Job


class FailedExample(Record):
    """An example by its index, and why it was left out."""

    index: int
    failure: Failure


def write_failures(job: Job, window: int, failures: Mapping[int, Failure]) -> None:
    """Write those of a window, again in a run that reads it again."""
    job.failures.mkdir(exist_ok=True)
    records = (FailedExample(index=index, failure=failures[index]) for index in sorted(failures))
    write_records(job.failures / f"{window}.jsonl", records)


def read_failures(job: Job) -> dict[int, Failure]:
    """Those of all windows that were read, by index, in order."""
    found = {
        item.index: item.failure
        for path in job.failures.glob("*.jsonl")
        for item in read_records(path, FailedExample)
    }
    return {index: found[index] for index in sorted(found)}
