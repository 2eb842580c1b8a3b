"""The local servers: Prefect (server, worker, deployment) and MLflow, started and stopped together.

They listen on loopback only, outlive the command that starts them, and keep their files in the
workspace (`.work/`, and `mlflow/` for the tracking store): the user's own Prefect stays as it is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from video_star.core.environment import QUIET
from video_star.core.errors import ServiceError
from video_star.core.hashing import sha256
from video_star.core.paths import Workspace
from video_star.pipeline.runner import only_one
from video_star.services.addresses import LOOPBACK, Addresses, addresses
from video_star.services.prefect_api import PrefectApi
from video_star.services.process import Service, port_is_taken, wait_for

Say = Callable[[str], None]
POOL, WORKER = "local", "video-star"
FLOW, DEPLOYMENT = "video-star", "cycle"
READY_WITHIN_S = 180.0


@dataclass(frozen=True)
class Services:
    """The three processes of a workspace."""

    server: Service
    mlflow: Service
    worker: Service


def services_of(workspace: Workspace, where: Addresses) -> Services:
    """How each process of the workspace is started."""
    folder = workspace.work / "services"
    prefect = (sys.executable, "-m", "prefect")
    listen = ("--host", LOOPBACK, "--port", str(where.prefect_port))
    return Services(
        # The server ends its own tasks in order on an interrupt, not on a termination.
        Service("prefect", (*prefect, "server", "start", *listen), folder, signal.SIGINT),
        Service("mlflow", ("bash", "mlflow/serve.sh", str(where.mlflow_port)), folder),
        Service(
            "worker",
            (
                *prefect,
                "worker",
                "start",
                "--pool",
                POOL,
                "--type",
                "process",
                "--name",
                WORKER,
            ),
            folder,
        ),
    )


def environment(workspace: Workspace, where: Addresses) -> dict[str, str]:
    """What the servers, and every `prefect` command that talks to them, are started with."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {
        **QUIET,
        **os.environ,
        "PATH": path,
        "VIDEO_STAR_HOME": str(workspace.root),
        "VIDEO_STAR_PYTHON": sys.executable,
        "PREFECT_HOME": str(workspace.work / "prefect"),
        "PREFECT_API_URL": where.prefect_api,
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # Without these two, `--watch` shows no line of the flow's log.
        "PREFECT_SERVER_LOGS_STREAM_OUT_ENABLED": "true",
        "PREFECT_SERVER_LOGS_STREAM_PUBLISHING_ENABLED": "true",
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.5",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
    }


def start(workspace: Workspace, say: Say) -> None:
    """Start what is not running yet, and say where it is."""
    where = addresses()
    ensure(workspace, say)
    say(f"Prefect  {where.prefect}")
    say(f"MLflow   {where.mlflow}")
    say("To use the prefect command in your own shell:")
    say(f"  export PREFECT_HOME={workspace.work / 'prefect'} PREFECT_API_URL={where.prefect_api}")
    say(f"  prefect deployment run {FLOW}/{DEPLOYMENT} --watch")


def ensure(workspace: Workspace, say: Say) -> None:
    """Start what is not running yet; returns when a cycle can be run."""
    with only_one(workspace, "services"):
        _start(workspace, addresses(), say)


def _start(workspace: Workspace, where: Addresses, say: Say) -> None:
    services, env = services_of(workspace, where), environment(workspace, where)
    begun = time.monotonic()
    if services.server.process() is None:
        services.worker.stop()  # what it ran cannot be told to a server that forgot the run's slot
    _launch(services.server, where.prefect_port, "VIDEO_STAR_PREFECT_PORT", workspace, env)
    _launch(services.mlflow, where.mlflow_port, "VIDEO_STAR_MLFLOW_PORT", workspace, env)
    wait_for(services.server, f"{where.prefect_api}/health", READY_WITHIN_S)
    api = PrefectApi(where.prefect_api)
    if services.worker.process() is None and (ended := api.end_abandoned_runs()):
        say(f"{ended} flow runs without a worker were marked as crashed")
    # One after the other: both write to the work pool, and the server's sqlite takes one writer.
    api.ensure_pool(POOL)
    _deploy(workspace, api, env)
    if services.worker.process() is None:
        services.worker.start(workspace.root, env)
    _wait_for_worker(services.worker, api)
    wait_for(services.mlflow, f"{where.mlflow}/health", READY_WITHIN_S)
    say(f"services are ready ({time.monotonic() - begun:.0f} s)")


def _launch(
    service: Service, port: int, variable: str, workspace: Workspace, env: dict[str, str]
) -> None:
    if service.process() is not None:
        return
    if port_is_taken(port):
        raise ServiceError(
            f"Port {port} for {service.name} is used by another program; stop that one, or choose "
            f"another port, for instance {variable}={port + 1}."
        )
    service.start(workspace.root, env)


def _deploy(workspace: Workspace, api: PrefectApi, env: dict[str, str]) -> None:
    """Register prefect.yaml with the server, unless it knows this very file already."""
    stamp = workspace.work / "services" / "deployed"
    content = (workspace.root / "prefect.yaml").read_bytes() + str(workspace.root).encode()
    digest = sha256(content)
    if (
        stamp.exists()
        and stamp.read_text(encoding="utf-8") == digest
        and api.has_deployment(FLOW, DEPLOYMENT)
    ):
        return
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=workspace.root,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise ServiceError(f"prefect deploy failed ({''.join(last)[:200]}); run `make doctor`.")
    stamp.write_text(digest, encoding="utf-8")


def _wait_for_worker(worker: Service, api: PrefectApi) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while not api.worker_is_online(POOL, WORKER):
        worker.require_alive()
        if time.monotonic() > until:
            raise ServiceError(f"The worker does not report to the server; see {worker.log}.")
        time.sleep(0.5)
    worker.require_alive()


def stop(workspace: Workspace, say: Say) -> None:
    """Stop what `start` started, the worker first: it needs the server to end its runs."""
    services = services_of(workspace, addresses())
    with only_one(workspace, "services"):
        for service in (services.worker, services.mlflow, services.server):
            say(f"{service.name}: {'stopped' if service.stop() else 'was not running'}")
