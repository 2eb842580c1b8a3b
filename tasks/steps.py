"""One Prefect task per step: its name, version, retries and progress bar.

Prefect's own cache is off: DVC alone knows what is up to date.
"""

from __future__ import annotations

import time
from typing import Any, cast
from uuid import UUID

from prefect import Task, get_run_logger, task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.logging.loggers import PrefectLogAdapter
from prefect.states import Completed, Failed

from tasks.runner import REFUSALS, DvcRunner
from video_star.core.errors import VideoStarError
from video_star.pipeline.stages import STEPS
from video_star.services.prefect_client import LOGGER

ARTIFACT_EVERY_S = 2.0
LOG_EVERY_S = 10.0


def run_logger() -> PrefectLogAdapter:
    """The logger of the current run, by a name that tells its lines from Prefect's own."""
    return cast(PrefectLogAdapter, get_run_logger()).getChild(LOGGER)


class TaskProgress:
    """A step's progress as a Prefect progress artifact, and now and then as a line of the log."""

    def __init__(self, step: str, round_name: str) -> None:
        self._log = run_logger()
        self._name = f"{step} {round_name}"
        self._artifacts: dict[str, UUID] = {}
        self._shown = self._logged = time.monotonic()

    def update(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        finished = done >= total
        if finished or now - self._shown >= ARTIFACT_EVERY_S:
            self._shown = now
            self._show(100.0 * done / max(total, 1), what)
        if finished or now - self._logged >= LOG_EVERY_S:
            self._logged = now
            self._log.info("%s: %d of %d %s", self._name, done, total, what)

    def note(self, message: str) -> None:
        self._log.info("%s", message)

    def _show(self, percent: float, what: str) -> None:
        if what in self._artifacts:
            update_progress_artifact(self._artifacts[what], progress=percent)
            return
        # Without a key it shows in its run only: the page of all artifacts is for results.
        made = create_progress_artifact(progress=percent, description=f"{self._name}: {what}")
        if isinstance(made, UUID):
            self._artifacts[what] = made


def worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed step may end otherwise when tried again (a refusal never does)."""
    return getattr(state.data, "exit_code", 1) not in REFUSALS


def _task_of(step: str) -> Task[..., Any]:
    @task(
        name=step,
        version=str(STEPS[step].version),
        task_run_name=f"{step} {{round_name}}",
        tags=[step],
        retries=2,
        retry_delay_seconds=[5, 20],
        retry_condition_fn=worth_retrying,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    def run(round_name: str, runner: DvcRunner) -> State[Any]:
        try:
            outcome = runner.run(step, round_name, TaskProgress(step, round_name))
        except VideoStarError as error:
            run_logger().error("%s", error)
            return Failed(message=str(error), data=error)
        return Completed(message=outcome, data=outcome)

    return run


TASKS: dict[str, Task[..., Any]] = {step: _task_of(step) for step in STEPS}
