"""The local servers: Prefect (server, worker, deployment) and MLflow, started and stopped together.

They listen on loopback only, outlive the command that starts them, and keep their files in the
workspace (`.work/`, and `mlflow/` for the tracking store).
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from video_star.core.environment import child_environment
from video_star.core.errors import ServiceError
from video_star.core.hashing import sha256
from video_star.core.jsonl import write_text
from video_star.core.paths import Workspace
from video_star.core.private import private_store
from video_star.pipeline.runner import only_one
from video_star.pipeline.stages import STEPS
from video_star.services.addresses import LOOPBACK, Addresses, addresses
from video_star.services.prefect_client import (
    DEPLOYED,
    DEPLOYMENT,
    POOL,
    WORKER,
    crash_abandoned_runs,
    crash_lost_steps,
    make_pool,
    prefect_client,
    worker_is_online,
)
from video_star.services.prefect_home import (
    HOME,
    PASSWORD_VARIABLE,
    prefect_settings,
    profile_file,
    write_profile,
)
from video_star.services.process import Service, answers

Print = Callable[[str], None]
PREFECT = (sys.executable, "-m", "prefect")


class Services(NamedTuple):
    """The three processes of a workspace."""

    server: Service
    mlflow: Service
    worker: Service


def services_of(workspace: Workspace, where: Addresses) -> Services:
    """How each process of the workspace is started."""
    folder = workspace.work / "services"
    prefect_port, mlflow_port = where.prefect_port, where.mlflow_port
    server = (*PREFECT, "server", "start", "--host", LOOPBACK, "--port", str(prefect_port))
    mlflow = ("bash", "mlflow/serve.sh", str(mlflow_port))
    worker = (*PREFECT, "worker", "start", "--pool", POOL, "--type", "process", "--name", WORKER)
    return Services(
        # The server ends its own tasks in order on an interrupt, not on a termination.
        Service("prefect", server, folder, prefect_port, "VIDEO_STAR_PREFECT_PORT", signal.SIGINT),
        Service("mlflow", mlflow, folder, mlflow_port, "VIDEO_STAR_MLFLOW_PORT"),
        Service("worker", worker, folder),
    )


def environment(workspace: Workspace, where: Addresses) -> dict[str, str]:
    """What the servers, and every `prefect` command that talks to them, are started with."""
    return {
        **child_environment(),
        "VIDEO_STAR_HOME": str(workspace.root),
        "VIDEO_STAR_PYTHON": sys.executable,
        **prefect_settings(workspace, where),
    }


def start(workspace: Workspace, show: Print) -> None:
    """Start what is not running yet, and say where it is."""
    where = addresses()
    ensure(workspace, show)
    show(f"Prefect  {where.prefect}")
    show(f"         (log in with {PASSWORD_VARIABLE} of {profile_file(workspace)})")
    show(f"MLflow   {where.mlflow}")
    show("To use the prefect command in your own shell:")
    home = shlex.quote(str(workspace.root / HOME))
    show(f"  export PREFECT_HOME={home} PREFECT_API_URL={where.prefect_api}")
    show(f"  prefect deployment run {DEPLOYMENT} --watch")


def ensure(workspace: Workspace, show: Print) -> None:
    """Start what is not running yet; returns when a cycle can be run."""
    with only_one(workspace, "services"):
        _start(workspace, addresses(), show)


def _start(workspace: Workspace, where: Addresses, show: Print) -> None:
    write_profile(workspace, where)
    private_store(workspace.mlflow_store)
    services, env = services_of(workspace, where), environment(workspace, where)
    begun = time.monotonic()
    for service in (services.server, services.mlflow):
        service.require_port()
    for service in services:
        if service.has_died():
            show(f"{service.name} has ended, nobody stopped it; it is started again")
    if services.server.process() is None or services.worker.process() is None:
        services.worker.stop()  # a new server does not know its runs; a killed worker leaves some
    for service in (services.server, services.mlflow):
        if service.process() is None:
            service.start(workspace.root, env)
    if services.worker.process() is None or not _is_deployed(workspace):
        _start_worker(workspace, where, services, env, show)
    for service, url in ((services.server, where.prefect_api), (services.mlflow, where.mlflow)):
        _wait_for(service, url)
    with prefect_client(workspace) as client:  # who knows another password is told here
        services.worker.wait_until(
            lambda: worker_is_online(client), "does not report to the server"
        )
        crash_lost_steps(client)
    show(f"services are ready ({time.monotonic() - begun:.0f} s)")


def _wait_for(service: Service, url: str) -> None:
    service.wait_until(lambda: answers(f"{url}/health"), f"does not answer at {url}")


def _start_worker(
    workspace: Workspace, where: Addresses, services: Services, env: dict[str, str], show: Print
) -> None:
    """Register the deployment, then start its worker: the server's sqlite takes one writer."""
    worker = services.worker
    with prefect_client(workspace) as client:
        _wait_for(services.server, where.prefect_api)
        make_pool(client)
        if not _is_deployed(workspace):
            _deploy(workspace, env)
        if worker.process() is None:
            if ended := crash_abandoned_runs(client):
                show(f"{ended} flow runs without a worker were marked as crashed")
            worker.start(workspace.root, env)


def _digest(workspace: Workspace) -> str:
    """Of all that the deployment and the form of its parameters are made of."""
    files = [workspace.root / "prefect.yaml", workspace.root / "flows" / "cycle.py"]
    here = f"{workspace.root} {[*STEPS]}".encode()
    return sha256(b"".join([*(file.read_bytes() for file in files), here]))


def _is_deployed(workspace: Workspace) -> bool:
    """Whether the server knows this very deployment; `prefect deploy` takes several seconds."""
    file = workspace.root / DEPLOYED
    return file.exists() and file.read_bytes() == _digest(workspace).encode()


def _deploy(workspace: Workspace, env: dict[str, str]) -> None:
    """Register prefect.yaml by Prefect's command: its Python API does not read that file."""
    done = subprocess.run(
        [*PREFECT, "--no-prompt", "deploy", "--all"],
        cwd=workspace.root,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise ServiceError(f"prefect deploy failed ({''.join(last)[:200]}); run `make doctor`.")
    write_text(workspace.root / DEPLOYED, _digest(workspace))


def stop(workspace: Workspace, show: Print) -> None:
    """Stop what `start` started, the worker first: it needs the server to end its runs."""
    services = services_of(workspace, addresses())
    with only_one(workspace, "services"), ThreadPoolExecutor() as pool:
        for group in ([services.worker], [services.mlflow, services.server]):
            for service, stopped in zip(group, pool.map(Service.stop, group), strict=True):
                show(f"{service.name}: {'stopped' if stopped else 'was not running'}")
