"""sha256 of videos, each computed once for all steps and processes: kept by the state of the file.

The state is size, time of change and inode; a copied or changed file is hashed again. The digests
lie in SQLite, so that a million of them take no memory. They only save time: where the database
cannot be used, files are hashed.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from pathlib import Path

from video_star.core.errors import VideoError
from video_star.core.hashing import sha256, sha256_file
from video_star.video.container import is_folder
from video_star.video.frame_folder import folder_state, numbered_images

DIGESTS = "sha256.sqlite"
"""In the folder of the frame cache."""
BROKEN = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
"""Such a database is made anew."""
TURNS = 64
"""How many files threads may hash at once; no two of them hash the same one."""


def files_of(path: Path) -> list[Path]:
    """What a video is read from: its file, or the frames of a folder; empty when there is none."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    try:
        return numbered_images(path)
    except VideoError:
        return []


class ContentHashes:
    """The digests that are kept in the folder of a frame cache; safe for threads."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / DIGESTS
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._turns = [threading.Lock() for _ in range(TURNS)]

    def of(self, path: Path) -> str:
        """sha256 of a file, or of the digests of a folder's frames in their order.

        VideoError when there is no video, OSError when it cannot be read.
        """
        folder, name = is_folder(path), str(path.resolve())
        with self._turns[hash(name) % TURNS]:
            state = json.dumps(folder_state(path)) if folder else _state(path)
            digest = self._kept(name, state)
            if digest is None:
                digest = self._of_frames(path) if folder else sha256_file(path)
                self._ask("INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", name, state, digest)
        return digest

    def _of_frames(self, folder: Path) -> str:
        """The digests of single frames are used where a list of checksums asked for them."""
        frames = numbered_images(folder)
        kept = ((frame, self._kept(str(frame.resolve()), _state(frame))) for frame in frames)
        return sha256(bytes.fromhex(digest or sha256_file(frame)) for frame, digest in kept)

    def _kept(self, name: str, state: str) -> str | None:
        rows = self._ask("SELECT digest FROM digests WHERE name = ? AND state = ?", name, state)
        return str(rows[0][0]) if rows else None

    def _ask(self, statement: str, *values: str) -> list[tuple[object, ...]]:
        """The rows of a statement; none where the database cannot be used."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = _connect(self.file)
                    weakref.finalize(self, self._connection.close)
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                # The lower byte is the kind of error, those above it say more.
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in BROKEN:
                    self._delete()
                return []

    def _delete(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for name in (DIGESTS, f"{DIGESTS}-journal"):
            self.file.with_name(name).unlink(missing_ok=True)


def _connect(file: Path) -> sqlite3.Connection:
    """A connection for all threads, which commits each statement; sqlite3.Error."""
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
    try:
        # A digest that a power failure takes is computed again.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS digests"
            " (name TEXT PRIMARY KEY, state TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID"
        )
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _state(file: Path) -> str:
    state = file.stat()
    return json.dumps([state.st_size, state.st_mtime_ns, state.st_ino])
