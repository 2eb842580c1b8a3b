"""Prefect's own client of the local server, and what starting and running a cycle asks it.

Importing Prefect takes seconds, so it is done when a client is opened: `video-star --help` and the
steps stay quick.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import httpx

from video_star.core.errors import ServiceError
from video_star.core.paths import Workspace
from video_star.services.addresses import addresses
from video_star.services.prefect_home import HOME, password

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

DEPLOYED = f"{HOME}/deployed"
"""Digest of the deployment that the server knows; removed together with its database."""

POOL, WORKER = "local", "video-star"
DEPLOYMENT = "video-star/cycle"
RETRIES = 2
"""Of a request: some seconds, for a busy database; Prefect's five take a minute to tell that the
server is gone, which on this machine is gone for good."""
LOGGER = "video_star"
"""Last part of the name of the flow's loggers, which tells its lines from those of Prefect."""


@contextmanager
def prefect_client(workspace: Workspace) -> Iterator[SyncPrefectClient]:
    """A client of the workspace's server; ServiceError when it does not answer or refuses."""
    os.environ.setdefault("PREFECT_HOME", str(workspace.root / HOME))  # the import makes it
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    url = addresses().prefect_api
    try:
        with (
            temporary_settings({PREFECT_CLIENT_MAX_RETRIES: RETRIES}),
            SyncPrefectClient(url, auth_string=password(workspace)) as client,
        ):
            yield client
    except httpx.TransportError as error:
        raise ServiceError(
            f"The Prefect server at {url} does not answer; start it with `make up`."
        ) from error
    except httpx.HTTPStatusError as error:
        raise ServiceError(
            f"The Prefect server refused {error.request.url.path} ({error.response.status_code}); "
            "run `make down` and `make up`."
        ) from error


def crash_abandoned_runs(client: SyncPrefectClient) -> int:
    """Mark runs that nothing works on any more as crashed; call when no worker runs.

    A run whose process and worker were killed together stays "Running" for good and keeps the
    deployment's only slot, so that every new run would be cancelled at once. One that somebody
    asked for and no worker began would take that slot before; those of a schedule may.
    """
    from prefect.client.schemas.filters import FlowRunFilter

    going_on = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING", "SCHEDULED"]}}}
    runs = client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(going_on))
    abandoned = [run for run in runs if not _is_planned(run)]
    for run in abandoned:
        crash(client, run.id)
    return len(abandoned)


def _is_planned(run: FlowRun) -> bool:
    """Whether it waits for its time, or was made by a schedule."""
    if run.state is None or not run.state.is_scheduled():
        return False
    at = run.expected_start_time
    return run.auto_scheduled or (at is not None and at > datetime.now(UTC))


def crash(client: SyncPrefectClient, run_id: UUID) -> None:
    """Mark a run as crashed because there is no worker."""
    from prefect.states import Crashed

    message = "The worker that ran it is gone."
    client.set_flow_run_state(run_id, Crashed(message=message), force=True)


def crash_lost_steps(client: SyncPrefectClient) -> None:
    """Mark the steps as crashed that did not end with their run, because it was killed."""
    from prefect.client.schemas.filters import FlowRunFilter, TaskRunFilter
    from prefect.states import Crashed

    ended = {"state": {"type": {"any_": ["CRASHED", "CANCELLED"]}}}  # others wait for their steps
    going_on = {"state": {"type": {"any_": ["RUNNING", "PENDING", "SCHEDULED"]}}}
    for step in client.read_task_runs(
        flow_run_filter=FlowRunFilter.model_validate(ended),
        task_run_filter=TaskRunFilter.model_validate(going_on),
    ):
        message = "The run that it belongs to has ended without it."
        client.set_task_run_state(step.id, Crashed(message=message), force=True)


def make_pool(client: SyncPrefectClient) -> None:
    """Make the process work pool; an existing one is kept."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists

    with suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))


def worker_is_online(client: SyncPrefectClient) -> bool:
    """Whether the worker has reported to its pool lately."""
    workers = client.read_workers_for_work_pool(POOL)
    return any(worker.name == WORKER and worker.status == "ONLINE" for worker in workers)
