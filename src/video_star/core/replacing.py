"""Files and folders that are replaced as a whole: written beside, synced, renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


def with_name(error: OSError, path: Path) -> OSError:
    """The error of a write, which says no name, with that of the file."""
    return OSError(error.errno, error.strerror, str(path))


@contextmanager
def synced(path: Path) -> Iterator[TextIO]:
    """A text file to write, which is on disk when the block has ended."""
    try:
        with path.open("w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.filename is not None:
            raise
        raise with_name(error, path) from error


@contextmanager
def replacing_file(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".{path.name}.part")
    try:
        with synced(building) as file:
            yield file
        building.replace(path)
    except BaseException:
        building.unlink(missing_ok=True)
        raise


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """An empty folder that takes the place of `folder` when the block ends without an error."""
    building = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(building, ignore_errors=True)  # what a kill left
    building.mkdir(parents=True)
    try:
        yield building
        shutil.rmtree(folder, ignore_errors=True)
        building.rename(folder)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
