"""Files and folders that only their owner may read: stores of answers and runs, secrets, logs."""

from __future__ import annotations

import os
from pathlib import Path


def private_folder(path: Path) -> Path:
    """Make a folder, or take one that is there, and shut it for others (0700)."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def private_store(path: Path) -> Path:
    """A private file in a folder that is ours, which is shut too, also when it was there before."""
    private_folder(path.parent)
    return private_file(path)


def private_file(path: Path) -> Path:
    """Make an empty file, or take one that is there, and shut it for others (0600).

    Its folder is made as a private one; one that is there stays as it is. SQLite gives its journals
    the mode of their database.
    """
    if not path.parent.exists():
        private_folder(path.parent)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR, 0o600), "rb") as file:
        os.fchmod(file.fileno(), 0o600)
    return path
