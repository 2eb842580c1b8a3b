"""Shards and their results as files in .work/shards, for workers in other processes.

A result is written as a whole, so it is there or not, and outlives whoever asked for it.
"""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from video_star.core.paths import Workspace
from video_star.core.private import private_folder

RESULT = ".result"


def shard_folder(workspace: Workspace, job: str) -> Path:
    """Where the shards of a job are."""
    return workspace.work / "shards" / job


def new_shard_folder(workspace: Workspace, job: str) -> Path:
    """An empty folder for the shards of a job, which only its owner may read."""
    folder = shard_folder(workspace, job)
    shutil.rmtree(folder, ignore_errors=True)
    return private_folder(folder)


def write_object(path: Path, value: object) -> Path:
    """Write a picklable value in one piece."""
    building = path.with_name(f".{path.name}.part")
    with building.open("wb") as file:
        pickle.dump(value, file, pickle.HIGHEST_PROTOCOL)
    return building.replace(path)


def read_object(path: Path) -> Any:
    """The value in a file of `write_object`, which is one of ours: nobody else may write there."""
    with path.open("rb") as file:
        return pickle.load(file)


def finished_results(workspace: Workspace, job: str) -> Iterator[Any]:
    """Results that an earlier run left, which ended before it took them."""
    for path in sorted(shard_folder(workspace, job).glob(f"*{RESULT}")):
        if isinstance(outcome := read_object(path), list):  # else it is an error
            yield from outcome
        path.unlink()
