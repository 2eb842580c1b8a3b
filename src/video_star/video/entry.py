"""A file of the frame cache: the frames of one clip, and a digest that says whether it is whole.

It is a NumPy archive (`packed` pixels and their `shape`, and `clock`: the times and then the
duration; empty without a clock), followed by the sha256 of its key and all that. So nothing is read
but what was written under this key, whatever a full disk, a copy or a hand made of it.
"""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np

from video_star.video.decode import Frames
from video_star.video.packing import packed, unpacked

_DIGEST = sha256().digest_size
_FORMAT = "packed"
"""Another word than in earlier versions, whose entries are not read."""


def write_entry(path: Path, key: str, frames: Frames) -> None:
    """Write a file; OSError, as of a full disk, leaves none."""
    clock = [] if frames.times is None else [*frames.times, frames.duration]
    content = BytesIO()
    np.savez(
        content,
        packed=np.frombuffer(packed(frames.pixels), dtype=np.uint8),
        shape=np.array(frames.pixels.shape),
        clock=np.array(clock, dtype=np.float64),
    )
    try:
        with path.open("wb") as file:
            file.write(content.getbuffer())
            file.write(_digest(key, content.getbuffer()))
    except OSError:
        path.unlink(missing_ok=True)
        raise


def read_entry(path: Path, key: str) -> Frames | None:
    """The frames without their note; None when there is no file, or it is not what was written."""
    try:
        content = memoryview(path.read_bytes())
    except OSError:
        return None
    archive, digest = content[:-_DIGEST], content[-_DIGEST:]
    if digest != _digest(key, archive):
        return None
    with np.load(BytesIO(archive), allow_pickle=False) as file:
        pixels = unpacked(file["packed"].tobytes(), tuple(file["shape"].tolist()))
        clock = file["clock"].tolist()
        if not clock:
            return Frames(pixels, None, None)
        return Frames(pixels, tuple(clock[:-1]), clock[-1])


def _digest(key: str, archive: memoryview) -> bytes:
    digest = sha256(f"{_FORMAT} {key}".encode())
    digest.update(archive)
    return digest.digest()
