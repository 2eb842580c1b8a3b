"""Run one step of one round, through DVC or directly, and say what happened.

`DvcDoor` runs `dvc repro -s <stage>` in a child process: DVC decides if there is work to do.
`InlineDoor` calls the step function in this process (tests, debugging). No Prefect in here.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, Protocol

from video_star.core.environment import QUIET
from video_star.core.errors import BusyError, VideoStarError
from video_star.core.paths import Workspace
from video_star.core.processes import run_lines
from video_star.core.progress import Progress
from video_star.pipeline.dvc import stage_name
from video_star.pipeline.runner import run_step

Outcome = Literal["ran", "restored", "up to date"]

REFUSALS = (2, 3, 4, 5)
"""Exit codes of the command line that trying again cannot mend (see video_star.core.errors)."""

NOISE = re.compile(
    r"^(Data and pipelines are up to date|Use `dvc push`|Updating lock file|Generating lock file"
    r"|To track the changes with|To enable auto staging|Verifying data sources|Running stage "
    r"|Stage '.*' didn't change|Stage '.*' is cached|'.*\.dvc' didn't change|> |\s*$"
    r"|\s+git add |\s+dvc config core.autostage|WARNING: '.*' is empty)"
)
"""What DVC says besides what its stages print."""


class StepFailed(VideoStarError):
    """A step ended with an error; the message is the step's own sentence, the code its own too."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code


class Door(Protocol):
    """A way to run steps in a workspace."""

    def prepare(self, steps: Iterable[tuple[str, str]]) -> None:
        """Look once at what has changed among (step, round) pairs that are about to run."""
        ...

    def run(self, step: str, round_name: str, progress: Progress) -> Outcome:
        """Run one step; StepFailed or another VideoStarError says why it could not."""
        ...


class InlineDoor:
    """Steps in this process, always run: no cache, no child."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def prepare(self, steps: Iterable[tuple[str, str]]) -> None:
        return

    def run(self, step: str, round_name: str, progress: Progress) -> Outcome:
        run_step(step, round_name, self._workspace, progress)
        return "ran"


class DvcDoor:
    """Steps as DVC stages in child processes; what DVC has already, it skips or restores."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._changed: set[str] | None = None
        self._something_ran = False

    def prepare(self, steps: Iterable[tuple[str, str]]) -> None:
        """One `dvc status` for all steps: those before the first changed one need no call."""
        lines: list[str] = []
        stages = [stage_name(*step) for step in steps]
        code = run_lines(
            dvc_command("status", "--json", *stages),
            self._workspace.root,
            child_environment(),
            lines.append,
        )
        self._something_ran = False
        self._changed = _changed_stages(lines) if code == 0 else None

    def run(self, step: str, round_name: str, progress: Progress) -> Outcome:
        stage = stage_name(step, round_name)
        if self._changed is not None and not self._something_ran and stage not in self._changed:
            return "up to date"
        self._something_ran = True
        return run_stage(self._workspace.root, stage, progress)


def _changed_stages(lines: list[str]) -> set[str] | None:
    """Names of the changed stages in the output of `dvc status --json`; None when it has none."""
    for line in lines:
        if line.startswith("{"):
            status: dict[str, object] = json.loads(line)
            return {name.removeprefix("dvc.yaml:") for name in status}
    return None


def dvc_command(*arguments: str) -> list[str]:
    """DVC of this very environment."""
    return [sys.executable, "-m", "dvc", *arguments]


def child_environment() -> dict[str, str]:
    """Our environment, quiet, with this environment's programs first and progress as lines."""
    programs = str(Path(sys.executable).parent)
    path = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
    extra = {"PATH": path, "PYTHONUNBUFFERED": "1", "VIDEO_STAR_PROGRESS": "lines"}
    return {**QUIET, **os.environ, **extra}


def run_stage(root: Path, stage: str, progress: Progress) -> Outcome:
    """`dvc repro -s` of one stage, its lines told to `progress`."""
    reader = StageOutput(stage, progress.note, progress.update)
    command = dvc_command("repro", "-s", stage)
    code = run_lines(command, root, child_environment(), reader.read)
    if code != 0:
        raise reader.failure(code)
    return reader.outcome


class StageOutput:
    """Reads what DVC and its stage command print: progress, outcome, the reason of a failure."""

    def __init__(
        self, stage: str, note: Callable[[str], None], update: Callable[[int, int, str], None]
    ) -> None:
        self._stage, self._note, self._update = stage, note, update
        self.outcome: Outcome = "up to date"
        self._sentence: str | None = None
        self._dvc_error: str | None = None
        self._code: int | None = None

    def read(self, line: str) -> None:
        """Take one line; pass on what a person wants to see."""
        if line.startswith("::progress "):
            _, done, total, what = line.split(" ", 3)
            self._update(int(done), int(total), what)
            return
        if line.startswith("Running stage "):
            self.outcome = "ran"
        elif line.startswith("Stage ") and "is cached" in line:
            self.outcome = "restored"
        elif line.startswith("error: "):
            self._sentence = line.removeprefix("error: ")
        elif line.startswith("ERROR: "):
            self._dvc_error = line.removeprefix("ERROR: ")
            if found := re.search(r"exited with (-?\d+)", line):
                self._code = int(found.group(1))
            return
        if not NOISE.match(line):
            self._note(line)

    def failure(self, dvc_code: int) -> VideoStarError:
        """The error that explains why DVC ended with a code that is not 0."""
        if self._dvc_error and "is busy, it is being blocked by" in self._dvc_error:
            return BusyError(
                f"{self._stage}: another dvc process works on its files; wait for it or stop it."
            )
        code = dvc_code if self._code is None else self._code
        if self._sentence:
            return StepFailed(self._sentence, code)
        reason = self._dvc_error or f"dvc ended with exit code {dvc_code}"
        return StepFailed(f"{self._stage}: {reason.rstrip('.')}; the lines above say more.", code)
