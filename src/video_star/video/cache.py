"""The frame cache: a video is decoded once for each cut and each set of video parameters.

The key of a clip's frames is made of the file's content, the cut and the parameters, so a renamed
file hits and a changed file misses. The digest of a path is kept with its size, time stamp and
inode: in JSON lines and not in SQLite, because a finetune on several machines shares the file over
a network file system.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile

import numpy as np

from video_star.core.engine import Clip
from video_star.core.errors import VideoError
from video_star.core.hashing import sha256, sha256_file
from video_star.core.params import Params, VideoParams
from video_star.core.paths import Workspace
from video_star.video.decode import Frames, read_frames
from video_star.video.frame_folder import folder_digest, folder_state

DECODER_VERSION = 2
"""Increased when `read_frames` gives other pixels or times for equal files and parameters."""


@dataclass(frozen=True)
class Decoded:
    """A clip with its frames, or the error of reading it."""

    clip: Clip
    frames: Frames | None
    error: VideoError | None


@dataclass
class FrameCache:
    """Frames of clips for one set of video parameters, stored in `folder`; safe for threads."""

    folder: Path
    params: VideoParams
    workers: int
    _digests: dict[str, list[object]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._digests.update(_read_digests(self._digest_file))

    @property
    def _digest_file(self) -> Path:
        return self.folder / "digests.jsonl"

    def key(self, clip: Clip) -> str:
        """Content key of the clip's frames; VideoError when the file cannot be read."""
        parts = [DECODER_VERSION, self._digest(clip.path), clip.start_s, clip.end_s]
        text = json.dumps([*parts, self.params.model_dump(mode="json")], sort_keys=True)
        return sha256(text)

    def get(self, clip: Clip) -> Frames:
        """The clip's frames, from the cache or decoded and stored; VideoError when unusable."""
        key = self.key(clip)
        path = self.folder / key[:2] / f"{key}.npz"
        try:
            return _load(path)
        except (OSError, ValueError, EOFError, KeyError, BadZipFile):
            frames = read_frames(clip, self.params)
        path.parent.mkdir(exist_ok=True)
        # A name for this process and thread: others may decode the same clip at the same time.
        temporary = path.with_name(f".{key}.{os.getpid()}.{threading.get_ident()}.part")
        with temporary.open("wb") as file:
            _save(file, frames)
        temporary.replace(path)
        return frames

    def prefetch(self, clips: Iterable[Clip], depth: int) -> Generator[Decoded, None, None]:
        """Clips with their frames, in order; up to `depth` clips are decoded in advance."""
        pending: deque[Future[Decoded]] = deque()
        with ThreadPoolExecutor(self.workers, thread_name_prefix="decode") as pool:
            try:
                for clip in clips:
                    pending.append(pool.submit(self._decode, clip))
                    if len(pending) > depth:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                for future in pending:
                    future.cancel()

    def _decode(self, clip: Clip) -> Decoded:
        try:
            return Decoded(clip, self.get(clip), None)
        except VideoError as error:
            return Decoded(clip, None, error)

    def _digest(self, path: Path) -> str:
        """sha256 of the file or frame folder; reused while size, time stamps and inode stay."""
        try:
            state = _state(path)
            name = str(path.resolve())
            known = self._digests.get(name)
            if known is not None and known[:3] == state:
                return str(known[3])
            digest = folder_digest(path) if path.is_dir() else sha256_file(path)
        except OSError as error:
            raise VideoError(
                f"{path}: cannot be read ({error.strerror}); correct the annotation or add it."
            ) from error
        with self._lock:
            self._digests[name] = [*state, digest]
            with self._digest_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps([name, *state, digest]) + "\n")
        return digest


def open_frames(workspace: Workspace, params: Params) -> FrameCache:
    """The frame cache of a workspace, for the video parameters of params.yaml."""
    return FrameCache(workspace.frames, params.video, params.settings.decode_workers)


def _load(path: Path) -> Frames:
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        clock = file["clock"].tolist()
        if not clock:
            return Frames(file["pixels"], None, None)
        return Frames(file["pixels"], tuple(clock[:-1]), clock[-1])


def _save(file: BinaryIO, frames: Frames) -> None:
    """`pixels`, and `clock`: the times and then the duration; empty without a clock."""
    clock = [] if frames.times is None else [*frames.times, frames.duration]
    np.savez(file, pixels=frames.pixels, clock=np.array(clock, dtype=np.float64))


def _state(path: Path) -> list[object]:
    """Size, time stamp and inode of a file, or of all frames of a folder."""
    if path.is_dir():
        return folder_state(path)
    state = path.stat()
    return [state.st_size, state.st_mtime_ns, state.st_ino]


def _read_digests(path: Path) -> dict[str, list[object]]:
    """Digests written by earlier processes; a line that cannot be read costs hashing a file."""
    digests: dict[str, list[object]] = {}
    if not path.is_file():
        return digests
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            name, size, changed, inode, digest = json.loads(line)
        except (ValueError, TypeError, RecursionError):
            continue
        digests[str(name)] = [size, changed, inode, digest]
    return digests
