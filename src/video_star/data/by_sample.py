"""Records of sharded folders sample by sample, beside the manifest, without holding any of them.

The manifest and every shard are sorted by sample id, so one pass over all of them together does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Generic, TypeVar

from video_star.core.errors import DataError
from video_star.core.jsonl import SHARDS, read_records, shard_of
from video_star.core.records import Answer, Verdict

R = TypeVar("R", Answer, Verdict)


class BySample(Generic[R]):
    """The records of a folder; ask for those of every sample of the manifest, in its order."""

    def __init__(self, folder: Path, kind: type[R]) -> None:
        self._folder = folder
        self._shards: dict[str, Iterator[R]] = {
            shard: read_records(folder / f"{shard}.jsonl", kind) for shard in SHARDS
        }
        self._heads: dict[str, R | None] = {
            shard: next(records, None) for shard, records in self._shards.items()
        }

    def of(self, sample_id: str) -> list[R]:
        """The records of the next sample; DataError when there are some of one left out."""
        shard, found = shard_of(sample_id), []
        while (head := self._heads[shard]) is not None and head.sample_id <= sample_id:
            if head.sample_id < sample_id:
                self._refuse(head)
            found.append(head)
            self._heads[shard] = next(self._shards[shard], None)
        return found

    def finish(self) -> None:
        """DataError when records are left after the last sample."""
        for head in self._heads.values():
            if head is not None:
                self._refuse(head)

    def _refuse(self, record: R) -> None:
        raise DataError(
            f"{self._folder} has {record.sample_id}, which the manifest does not have at this "
            "place; run the step that wrote it again."
        )
