"""Videos that are folders of numbered images, like the frames of FineDiving.

Frames are in the order of their numbers, with or without zero padding: "00489.jpg", "frame_7.png".
A folder has no times, so it is sampled by count (uniform, middle) and cannot be cut.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from video_star.core.errors import VideoError
from video_star.core.hashing import sha256

SUFFIXES = (".jpg", ".jpeg", ".png")
_NUMBERED = re.compile(r"\D*(\d+)", re.ASCII)


def numbered_images(folder: Path) -> list[Path]:
    """The frames of a folder by number; other files are ignored.

    VideoError when the folder cannot be read, holds no numbered image, or two of the same number,
    or one that is no file.
    """
    numbers: dict[int, Path] = {}
    try:
        with os.scandir(folder) as entries:
            files = {entry.name: entry.is_file() for entry in entries}
    except OSError as error:
        raise VideoError(
            f"{folder}: cannot be read ({error.strerror}); correct the annotation or add it."
        ) from error
    for name in sorted(files):
        path = folder / name
        match = _NUMBERED.fullmatch(path.stem)
        if match is None or name.startswith(".") or path.suffix.lower() not in SUFFIXES:
            continue
        if not files[name]:
            raise VideoError(f"{path}: is no regular file; replace it with an image.")
        number = int(match[1])
        if number in numbers:
            raise VideoError(
                f"{folder}: {numbers[number].name} and {name} have the same number; remove one."
            )
        numbers[number] = path
    if not numbers:
        raise VideoError(f"{folder}: holds no numbered jpg or png images; add the frames.")
    return [numbers[number] for number in sorted(numbers)]


def folder_state(folder: Path) -> list[object]:
    """Total size, a hash over every frame's name, size and time stamp, and the folder's inode.

    Changes whenever a frame does; VideoError as `numbered_images`, OSError.
    """
    states = [(path.name, path.stat()) for path in numbered_images(folder)]
    marks = sha256(f"{name}\0{state.st_size}\0{state.st_mtime_ns}\n" for name, state in states)
    return [sum(state.st_size for _, state in states), marks, folder.stat().st_ino]
