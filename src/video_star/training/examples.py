"""The training examples of a job, read from their file one at a time."""

from __future__ import annotations

from array import array
from pathlib import Path

from video_star.core.jsonl import parse_record
from video_star.core.records import TrainingExample

IGNORED = -100
"""Label of a token that has no loss: all tokens but the answer's."""


class Examples:
    """The lines of a JSONL file of TrainingExample, by index; 8 bytes are held of each.

    Safe for threads. DataError names a line that is no example when it is read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts = array("Q")
        start = 0
        with path.open("rb") as lines:
            for line in lines:
                self._starts.append(start)
                start += len(line)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> TrainingExample:
        with self._path.open("rb") as lines:
            lines.seek(self._starts[index])
            return parse_record(lines.readline(), f"{self._path}:{index + 1}", TrainingExample)
