"""Where a result comes from: the git commit of the code, and the data set's DVC hash."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path


def git_state(root: Path) -> tuple[str | None, bool]:
    """The commit that is checked out (None outside of git or before a first commit), and whether
    tracked files differ from it."""
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return None, False
    return commit, bool(_git(root, "status", "--porcelain", "--untracked-files=no"))


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def dvc_md5(folder: Path) -> str:
    """The hash that DVC gives a folder: 32 hex digits and `.dir`.

    It is computed here, not read from dvc.lock, because a step that ran without DVC leaves the lock
    behind what lies on disk.
    """
    entries = []
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                md5 = hashlib.file_digest(file, "md5").hexdigest()
            entries.append({"md5": md5, "relpath": path.relative_to(folder).as_posix()})
    entries.sort(key=lambda entry: entry["relpath"].split("/"))
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode()).hexdigest() + ".dir"
