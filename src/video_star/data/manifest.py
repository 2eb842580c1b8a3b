"""The manifest: one JSON line per sample, sorted by id; `ingest` writes it, every step reads it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from video_star.core.errors import DataError
from video_star.core.jsonl import read_records, write_records
from video_star.core.paths import Workspace
from video_star.core.records import Split, VideoSample

LISTED = 10
"""How many offenders an error names."""


class Leak(DataError):
    """Videos are in the training set and held out as well."""

    def __init__(self, problem: str, offenders: Sequence[str], remedy: str) -> None:
        """`problem` says what they are, without their number; `remedy` ends the sentence."""
        listed = "; ".join(offenders[:LISTED]) + ("; ..." if len(offenders) > LISTED else "")
        super().__init__(f"{len(offenders)} {problem} ({listed}), {remedy}")
        self.problem = problem
        self.offenders = tuple(offenders)
        """All of them."""


def samples_of(workspace: Workspace, split: Split | None = None) -> Iterator[VideoSample]:
    """The samples in id order, all or those of one split, as they are read.

    DataError without a manifest, or when ids do not ascend.
    """
    before = ""
    for sample in read_records(workspace.manifest, VideoSample):
        if sample.id <= before:
            raise DataError(
                f"{workspace.manifest} has {sample.id} after {before}, but it is sorted by id; run "
                "`video-star ingest` again."
            )
        before = sample.id
        if split is None or sample.split == split:
            yield sample


def training_samples(workspace: Workspace) -> Iterator[VideoSample]:
    """The training samples as `samples_of`; DataError also when there are none."""
    sample = None
    for sample in samples_of(workspace, "train"):
        yield sample
    if sample is None:
        raise DataError(
            f"{workspace.manifest} has no training sample; look at `video-star ingest`."
        )


def read_manifest(workspace: Workspace, split: Split | None = None) -> list[VideoSample]:
    """The samples of `samples_of` as a list."""
    return list(samples_of(workspace, split))


def write_manifest(workspace: Workspace, samples: Iterable[VideoSample]) -> int:
    """Write the manifest atomically, sorted by id, and return the number of samples."""
    ordered = sorted(samples, key=lambda sample: sample.id)
    return write_records(workspace.manifest, ordered)


def refuse_leaks(samples: Iterable[VideoSample]) -> None:
    """Leak that lists the recordings which are in train and test at once."""
    splits: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        splits[sample.source_id].add(sample.split)
    leaks = sorted(source for source, found in splits.items() if len(found) > 1)
    if not leaks:
        return
    raise Leak(
        "source videos are in train and in test",
        leaks,
        "so a test would measure memory; keep each of them in one split.",
    )
