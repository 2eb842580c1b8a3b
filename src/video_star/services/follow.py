"""Start a run of the deployment and show its log and its steps until it ends.

Prefect's client is asked once a second: Prefect's own stream of events (`--watch`) waits for ever
when the worker is gone, and a few requests a second cost the server nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from video_star.core.errors import ServiceError
from video_star.services.local import Print, Services
from video_star.services.prefect_client import DEPLOYED, DEPLOYMENT, LOGGER, crash

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, TaskRun

POLL_S = 1.0
OVERLAP = 100
"""Lines of the log that are read again: one may arrive after others that were written later."""


def start_run(client: SyncPrefectClient, parameters: dict[str, object]) -> FlowRun:
    """Ask for a run; the worker starts it."""
    from prefect.exceptions import ObjectNotFound

    try:
        deployment = client.read_deployment_by_name(DEPLOYMENT)
    except ObjectNotFound as error:
        raise ServiceError(
            f"Prefect knows no deployment {DEPLOYMENT}; remove {DEPLOYED} and run `make up`."
        ) from error
    return client.create_flow_run_from_deployment(deployment.id, parameters=parameters)


def follow(client: SyncPrefectClient, run_id: UUID, services: Services, show: Print) -> FlowRun:
    """Show what a run logs and how its steps go until it has ended, and return it."""
    reader = RunReader(client, run_id)
    begun = time.monotonic()
    silent = 0  # how often there was nothing new: the last lines come after the end of the run
    while True:
        if services.server.process() is None:
            raise ServiceError(
                "The Prefect server has stopped; start it by the same command, which goes on where "
                "this one stopped."
            )
        run = client.read_flow_run(run_id)
        lines = reader.read_new()
        for line in lines:
            show(f"{time.monotonic() - begun:6.0f} s  {line}")
        silent = 0 if lines else silent + 1
        if run.state is not None and run.state.is_final():
            if silent > 1:
                return run
        elif services.worker.process() is None:
            crash(client, run_id)
        time.sleep(POLL_S)


class RunReader:
    """Reads the log lines and the states of the steps of a run, each once."""

    def __init__(self, client: SyncPrefectClient, run_id: UUID) -> None:
        self._client, self._run_id = client, run_id
        self._logs: set[UUID] = set()
        self._states: set[UUID] = set()
        self._held: list[tuple[datetime, str]] = []

    def read_new(self) -> list[str]:
        """What is new, in the order of its time; the end of a step one call after it was found.

        Prefect sends logs in batches, so that the last lines of a step may come after its end.
        """
        lines, self._held = [*self._new_logs(), *self._held], []
        for ended, at, text in self._new_states():
            (self._held if ended else lines).append((at, text))
        return [text for _, text in sorted(lines)]

    def _new_logs(self) -> Iterator[tuple[datetime, str]]:
        from prefect.client.schemas.filters import LogFilter

        of_run = LogFilter.model_validate({"flow_run_id": {"any_": [self._run_id]}})
        offset = max(0, len(self._logs) - OVERLAP)
        for log in self._client.read_logs(of_run, limit=2 * OVERLAP, offset=offset):
            if log.id not in self._logs and log.name.endswith(f".{LOGGER}"):
                yield log.timestamp, log.message
            self._logs.add(log.id)

    def _new_states(self) -> Iterator[tuple[bool, datetime, str]]:
        from prefect.client.schemas.filters import FlowRunFilter
        from prefect.client.schemas.sorting import TaskRunSort

        of_run = FlowRunFilter.model_validate({"id": {"any_": [self._run_id]}})
        newest_first = TaskRunSort.EXPECTED_START_TIME_DESC
        for run in self._client.read_task_runs(flow_run_filter=of_run, sort=newest_first):
            if run.state is not None and run.state.id not in self._states:
                self._states.add(run.state.id)
                if text := state_line(run):
                    yield run.state.is_final(), run.state.timestamp, text


def state_line(run: TaskRun) -> str | None:
    """A step's state for a person; None for one that says nothing new."""
    state = run.state
    if state is None or state.is_pending():
        return None
    if state.is_completed():
        return f"✓ {run.name}: {state.message}"
    if state.is_running():
        return f"… {run.name}"
    return f"↻ {run.name}" if state.is_scheduled() else f"✗ {run.name}"  # scheduled: tried again
