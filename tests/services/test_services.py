"""The local servers, really started: a cycle through Prefect, a collision, deaths, a clean stop."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import httpx
import pytest
import yaml
from prefect.client.schemas.objects import Log, State, StateType, TaskRun
from prefect.exceptions import PrefectHTTPStatusError
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))
from dvc_workspace import REPOSITORY, make_workspace, ran

from video_star.core.errors import ServiceError, UsageError
from video_star.core.paths import Workspace
from video_star.services.addresses import addresses
from video_star.services.follow import RunReader, follow, start_run
from video_star.services.local import ensure, services_of, stop
from video_star.services.prefect_client import crash_abandoned_runs, prefect_client
from video_star.services.prefect_home import HOME, password, profile_file
from video_star.services.process import Service, answers, port_is_taken

DOCUMENTED = REPOSITORY / "docs" / "cycle.md"
RUN = uuid4()


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


def test_a_service_on_another_port_is_named(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    service = Service("thing", command, tmp_path, free_port(), "THING_PORT")
    service.start(tmp_path, os.environ)
    service.require_port()
    other = replace(service, port=free_port())
    with pytest.raises(ServiceError, match=rf"thing .* runs on port {service.port}; set THING_POR"):
        other.require_port()
    assert service.stop()
    other.require_port()


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"5", b"{}", b'{"pid": -5, "created": 1.0, "port": null}', b"[" * 9999],
)
def test_a_damaged_pid_file_is_named_before_a_service_runs_twice(
    tmp_path: Path, content: bytes
) -> None:
    service = Service("thing", ("sleep", "60"), tmp_path)
    service.start(tmp_path, os.environ)
    file = tmp_path / "thing.pid"
    whole = file.read_bytes()
    file.write_bytes(content)
    for act in (service.process, service.stop, service.require_port):
        with pytest.raises(ServiceError, match=r"thing\.pid: is damaged.*`sleep 60`, end it"):
            act()
    file.write_bytes(whole)
    assert service.stop()


def test_a_pid_file_of_an_earlier_boot_is_no_running_service(tmp_path: Path) -> None:
    service = Service("thing", ("sleep", "60"), tmp_path)
    stale = {"pid": os.getpid(), "created": 1.0, "port": None}  # the id is another program's now
    (tmp_path / "thing.pid").write_text(json.dumps(stale))
    assert service.has_died()
    service.start(tmp_path, os.environ)
    assert not service.has_died()
    assert service.stop()


@pytest.mark.parametrize("killed", [False, True])
def test_stopping_ends_a_service_with_its_children(tmp_path: Path, killed: bool) -> None:
    port = free_port()
    code = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-m', 'http.server', '{port}'])"
    )
    service = Service("thing", (sys.executable, "-c", code), tmp_path)
    service.start(tmp_path, os.environ)
    until = time.monotonic() + 20
    while not port_is_taken(port) and time.monotonic() < until:
        time.sleep(0.1)
    if killed:  # which leaves the child that holds the port
        kill(service)
        assert service.has_died()
    assert service.stop()
    assert not port_is_taken(port)
    assert not service.stop()


class Server:
    """Stands for Prefect's client: logs and step states that were written so far."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.steps: list[TaskRun] = []

    def write(self, message: str, second: int, name: str = "prefect.flow_runs.video_star") -> None:
        self.logs.append(
            Log(name=name, level=20, message=message, timestamp=moment(second), flow_run_id=RUN)
        )

    def read_logs(self, log_filter: object, limit: int, offset: int) -> list[Log]:
        return sorted(self.logs, key=lambda log: log.timestamp)[offset : offset + limit]

    def read_task_runs(self, flow_run_filter: object, sort: object) -> list[TaskRun]:
        return self.steps


def moment(second: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)


def step(name: str, state: StateType, second: int, message: str = "") -> TaskRun:
    return TaskRun(
        name=name,
        task_key="key",
        dynamic_key="0",
        flow_run_id=RUN,
        state=State(type=state, timestamp=moment(second), message=message),
    )


def test_each_line_and_state_of_a_run_is_read_once_and_in_order() -> None:
    server = Server()
    reader = RunReader(server, RUN)  # type: ignore[arg-type]
    server.write("generate r1: 3 of 9 answers", 2)
    server.write("Beginning flow run", 0, "prefect.flow_runs")
    server.steps = [step("generate r1", StateType.RUNNING, 1)]
    assert reader.read_new() == ["… generate r1", "generate r1: 3 of 9 answers"]
    assert reader.read_new() == []

    server.write("arrives late", 1)
    server.steps = [step("generate r1", StateType.COMPLETED, 4, "ran")]
    assert reader.read_new() == ["arrives late"]
    server.write("sent in the last batch", 3)
    assert reader.read_new() == ["sent in the last batch", "✓ generate r1: ran"]

    for second in range(500):
        server.write(f"line {second:03}", 10 + second)
    lines = [line for _ in range(6) for line in reader.read_new()]
    assert lines == [f"line {second:03}" for second in range(500)]


