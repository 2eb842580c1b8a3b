"""The room of the frame cache: past its bound, the entries go whose last use is longest ago.

The time stamp of an entry says when it was used last: a hit sets it, since many disks record no
access times. Nothing else is kept, so processes that share a cache need no lock: what one has
removed is missing to another, which reads the video again. Each counts what it writes and looks at
the folder again after every hundredth of the bound, so the cache exceeds it by no more than that
(or one entry) for each process.
"""

from __future__ import annotations

import os
import threading
import time
from array import array
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ENTRY = ".npz"
PART = ".part"
"""Ending of an entry that is being written."""

LOOK = 0.01
"""Share of the bound to write between two looks: a look then costs a hundred stats an entry."""
KEPT = 0.9
"""Share of the bound that is left after removing, so that not every entry removes one."""
LEFTOVER_S = 3600
"""A part that was not written to for so long is of a process that was killed."""


@dataclass
class Room:
    """The bytes that the entries of a frame cache may take; safe for threads."""

    folder: Path
    most: int
    _written: int | None = None
    """Bytes since the last look; None before the first."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, size: int) -> None:
        """Note that an entry of so many bytes was written; removes others when all are too many."""
        with self._lock:
            if self._written is not None and self._written + size < LOOK * self.most:
                self._written += size
                return
            self._written = 0
        make_room(self.folder, self.most)


def touch(entry: Path) -> None:
    """Note that an entry was used; one of a folder that is read only keeps its time stamp."""
    with suppress(OSError):
        os.utime(entry)


def make_room(folder: Path, most: int) -> None:
    """Remove the entries used longest ago if all take more than `most` bytes, and leftover parts.

    What cannot be removed stays.
    """
    used, sizes = array("q"), array("q")  # 16 bytes an entry: there may be a million
    for entry, state in _files(folder):
        if entry.name.endswith(ENTRY):
            used.append(state.st_mtime_ns)
            sizes.append(state.st_size)
        elif entry.name.endswith(PART) and state.st_mtime < time.time() - LEFTOVER_S:
            _remove(entry)
    total = sum(sizes)
    if total <= most:
        return
    excess = total - KEPT * most
    stamps = np.array(used)
    order = np.argsort(stamps)
    freed = np.cumsum(np.array(sizes)[order])
    last = stamps[order[np.searchsorted(freed, excess)]]
    # The stamps are read again: an entry that was used in the meantime stays. Many may have the
    # last one, where a file system counts whole seconds.
    for entry, state in _files(folder):
        if entry.name.endswith(ENTRY) and state.st_mtime_ns <= last and excess > 0:
            excess -= state.st_size
            _remove(entry)


def taken(folder: Path) -> int:
    """The bytes that a frame cache takes, with what is being written."""
    return sum(state.st_size for _, state in _files(folder))


def _files(folder: Path) -> Iterator[tuple[os.DirEntry[str], os.stat_result]]:
    """The files in the folders of the cache; those that another process removes may be missing."""
    for group in folder.glob("??"):
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(group) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if entry.is_file(follow_symlinks=False):
                        yield entry, entry.stat(follow_symlinks=False)


def _remove(entry: os.DirEntry[str]) -> None:
    with suppress(OSError):
        Path(entry.path).unlink()
