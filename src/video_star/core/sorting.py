"""Texts sorted on disk, for more of them than memory should hold."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp

from video_star.core.errors import VideoStarError


@dataclass(frozen=True)
class SortedTexts:
    """Texts in the order of their keys, those with equal keys in the order in which they came."""

    database: sqlite3.Connection
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[str]:
        rows = self.database.execute("SELECT text FROM texts ORDER BY key, rowid")
        return (text for (text,) in rows)


@contextmanager
def sorted_on_disk(keyed: Iterable[tuple[str, str]], folder: Path) -> Iterator[SortedTexts]:
    """Sort pairs of key and text by their keys, in a file of `folder` that goes with the block.

    SQLite sorts with 2 MiB of memory, whatever the number of texts. VideoStarError for a full disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = mkstemp(dir=folder, prefix="sorting-")
    os.close(handle)
    with closing(sqlite3.connect(name, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        Path(name).unlink()  # open, but gone with this process, however it ends
        try:
            count = _fill(database, keyed)
        except sqlite3.OperationalError as error:
            raise VideoStarError(
                f"{folder}: {error}; free some space there and where temporary files go (TMPDIR), "
                "then run the same command again."
            ) from error
        yield SortedTexts(database, count)


def _fill(database: sqlite3.Connection, keyed: Iterable[tuple[str, str]]) -> int:
    """Insert and index all pairs, and count them."""
    database.execute("BEGIN")
    database.execute("CREATE TABLE texts (key TEXT NOT NULL, text TEXT NOT NULL)")
    database.executemany("INSERT INTO texts VALUES (?, ?)", keyed)
    database.execute("CREATE INDEX by_key ON texts (key)")
    database.execute("COMMIT")
    return int(database.execute("SELECT count(*) FROM texts").fetchone()[0])
