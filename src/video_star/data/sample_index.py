"""Samples of a manifest by id, without holding them: 18 bytes per sample, lines read as needed."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from video_star.core.errors import DataError
from video_star.core.hashing import stable_hash
from video_star.core.jsonl import parse_record
from video_star.core.labels import KINDS
from video_star.core.records import VideoSample


class SampleIndex:
    """Finds samples by id and numbers them from 0.

    Iterate over `scan` to the end before asking: it is the one pass that fills the index. Close it
    after use.
    """

    def __init__(self, manifest: Path) -> None:
        self.path = manifest
        self._hashes: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self._offsets: NDArray[np.int64] = np.zeros(0, np.int64)
        self.kinds: NDArray[np.uint16] = np.zeros(0, np.uint16)
        """Label kinds of each sample: bit i is set for KINDS[i]."""
        self._file: BinaryIO | None = None
        self._read = lru_cache(maxsize=4)(self._parse)

    def scan(self) -> Iterator[VideoSample]:
        """Every sample in the order of the file; DataError names a line that is none."""
        hashes, offsets, kinds = array("Q"), array("q"), array("H")
        try:
            self._file = self.path.open("rb")
        except OSError as error:
            raise DataError(
                f"{self.path}: cannot be read ({error.strerror}); run the step that writes it."
            ) from error
        offset = 0
        for number, line in enumerate(self._file, start=1):
            sample = parse_record(line, f"{self.path}:{number}", VideoSample)
            hashes.append(stable_hash(sample.id))
            offsets.append(offset)
            kinds.append(sum({1 << KINDS.index(label.kind) for label in sample.labels}))
            offset += len(line)
            yield sample
        order = np.argsort(np.frombuffer(hashes, np.uint64), kind="stable")
        self._hashes = np.frombuffer(hashes, np.uint64)[order]
        self._offsets = np.frombuffer(offsets, np.int64)[order]
        self.kinds = np.frombuffer(kinds, np.uint16)[order]

    def __len__(self) -> int:
        return len(self._hashes)

    def find(self, sample_id: str) -> tuple[int, VideoSample] | None:
        """The number of a sample, and the sample; None when the manifest does not have it."""
        target = np.uint64(stable_hash(sample_id))
        place = int(np.searchsorted(self._hashes, target))
        while place < len(self) and self._hashes[place] == target:
            if (sample := self._read(place)).id == sample_id:
                return place, sample
            place += 1
        return None

    def close(self) -> None:
        """Close the manifest."""
        if self._file is not None:
            self._file.close()

    def _parse(self, number: int) -> VideoSample:
        assert self._file is not None
        self._file.seek(int(self._offsets[number]))
        return parse_record(self._file.readline(), str(self.path), VideoSample)
