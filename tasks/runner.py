"""Run one step of one round as a DVC stage, and say what happened. No Prefect in here."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from video_star.core.environment import child_environment
from video_star.core.errors import BusyError, VideoStarError
from video_star.core.messages import VARIABLE, message_in
from video_star.core.paths import Workspace
from video_star.core.processes import run_lines
from video_star.core.progress import Progress
from video_star.pipeline.dvc import DvcCannotSay, changed_stages, stage_inputs, stage_name

Outcome = Literal["ran", "restored", "up to date"]

REFUSALS = (2, 3, 4, 5)
"""Exit codes of steps that a retry cannot help (see video_star.core.errors)."""


class StepFailed(VideoStarError):
    """A step ended with an error; message and exit code are the step's own where it gave them."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class DvcRunner:
    """Steps as DVC stages in child processes; what DVC has already, it skips or restores."""

    def __init__(self, workspace: Workspace) -> None:
        self._root = workspace.root
        self._changed: set[str] | None = None
        self._something_ran = False
        self._forced: set[str] = set()
        self.inputs: dict[str, list[str]] = {}
        """Of each stage those that it waits for; filled by `prepare`."""

    def prepare(
        self, steps: Iterable[tuple[str, str]], forced: Collection[tuple[str, str]] = ()
    ) -> None:
        """Find out at once which steps have changed: those before the first need no child."""
        self._something_ran, self._changed = False, None
        self._forced = {stage_name(*step) for step in forced}
        with suppress(DvcCannotSay):  # then each step's own child says why
            self._changed = changed_stages(self._root, [stage_name(*step) for step in steps])
            self.inputs = stage_inputs(self._root)

    def run(self, step: str, round_name: str, progress: Progress) -> Outcome:
        """Run one step unless it is up to date; StepFailed or BusyError say why it could not."""
        stage = stage_name(step, round_name)
        force = stage in self._forced
        known = self._changed is not None and not self._something_ran
        if known and stage not in (self._changed or ()) and not force:
            return "up to date"
        self._something_ran = True
        return _run_stage(self._root, stage, progress, force)


def _run_stage(root: Path, stage: str, progress: Progress, force: bool) -> Outcome:
    """Run one stage in a child; its lines and messages of progress go to `progress`."""
    result: dict[str, Any] = {}

    def read(line: str) -> None:
        message = message_in(line)
        if message is None:
            if line.strip():
                progress.note(line)
        elif "done" in message:
            progress.update(message["done"], message["total"], message["what"])
        else:
            result.update(message)

    command = [sys.executable, "-m", "video_star.pipeline.dvc", stage, *["--force"] * force]
    env = {**child_environment(), "PYTHONUNBUFFERED": "1", VARIABLE: "1"}
    code = run_lines(command, root, env, read)
    if code != 0:
        raise _failure(stage, code, result)
    if not result["changed"]:
        return "up to date"
    return "ran" if "started" in result else "restored"


def _failure(stage: str, code: int, result: dict[str, Any]) -> VideoStarError:
    """The error that explains why a child ended with a code that is not 0."""
    if result.get("busy"):
        return BusyError(
            f"{stage}: another dvc process works on its files; wait for it or stop it."
        )
    if "error" in result:
        return StepFailed(result["error"], result["exit_code"])
    reason = result.get("reason", f"its process ended with exit code {code}")
    return StepFailed(f"{stage}: {reason.rstrip('.')}; the lines above say more.", code)
