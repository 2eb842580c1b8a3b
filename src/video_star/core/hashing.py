"""sha256 of files, folders, texts and records, and choices that are drawn from it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def sha256(content: str | bytes | Iterable[str | bytes]) -> str:
    """Hex digest of a text (as UTF-8) or bytes, or of several of them one after the other."""
    digest = hashlib.sha256()
    for part in (content,) if isinstance(content, (str, bytes)) else content:
        digest.update(part.encode() if isinstance(part, str) else part)
    return digest.hexdigest()


def sha256_file(path: Path) -> str:
    """Hex digest of a file, which is never held in memory as a whole."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_files(paths: Iterable[Path], root: Path) -> str:
    """Hex digest of names (relative to root) and contents, in sorted order."""
    return sha256(
        part
        for path in sorted(paths)
        for part in (f"{path.relative_to(root).as_posix()}\0", bytes.fromhex(sha256_file(path)))
    )


def stable_hash(*parts: object) -> int:
    """A 64-bit integer from the parts' text; equal parts give equal numbers everywhere."""
    return int(sha256("\x1f".join(str(part) for part in parts))[:16], 16)


def stable_index(n: int, *parts: object) -> int:
    """An index in range(n), drawn from the parts."""
    return stable_hash(*parts) % n


def stable_seed(*parts: object) -> int:
    """A 31-bit seed for torch or numpy."""
    return stable_hash(*parts) & 0x7FFFFFFF


def stable_shuffle(items: Sequence[T], *parts: object) -> list[T]:
    """The items in an order drawn from the parts."""
    shuffled = list(items)
    random.Random(stable_hash(*parts)).shuffle(shuffled)
    return shuffled
