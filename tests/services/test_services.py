"""The local servers, really started: a cycle through Prefect, a collision, deaths, a clean stop."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))
from dvc_workspace import REPOSITORY, make_workspace, ran

from video_star.core.errors import ServiceError, UsageError
from video_star.core.paths import Workspace
from video_star.services.addresses import addresses
from video_star.services.local import ensure, services_of, stop
from video_star.services.prefect_client import crash_abandoned_runs, prefect_client
from video_star.services.process import Service, port_is_taken


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEO_STAR_PREFECT_PORT", str(free_port()))
    monkeypatch.setenv("VIDEO_STAR_MLFLOW_PORT", str(free_port()))


def test_a_port_of_another_program_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("VIDEO_STAR_PREFECT_PORT", str(port))
        with pytest.raises(
            ServiceError, match=rf"Port {port} .*VIDEO_STAR_PREFECT_PORT={port + 1}"
        ):
            ensure(Workspace(tmp_path), str)


def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEO_STAR_MLFLOW_PORT", "http")
    with pytest.raises(UsageError, match="VIDEO_STAR_MLFLOW_PORT is 'http'; set it to a port"):
        addresses()


def test_a_stopped_prefect_server_is_one_sentence(tmp_path: Path, ports: None) -> None:
    with (
        pytest.raises(ServiceError, match="does not answer; start it with `make up`"),
        prefect_client(Workspace(tmp_path)) as client,
    ):
        crash_abandoned_runs(client)


def test_a_service_that_ends_while_starting_shows_its_last_words(tmp_path: Path) -> None:
    service = Service("thing", (sys.executable, "-c", "raise SystemExit('no disk')"), tmp_path)
    service.start(tmp_path, os.environ)
    time.sleep(1)
    with pytest.raises(ServiceError, match=r"thing ended while starting \(no disk\); see"):
        service.require_alive()


def test_stopping_ends_a_service_with_its_children(tmp_path: Path) -> None:
    port = free_port()
    code = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-m', 'http.server', '{port}'])"
    )
    service = Service("thing", (sys.executable, "-c", code), tmp_path)
    service.start(tmp_path, os.environ)
    until = time.monotonic() + 20
    while not port_is_taken(port) and time.monotonic() < until:
        time.sleep(0.1)
    assert service.stop()
    assert not port_is_taken(port)
    assert not service.stop()


@pytest.fixture
def running(tmp_path: Path, ports: None) -> Iterator[Workspace]:
    root = make_workspace(tmp_path / "star")
    for folder in ("flows", "tasks"):
        (root / folder).symlink_to(REPOSITORY / folder)
    workspace = Workspace(root)
    ensure(workspace, str)
    yield workspace
    stop(workspace, str)
    assert not port_is_taken(addresses().prefect_port)
    assert not port_is_taken(addresses().mlflow_port)


def cycle(workspace: Workspace) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "video_star.cli.launch", "1"],
        cwd=workspace.root,
        env={**os.environ, "VIDEO_STAR_HOME": str(workspace.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output_of(process: subprocess.Popen[str], code: int) -> str:
    output, _ = process.communicate(timeout=240)
    assert process.returncode == code, output
    return output


@pytest.mark.slow
def test_a_cycle_through_prefect_is_refused_twice_survives_kills_and_is_then_up_to_date(
    running: Workspace,
) -> None:
    root = running.root
    (root / "fail.txt").write_text("verify r1 5 class: no answer passed; lower the threshold.")
    failed = output_of(cycle(running), 1)
    assert "error: verify r1: class: no answer passed; lower the threshold." in failed
    assert ran(root).count("verify r1") == 1  # refused, so not tried again
    (root / "fail.txt").unlink()

    # The stand-in waits for this file to be removed: a step that takes long.
    (root / "wait.txt").write_text("rationalize r1")
    first = cycle(running)
    _wait_for_step(root, "rationalize r1")
    assert "Another cycle runs in this workspace" in output_of(cycle(running), 6)
    worker = services_of(running, addresses()).worker.process()
    assert worker is not None
    for process in [*worker.children(), worker]:
        process.send_signal(signal.SIGKILL)
    assert "The worker that ran it is gone" in output_of(first, 1)
    (root / "wait.txt").unlink()

    finished = output_of(cycle(running), 0)
    assert "rationalize r1: a line worth reading" in finished
    assert "#/compare-runs?runs=" in finished
    assert "everything up to date" in output_of(cycle(running), 0)


def _wait_for_step(root: Path, step: str) -> None:
    until = time.monotonic() + 120
    log = root / "log.txt"
    while not (log.exists() and step in log.read_text()) and time.monotonic() < until:
        time.sleep(0.2)
    assert step in log.read_text()
