"""Reads videos in child processes, so that no file hangs, crashes or fills the process of a step.

A child serves one request at a time, within a deadline and a bound on its memory, and is replaced
when it does not answer. Children start when they are needed, as many as threads ask at once, and
stay for the next videos, whoever asks.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from errno import EIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from uuid import uuid4

from video_star.core.engine import Clip
from video_star.core.errors import VideoError, VideoStarError
from video_star.core.params import Settings, VideoParams
from video_star.core.replacing import with_name
from video_star.video.decode import Frames, VideoInfo
from video_star.video.entry import read_entry
from video_star.video.room import PART

ATTEMPTS = 2
"""How often a child may end over a video: what ends one from outside seldom ends the next."""
SOURCE = Path(__file__).parents[2]
"""Where this package lies."""
START_S = 120
"""Seconds within which a child must have loaded its libraries, on the slowest of file systems."""

ENDING_S = 10
"""Seconds for a process that closed its pipe to end."""


@dataclass(frozen=True)
class Limits:
    """What reading videos may take."""

    deadline_s: float
    """Of one video."""
    memory_gb: float
    """GiB of each process that reads."""
    cache_gb: float
    """GiB of the frames that are kept."""

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits that params.yaml gives."""
        return cls(settings.decode_deadline_s, settings.decode_memory_gb, settings.frame_cache_gb)


LIMITS = Limits(deadline_s=600, memory_gb=4, cache_gb=10)
"""Where no params.yaml is at hand, the same as in ours."""


def probe_apart(path: Path, limits: Limits = LIMITS) -> VideoInfo:
    """As `decode.probe`, in a child; VideoError also for what a child cannot do."""
    return VideoInfo(**_ask(path, {"do": "probe"}, limits))


def chosen_times_apart(clip: Clip, params: VideoParams, limits: Limits) -> tuple[float, ...] | None:
    """As `decode.chosen_times`, in a child; VideoError also for what a child cannot do."""
    times = _ask(clip.path, {"do": "choose", **_of_clip(clip, params)}, limits)
    return None if times is None else tuple(times)


def _of_clip(clip: Clip, params: VideoParams) -> dict[str, Any]:
    cut = {"start_s": clip.start_s, "end_s": clip.end_s}
    return {**cut, "params": params.model_dump(mode="json")}


def store_frames(clip: Clip, params: VideoParams, entry: Path, key: str, limits: Limits) -> Frames:
    """Read a clip in a child, which writes the frames to a file of the frame cache; returns them.

    VideoError as `decode.read_frames` and for what a child cannot do, OSError when the cache cannot
    be written.
    """
    part = entry.with_name(f".{key}.{uuid4().hex}{PART}")
    request = {"do": "read", **_of_clip(clip, params), "entry": str(part.absolute()), "key": key}
    try:
        note: str | None = _ask(clip.path, request, limits)
        # Loaded before it has its name, under which any process may remove it to make room.
        frames = read_entry(part, key)
        if frames is None:
            raise OSError(EIO, "does not hold what was just written")
        with suppress(FileNotFoundError):  # someone has emptied the cache
            part.replace(entry)
        return replace(frames, note=note)
    except OSError as error:
        raise with_name(error, entry) from error
    finally:
        part.unlink(missing_ok=True)  # of a child that was ended while it wrote


class _Silence(Exception):
    """A child did not answer in time."""


class _Death(Exception):
    """A child ended; the message says how."""


class _Child:
    """A process that reads videos; _Silence or _Death when it does not start."""

    def __init__(self, limits: Limits) -> None:
        self._errors = TemporaryFile()  # noqa: SIM115 (it is open as long as the child lives)
        path = os.pathsep.join([str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "video_star.video.child",
                str(int(limits.memory_gb * 2**30)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            # One thread each: the stacks of others count as memory.
            env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        )
        try:
            self._line(START_S)
        except (_Silence, _Death):
            self.end()
            raise

    def ask(self, request: dict[str, Any], deadline_s: float) -> dict[str, Any]:
        """The reply to a request; _Silence, _Death."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            raise _Death(self._last_words()) from None
        reply: dict[str, Any] = json.loads(self._line(deadline_s))
        return reply

    def _line(self, seconds: float) -> bytes:
        assert self._process.stdout is not None
        end, said = time.monotonic() + seconds, self._process.stdout.fileno()
        poll = select.poll()
        poll.register(said, select.POLLIN)
        line = b""
        while not line.endswith(b"\n"):
            if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
                raise _Silence(f"no answer in {seconds:g} s")
            part = os.read(said, 1 << 16)
            if not part:
                raise _Death(self._last_words())
            line += part
        return line

    def _last_words(self) -> str:
        try:
            code = self._process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            return "its answers ended"
        if code < 0:
            return signal.Signals(-code).name
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), f"exit code {code}")

    def lives(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                stream.close()


_idle: dict[tuple[int, Limits], list[_Child]] = {}
"""Children by the process that started them (a fork must not talk to them) and their limits."""
_lock = threading.Lock()


def _idle_child(limits: Limits) -> _Child | None:
    """A child that waits; one that ended in the meantime is no fault of the next video."""
    with _lock:
        waiting = _idle.get((os.getpid(), limits), [])
        while waiting:
            child = waiting.pop()
            if child.lives():
                return child
            child.end()
    return None


def _new_child(limits: Limits) -> _Child:
    """A child that has started; VideoStarError when none does."""
    for _ in range(ATTEMPTS):
        try:
            return _Child(limits)
        except (_Silence, _Death) as error:
            reason = error
    raise VideoStarError(
        f"The process that reads videos does not start ({reason}); run video-star doctor."
    ) from reason


def _ask(path: Path, request: dict[str, Any], limits: Limits) -> Any:
    """The value that a child answers about a video."""
    request["path"] = str(path.absolute())
    for attempt in range(ATTEMPTS):
        child = _idle_child(limits) or _new_child(limits)
        try:
            reply = child.ask(request, limits.deadline_s)
            break
        except _Silence:
            child.end()
            raise VideoError(
                f"{path}: reading takes more than {limits.deadline_s:g} s; raise "
                "settings.decode_deadline_s in params.yaml, or replace the file."
            ) from None
        except _Death as error:
            child.end()
            if attempt == ATTEMPTS - 1:
                raise VideoError(
                    f"{path}: the process that read it ended ({error}); replace or re-encode the "
                    "file."
                ) from None
        except BaseException:
            child.end()
            raise
    with _lock:
        _idle.setdefault((os.getpid(), limits), []).append(child)
    if "error" in reply:
        # The child knows the whole path; what is said has the one that was given.
        raise VideoError(reply["error"].replace(request["path"], str(path), 1))
    if "os_error" in reply:
        raise OSError(*reply["os_error"])
    return reply["value"]


@atexit.register
def _end_all() -> None:
    for (pid, _), waiting in _idle.items():
        for child in waiting if pid == os.getpid() else ():
            child.end()