def example(language: str) -> str:
    """The example of a language in the documentation."""
    found = re.search(rf"(?ms)^```{language}\n(.*?)^```", DOCUMENTED.read_text())
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace whose servers run, for the tests of this file in their order."""
    root = make_workspace(tmp_path_factory.mktemp("services") / "star")
    for folder in ("flows", "tasks"):
        (root / folder).symlink_to(REPOSITORY / folder)
    deployed = yaml.safe_load((root / "prefect.yaml").read_text())
    scheduled = yaml.safe_load(example("yaml"))
    scheduled["schedules"][0]["active"] = False  # whenever the tests run
    deployed["deployments"][0].update(scheduled)
    (root / "prefect.yaml").write_text(yaml.safe_dump(deployed))
    workspace = Workspace(root)
    with pytest.MonkeyPatch.context() as patch:
        for server in ("PREFECT", "MLFLOW"):
            patch.setenv(f"VIDEO_STAR_{server}_PORT", str(free_port()))
        ensure(workspace, str)
        yield workspace
        stop(workspace, str)
        assert not port_is_taken(addresses().prefect_port)
        assert not port_is_taken(addresses().mlflow_port)


def cycle(workspace: Workspace) -> subprocess.Popen[str]:
    """`make cycle ROUNDS=0`: ingest, base, evaluate r0, publish r0."""
    return subprocess.Popen(
        [sys.executable, "-c", "from video_star.cli.main import main; main()", "cycle", "0"],
        cwd=workspace.root,
        env={**os.environ, "VIDEO_STAR_HOME": str(workspace.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def output_of(process: subprocess.Popen[str], code: int) -> str:
    output, _ = process.communicate(timeout=240)
    assert process.returncode == code, output
    return output


def kill(service: Service) -> None:
    """Kill a service alone, as a lack of memory does."""
    process = service.process()
    assert process is not None
    process.kill()
    process.wait()


def kill_worker(workspace: Workspace) -> None:
    """Kill the worker and the run that it works on."""
    worker = services_of(workspace, addresses()).worker.process()
    assert worker is not None
    for process in [*worker.children(), worker]:
        process.kill()


def steps_that_go_on(workspace: Workspace) -> list[str]:
    """Names of the steps that Prefect shows as not ended."""
    with prefect_client(workspace) as client:
        steps = client.read_task_runs()
    return [step.name for step in steps if step.state is None or not step.state.is_final()]


@pytest.mark.slow
def test_the_servers_answer_nobody_but_their_owner(running: Workspace) -> None:
    where = addresses()
    foreign = {"Origin": "http://evil.example"}
    # What a web page can send without a password: the first step of running a command.
    refused = httpx.post(f"{where.prefect_api}/flows/", json={"name": "evil"}, headers=foreign)
    assert refused.status_code in (401, 403)
    for path in ("/flows/filter", "/deployments/filter", "/admin/settings"):
        assert httpx.post(f"{where.prefect_api}{path}", json={}).status_code in (401, 403)
    asked = {**foreign, "Access-Control-Request-Method": "POST"}
    preflight = httpx.options(f"{where.prefect_api}/flows/", headers=asked)
    assert "access-control-allow-origin" not in preflight.headers
    # A browser that kept the password sends it, but a foreign page knows no CSRF token.
    known = password(running)
    assert known is not None
    user, _, secret = known.partition(":")
    forged = httpx.post(
        f"{where.prefect_api}/flows/", json={"name": "evil"}, auth=(user, secret), headers=foreign
    )
    assert forged.status_code == 403
    with connect(
        f"{where.prefect_api.replace('http', 'ws')}/events/out",
        subprotocols=[Subprotocol("prefect")],
    ) as socket:
        socket.send('{"type": "auth", "token": "guessed"}')
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)
    rebound = httpx.post(
        f"{where.mlflow}/api/2.0/mlflow/experiments/search",
        json={"max_results": 1},
        headers={"Host": "evil.example"},
    )
    assert rebound.status_code == 403

    for file in (
        profile_file(running),
        running.work / "prefect/prefect.db",
        running.mlflow / "mlflow.db",
    ):
        assert file.stat().st_mode & 0o777 == 0o600, file
        assert file.parent.stat().st_mode & 0o777 == 0o700, file
    # The secret stands in that file only: not in logs, and not in what a process list shows.
    for file in [*running.work.rglob("*"), *running.mlflow.rglob("*")]:
        if file.is_file() and file != profile_file(running):
            assert secret.encode() not in file.read_bytes(), file
    shown = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert secret not in shown.stdout

    # The user's own prefect command, as `make up` prints it.
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    own = {"PREFECT_HOME": str(running.root / HOME), "PREFECT_API_URL": where.prefect_api}
    command = "prefect deployment run video-star/cycle --start-in 1day"  # it must not run here
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        env={**clean, **own},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_deployment_has_its_schedule_and_refuses_wrong_parameters(running: Workspace) -> None:
    with prefect_client(running) as client:
        deployment = client.read_deployment_by_name("video-star/cycle")
        (planned,) = deployment.schedules
        assert planned.schedule.model_dump()["cron"] == "0 20 * * 5"
        assert planned.parameters == {"rounds": 2}
        for wrong, reason in (
            ({"until": "train"}, "'train' is not one of"),
            ({"rounds": -1}, "-1 is less than the minimum of 0"),
            ({"force": ["train@r1"]}, "'train@r1' does not match"),
        ):
            with pytest.raises(PrefectHTTPStatusError) as refused:
                client.create_flow_run_from_deployment(deployment.id, parameters=wrong)
            assert reason in refused.value.response.json()["detail"]


@pytest.mark.slow
def test_a_cycle_fails_is_left_and_goes_on_without_worker_mlflow_and_server(
    running: Workspace,
) -> None:
    root = running.root
    (root / "fail.txt").write_text("evaluate r0 5 class: no answer passed; lower the threshold.")
    with documented_notification(running) as received:
        failed = output_of(cycle(running), 1)
        wait_until(lambda: received, "the message of the failed cycle")
    assert "demo, r0 Failed: evaluate r0: class: no answer passed" in received[0]
    assert "error: evaluate r0: class: no answer passed; lower the threshold." in failed
    assert ran(root) == ["ingest r0", "base r0", "evaluate r0"]  # refused, so not tried again
    (root / "fail.txt").unlink()

    # The stand-in waits for this file to be removed: a step that takes long.
    (root / "wait.txt").write_text("evaluate r0")
    left = cycle(running)
    wait_for_step(root, "evaluate r0")
    left.send_signal(signal.SIGINT)
    assert "The cycle goes on in the background" in output_of(left, 130)
    assert "Another cycle runs in this workspace" in output_of(cycle(running), 6)
    services = services_of(running, addresses())
    kill_worker(running)
    assert steps_that_go_on(running) == ["evaluate r0"]
    with prefect_client(running) as client:
        start_run(client, {"rounds": 0})  # which no worker begins
    kill(services.server)

    going_on = cycle(running)
    wait_for_step(root, "evaluate r0")
    kill(services.mlflow)
    (root / "wait.txt").unlink()
    finished = output_of(going_on, 0)
    for killed in ("prefect", "worker", "mlflow"):
        assert f"{killed} has ended, nobody stopped it; it is started again" in finished
    assert answers(f"{addresses().mlflow}/health")
    assert steps_that_go_on(running) == []
    assert "2 flow runs without a worker were marked as crashed" in finished
    assert "✓ base r0: up to date" in finished
    assert finished.index("evaluate r0: a line worth reading") < finished.index("✓ evaluate r0")
    assert finished.index("evaluate r0: 2 of 2 things") < finished.index("✓ evaluate r0: ran")
    assert "2 steps ran, 2 were up to date" in finished
    assert "runs?viewStateShareKey=" in finished

    with prefect_client(running) as client:
        names = {run.name for run in client.read_flow_runs() if run.run_count}
        steps = {step.id: step for step in client.read_task_runs()}
        keys = {artifact.key for artifact in client.read_artifacts()}
    assert names == {"demo, r0"}
    assert keys == {"rounds", "mlflow-comparison", None}  # none: the progress of a step
    waits = [(step, one) for step in steps.values() for one in step.task_inputs.get("wait_for", [])]
    assert {(steps[one.id].name, step.name) for step, one in waits} == {
        ("ingest r0", "evaluate r0"),
        ("base r0", "evaluate r0"),
        ("evaluate r0", "publish r0"),
    }

    with prefect_client(running) as client:
        abandoned = start_run(client, {"rounds": 0})
        kill_worker(running)
        ended = follow(client, abandoned.id, services, str).state
        assert ended is not None
        assert (ended.is_crashed(), ended.message) == (True, "The worker that ran it is gone.")

        kill(services.server)
        with pytest.raises(ServiceError, match="The Prefect server has stopped; start it by"):
            follow(client, RUN, services, str)


def wait_for_step(root: Path, step: str) -> None:
    """Return when the step runs that did not run before."""
    log = root / "log.txt"
    wait_until(lambda: log.exists() and step in log.read_text(), step)
    log.unlink()


def wait_until(holds: Callable[[], object], what: str) -> None:
    until = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.2)


@contextmanager
def documented_notification(workspace: Workspace) -> Iterator[list[str]]:
    """The automation of the documentation; yields the texts that its web hook has got."""
    received: list[str] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(
                json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"]
            )
            self.send_response(204)
            self.end_headers()

    hook = HTTPServer(("127.0.0.1", 0), Hook)
    Thread(target=hook.serve_forever, daemon=True).start()
    ours = f'"http://127.0.0.1:{hook.server_port}"'
    code, found = re.subn(r'"https://hooks\.slack.*"', ours, example("python"))
    assert found == 1
    home, url = str(workspace.root / HOME), addresses().prefect_api
    environment = {**os.environ, "PREFECT_HOME": home, "PREFECT_API_URL": url}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    yield received
    hook.shutdown()
