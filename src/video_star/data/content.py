"""sha256 of videos, each computed once: kept by path, size and time of change."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from video_star.core.hashing import sha256, sha256_file
from video_star.core.paths import Workspace


def files_of(path: Path) -> list[Path]:
    """The file of a video, or the files of a folder of frames."""
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file())
    return [path] if path.is_file() else []


_KEPT = TypeAdapter(tuple[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]])


class ContentHashes:
    """The digests of a workspace's videos (`.work/sha256.jsonl`)."""

    def __init__(self, workspace: Workspace) -> None:
        self.root = workspace.root
        self.file = workspace.work / "sha256.jsonl"
        self._kept: dict[str, str] = {}
        self._seen: dict[Path, str] = {}
        kept = self.file.read_bytes() if self.file.exists() else b""
        for line in kept.splitlines():
            # What is no line of ours, as one that a kill cut off, costs hashing a file.
            with suppress(ValidationError):
                key, digest = _KEPT.validate_json(line)
                self._kept[key] = digest

    def of(self, path: Path) -> str:
        """sha256 of a file, or of the digests of a folder's files in the order of their names."""
        if path not in self._seen:
            files = files_of(path)
            stats = [file.stat() for file in files]
            size, changed = sum(s.st_size for s in stats), max(s.st_mtime_ns for s in stats)
            key = f"{os.path.relpath(path, self.root)} {size} {changed}"
            if key not in self._kept:
                self._keep(key, _digest(files) if path.is_dir() else sha256_file(path))
            self._seen[path] = self._kept[key]
        return self._seen[path]

    def _keep(self, key: str, digest: str) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as file:
            # The line break comes first, so that a line that was cut off spoils no other.
            file.write(f"\n{json.dumps([key, digest])}")
        self._kept[key] = digest


def _digest(files: Iterable[Path]) -> str:
    return sha256(bytes.fromhex(sha256_file(path)) for path in files)
