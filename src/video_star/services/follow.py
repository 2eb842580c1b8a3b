"""Start a run of the deployment and show what it logs and how its steps go, until it ends.

Prefect's client is asked once a second: that needs no event stream, which would end silently with
the server, and a run of several steps gives it a few lines to read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from video_star.core.errors import ServiceError
from video_star.services.local import Services
from video_star.services.prefect_client import DEPLOYMENT, LOGGER, crash_abandoned_runs

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, TaskRun
    from prefect.types import DateTime

POLL_S = 1.0
LATE = timedelta(seconds=30)
"""A line may arrive after others that were written later, by so much at most."""

PAGE = 200
"""The most that the server gives at once."""


def start_run(client: SyncPrefectClient, parameters: dict[str, object]) -> FlowRun:
    """Ask for a run; the worker starts it."""
    from prefect.exceptions import ObjectNotFound

    try:
        deployment = client.read_deployment_by_name(DEPLOYMENT)
    except ObjectNotFound as error:
        raise ServiceError(
            f"Prefect knows no deployment {DEPLOYMENT}; run `make down` and `make up`."
        ) from error
    return client.create_flow_run_from_deployment(deployment.id, parameters=parameters)


def follow(
    client: SyncPrefectClient, run_id: UUID, services: Services, show: Callable[[str], None]
) -> FlowRun:
    """Show the log and the steps of a run until it has ended, and return it."""
    reader = RunReader(client, run_id)
    begun = time.monotonic()
    last_turns = 3  # states of steps and lines of the log may come after the end of the run
    while True:
        if services.server.process() is None:
            raise ServiceError("The Prefect server was stopped; start it with `make up`.")
        run = client.read_flow_run(run_id)
        for line in reader.read_new():
            show(f"{time.monotonic() - begun:6.0f} s  {line}")
        if run.state is not None and run.state.is_final():
            last_turns -= 1
            if last_turns == 0:
                return run
        elif services.worker.process() is None:
            crash_abandoned_runs(client)
        time.sleep(POLL_S)


class RunReader:
    """Lines of the log and states of the steps of a run that were not read yet."""

    def __init__(self, client: SyncPrefectClient, run_id: UUID) -> None:
        self._client, self._run_id = client, run_id
        self._known: set[UUID] = set()
        self._newest: DateTime | None = None

    def read_new(self) -> list[str]:
        """What is new, in the order of its time."""
        return [text for _, text in sorted([*self._lines(), *self._states()])]

    def _lines(self) -> Iterator[tuple[datetime, str]]:
        from prefect.client.schemas.filters import (
            LogFilter,
            LogFilterFlowRunId,
            LogFilterTimestamp,
        )

        after = None if self._newest is None else LogFilterTimestamp(after_=self._newest - LATE)
        of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[self._run_id]), timestamp=after)
        offset, page = 0, PAGE
        while page == PAGE:
            logs = self._client.read_logs(of_run, limit=PAGE, offset=offset)
            for log in logs:
                if log.id not in self._known and log.name.endswith(f".{LOGGER}"):
                    yield log.timestamp, log.message
                self._known.add(log.id)
                self._newest = log.timestamp
            page = len(logs)
            offset += page

    def _states(self) -> Iterator[tuple[datetime, str]]:
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
        from prefect.client.schemas.sorting import TaskRunSort

        of_run = FlowRunFilter(id=FlowRunFilterId(any_=[self._run_id]))
        newest_first = TaskRunSort.EXPECTED_START_TIME_DESC
        for run in self._client.read_task_runs(flow_run_filter=of_run, sort=newest_first):
            if run.state is not None and run.state.id not in self._known:
                self._known.add(run.state.id)
                if text := state_line(run):
                    yield run.state.timestamp, text


def state_line(run: TaskRun) -> str | None:
    """A step's state for a person; None for those between."""
    state = run.state
    if state is None or state.is_pending() or state.is_paused():
        return None
    if state.is_scheduled():  # again, after a failure
        return f"↻ {run.name}"
    if state.is_running():
        return f"… {run.name}"
    return f"✓ {run.name}: {state.message}" if state.is_completed() else f"✗ {run.name}"
