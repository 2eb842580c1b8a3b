"""How fast steps went: .work/throughput/<step>.json, for the hours of `video-star plan`.

Scratch of this machine, never an output: no result depends on it.
"""

from __future__ import annotations

import json
import os
import platform
import time
from contextlib import suppress
from typing import Any

from video_star.core.jsonl import dump_json, write_text
from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.core.progress import Progress
from video_star.core.urls import engine_shown

UNITS = ("answers", "steps", "clips read", "clips encoded")
"""Progress that grows with the work; a step that reports none of it is measured by its samples."""
Done = dict[str, tuple[int, float]]
"""By unit: how many were done, in how many seconds."""


class Measured:
    """Progress that passes on what it gets, and measures it."""

    def __init__(self, progress: Progress) -> None:
        self.note = progress.note
        self._update = progress.update
        self._begun = time.monotonic()
        self._first: Done = {}
        self._last: Done = {}

    def update(self, done: int, total: int, what: str) -> None:
        """What was done before the first update was known or resumed: it took no time."""
        self._last[what] = done, time.monotonic()
        self._first.setdefault(what, self._last[what])
        self._update(done, total, what)

    def record(self, workspace: Workspace, step: str, params: Params, read: int) -> None:
        """Keep the speed of a step of `read` samples, unless that of a larger run is kept.

        Nothing is kept of a run whose answers were all there before.
        """
        done = {
            what: (n - self._first[what][0], at - self._first[what][1])
            for what, (n, at) in self._last.items()
            if what in UNITS and n > self._first[what][0]
        }
        if self._last.keys().isdisjoint(UNITS):
            done = {"samples": (read, time.monotonic() - self._begun)}
        known = read_speed(workspace, step, params) or {}
        if sum(n for n, _ in done.values()) > sum(n for n, _ in known.values()):
            machine = f"{platform.node()}, {os.cpu_count()} cores, {params.settings.device}"
            speed = {"of": _conditions(params), "on": machine, "done": done}
            with suppress(OSError):  # as of a full disk: the step itself is done
                write_text(workspace.work / "throughput" / f"{step}.json", dump_json(speed))


def read_speed(workspace: Workspace, step: str, params: Params) -> Done | None:
    """The measured speed of a step with the present model, frames and engine, if there is one."""
    try:
        found = json.loads((workspace.work / "throughput" / f"{step}.json").read_bytes())
        speed = {str(what): (int(n), float(s)) for what, (n, s) in found["done"].items()}
        return speed if found["of"] == _conditions(params) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _conditions(params: Params) -> dict[str, Any]:
    """What a speed belongs to: it says nothing of another model, other frames, another engine."""
    return {
        "model": params.model.model_dump(),
        "video": params.video.model_dump(),
        "engine": engine_shown(params.settings.engine),
    }
