"""Records of sharded folders sample by sample, beside the manifest, without holding any of them.

The manifest and every shard are sorted by sample id, so one pass over all of them together does.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from operator import attrgetter
from pathlib import Path
from typing import Generic, TypeVar

from video_star.core.errors import DataError
from video_star.core.jsonl import SHARDS, read_records
from video_star.core.records import Answer, Verdict

R = TypeVar("R", Answer, Verdict)


class BySample(Generic[R]):
    """The records of a folder; ask for those of every sample of the manifest, in its order."""

    def __init__(self, folder: Path, kind: type[R]) -> None:
        self._folder = folder
        shards = (read_records(folder / f"{shard}.jsonl", kind) for shard in SHARDS)
        self._records: Iterator[R] = merge(*shards, key=attrgetter("sample_id"))
        self._next: R | None = next(self._records, None)

    def of(self, sample_id: str) -> list[R]:
        """The records of the next sample; DataError when there are some of one left out."""
        found = []
        while self._next is not None and self._next.sample_id == sample_id:
            found.append(self._next)
            self._next = next(self._records, None)
        if self._next is not None and self._next.sample_id < sample_id:
            self.finish()
        return found

    def finish(self) -> None:
        """DataError when records are left after the last sample."""
        if self._next is not None:
            raise DataError(
                f"{self._folder} has {self._next.sample_id}, which the manifest does not have at "
                "this place; run the step that wrote it again."
            )
