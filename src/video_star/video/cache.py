"""The frame cache: a video is decoded once for each cut and each set of video parameters.

Videos are read in child processes (isolated.py), which write the frames; here they are only loaded.
What was used longest ago goes when the cache exceeds its bound (room.py).
The key of a clip's frames is made of the file's content, the cut and the parameters, so a renamed
file hits and a changed file misses.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from video_star.core.engine import Clip
from video_star.core.errors import VideoError
from video_star.core.hashing import sha256
from video_star.core.params import Params, VideoParams
from video_star.core.paths import Workspace
from video_star.core.replacing import with_name
from video_star.video.container import unreadable
from video_star.video.content import ContentHashes
from video_star.video.decode import Frames
from video_star.video.entry import read_entry
from video_star.video.isolated import LIMITS, Limits, store_frames
from video_star.video.room import ENTRY, Room, touch

DECODER_VERSION = 3
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
    limits: Limits = LIMITS
    _notes: dict[str, str] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._room = Room(self.folder, int(self.limits.cache_gb * 2**30))
        self._hashes = ContentHashes(self.folder)
        self._notes.update(_read_notes(self._note_file))

    @property
    def _note_file(self) -> Path:
        return self.folder / "notes.jsonl"

    def key(self, clip: Clip) -> str:
        """Content key of the clip's frames; VideoError when the file cannot be read."""
        parts = [DECODER_VERSION, self.sha256(clip), clip.start_s, clip.end_s]
        text = json.dumps([*parts, self.params.model_dump(mode="json")], sort_keys=True)
        return sha256(text)

    def get(self, clip: Clip) -> Frames:
        """The clip's frames, from the cache or decoded and stored; VideoError when unusable.

        OSError when they cannot be stored.
        """
        key = self.key(clip)
        path = self._entry(key)
        frames = read_entry(path, key)
        if frames is not None:
            touch(path)
            return replace(frames, note=self._notes.get(key))
        path.parent.mkdir(exist_ok=True)
        frames = store_frames(clip, self.params, path, key, self.limits)
        if frames.note is not None and frames.note != self._notes.get(key):
            self._keep_note(key, frames.note)
        self._room.take(frames.pixels.nbytes)
        return frames

    def kept(self, clip: Clip) -> Frames | None:
        """The clip's frames if the cache has them, without their note; VideoError as of `key`."""
        key = self.key(clip)
        return read_entry(self._entry(key), key)

    def _entry(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}{ENTRY}"

    def notes(self, clips: Iterable[Clip], data: Path) -> tuple[str, ...]:
        """A sentence for each damaged video among those that were read; `data` is their folder."""
        found = set()
        for clip in clips if self._notes else ():
            try:
                note = self._notes.get(self.key(clip))
            except VideoError:
                continue
            if note is not None:
                inside = clip.path.is_relative_to(data)
                name = (clip.path.relative_to(data) if inside else clip.path).as_posix()
                found.add(f"{name} {note}; it was read as far as it goes.")
        return tuple(sorted(found))

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

    def sha256(self, clip: Clip) -> str:
        """Of the clip's file, or of a folder's frames; VideoError when it cannot be read."""
        try:
            return self._hashes.of(clip.path)
        except OSError as error:
            raise unreadable(clip.path, error) from error

    def _decode(self, clip: Clip) -> Decoded:
        try:
            return Decoded(clip, self.get(clip), None)
        except VideoError as error:
            return Decoded(clip, None, error)

    def _keep_note(self, key: str, note: str) -> None:
        try:
            with self._lock, self._note_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps([key, note]) + "\n")
        except OSError as error:
            raise with_name(error, self._note_file) from error
        self._notes[key] = note


def open_frames(workspace: Workspace, params: Params) -> FrameCache:
    """The frame cache of a workspace, for the video parameters of params.yaml."""
    settings = params.settings
    return FrameCache(workspace.frames, params.video, settings.decode_workers, Limits.of(settings))


def _read_notes(file: Path) -> Iterator[tuple[str, str]]:
    """Notes of earlier processes by key; what a kill left of a line is found out again."""
    for line in file.read_bytes().splitlines() if file.is_file() else ():
        with suppress(ValueError, TypeError, RecursionError):
            key, note = json.loads(line)
            yield str(key), str(note)
