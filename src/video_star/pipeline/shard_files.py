"""Shards and their results as files in .work/shards, for workers in other processes.

A result is written as a whole, so it is there or not, and outlives whoever asked for it.
"""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from video_star.core.paths import Workspace
from video_star.core.private import private_folder
from video_star.core.replacing import with_name

RESULT = ".result"


def shard_folder(workspace: Workspace, job: str) -> Path:
    """Where the shards of a job are."""
    return workspace.work / "shards" / job


def new_shard_folder(workspace: Workspace, job: str) -> Path:
    """An empty folder for the shards of a job, which only its owner may read.

    Its name is new: workers outlive a killed run for some seconds, and write where they were told.
    """
    folder = shard_folder(workspace, job)
    shutil.rmtree(folder, ignore_errors=True)
    return Path(mkdtemp(dir=private_folder(folder)))


def write_object(path: Path, value: object) -> Path:
    """Write a picklable value in one piece."""
    building = path.with_name(f".{path.name}.part")
    try:
        with building.open("wb") as file:
            pickle.dump(value, file, pickle.HIGHEST_PROTOCOL)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise with_name(error, path) from error
    return building.replace(path)


def read_object(path: Path) -> Any:
    """The value in a file of `write_object`, which is one of ours: nobody else may write there."""
    with path.open("rb") as file:
        return pickle.load(file)


def finished_results(workspace: Workspace, job: str) -> Iterator[Any]:
    """Results that an earlier run left, which ended before it took them; then they are gone."""
    folder = shard_folder(workspace, job)
    for path in sorted(folder.glob(f"*/*{RESULT}")):
        yield from _results(path)
    shutil.rmtree(folder, ignore_errors=True)


def _results(path: Path) -> Iterable[Any]:
    try:
        return read_object(path)
    except Exception:  # noqa: BLE001 - what another version of the code wrote may raise anything
        return ()
