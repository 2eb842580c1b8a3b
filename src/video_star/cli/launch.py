"""`make cycle` after setup: start the services, run the deployment, show what came out.

    python -m video_star.cli.launch [rounds]

The flow itself runs in the worker: ending this command does not end it.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil  # type: ignore[import-untyped]

from video_star.core.environment import quieten
from video_star.core.errors import BusyError, ServiceError, UsageError, VideoStarError
from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.core.processes import run_lines
from video_star.data.readers import open_readers
from video_star.services.addresses import addresses, compare_url
from video_star.services.local import DEPLOYMENT, FLOW, ensure, environment, services_of
from video_star.services.prefect_api import FlowRun, PrefectApi

Say = Callable[[str], None]
MARKS = {"Running": "…", "Completed": "✓", "Failed": "✗", "Crashed": "✗"}
LOOK_EVERY_S = 3.0
CHATTER = (
    "All deployment steps",
    "Aborted submission",
    "Beginning flow run",
    "Deployment step",
    "Executing deployment step",
    "Finished in state",
    "Flow run ",
    "Running 1 deployment",
    "Worker ",
)
"""How Prefect's own lines begin; the marks say the same."""


def run_cycle_command(workspace: Workspace, rounds: int | None, say: Say) -> None:
    """Run `prefect deployment run video-star/cycle --watch`; raises when the flow failed."""
    params = load_params(workspace.params)  # a mistake there should cost no server start
    open_readers(params.ingest.sources, workspace.data, params.seed)
    ensure(workspace, say)
    where = addresses()
    say(f"Prefect {where.prefect}   MLflow {where.mlflow}")
    run = _watch(workspace, rounds, say)
    if run.state == "CANCELLED":
        raise BusyError(
            "Another cycle runs in this workspace, so this one was cancelled; "
            f"watch it at {where.prefect}, or stop it with `make down`."
        )
    if run.state != "COMPLETED":
        raise VideoStarError(run.message or f"The flow run ended as {run.state}.")
    say(f"\n{run.message}")
    show_rounds(workspace)
    if link := compare_url(workspace, params):
        say(f"\nThe rounds side by side in MLflow:\n{link}")


def _watch(workspace: Workspace, rounds: int | None, say: Say) -> FlowRun:
    """Run the deployment, say what it logs, and return how it ended."""
    where = addresses()
    api = PrefectApi(where.prefect_api)
    ids: list[str] = []
    deployment = f"{FLOW}/{DEPLOYMENT}"
    command = [sys.executable, "-m", "prefect", "deployment", "run", deployment, "--watch"]
    if rounds is not None:
        command += ["--param", f"rounds={rounds}"]
    env = {**environment(workspace, where), "COLUMNS": "1000", "PYTHONUNBUFFERED": "1"}
    begun = time.monotonic()

    def show(line: str) -> None:
        if found := re.search(r"UUID: ([0-9a-f-]{36})", line):
            ids.append(found[1])
        if text := watched(line):
            say(f"{time.monotonic() - begun:6.0f} s  {text}")

    say(f"$ prefect {' '.join(command[3:])}")
    with _watchdog(workspace, api):
        run_lines(command, workspace.root, env, show)
    if not ids:
        raise ServiceError("Prefect did not take the run; run `make doctor`, then `make up`.")
    return api.flow_run(ids[0])


@contextmanager
def _watchdog(workspace: Workspace, api: PrefectApi) -> Iterator[None]:
    """End the watching when the server or the worker is gone: Prefect would wait for ever."""
    services = services_of(workspace, addresses())
    done = threading.Event()

    def guard() -> None:
        while not done.wait(LOOK_EVERY_S):
            if services.server.process() is None or services.worker.process() is None:
                with suppress(ServiceError):
                    api.end_abandoned_runs()
                done.wait(LOOK_EVERY_S)  # time for `--watch` to end by itself
                for child in psutil.Process().children():
                    child.terminate()

    thread = threading.Thread(target=guard, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def watched(line: str) -> str | None:
    """What a person wants to see of a line of `--watch`: logs, begin and end of each step."""
    if found := re.match(r"▪\s+\S+\s+[0-9a-f]{12} (.*)", line):
        return None if found[1].startswith(CHATTER) else found[1]
    if found := re.match(r".* prefect\.task-run\.(Running|Completed|Failed|Crashed) \* (.*)", line):
        return f"{MARKS[found[1]]} {found[2]}"
    return None


def show_rounds(workspace: Workspace) -> None:
    """Print the table of rounds."""
    from video_star.tracking.rounds_table import print_rounds, rounds_rows

    print_rounds(rounds_rows(workspace))


def main(arguments: Sequence[str]) -> int:
    """Exit code of the command; errors of ours end in one sentence."""
    from video_star.cli.main import workspace

    quieten()
    try:
        run_cycle_command(workspace(), _rounds(arguments), _say)
    except VideoStarError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("The cycle goes on in the background; `make down` stops it.\n")
        return 130
    return 0


def _rounds(arguments: Sequence[str]) -> int | None:
    if not arguments or not arguments[0]:
        return None
    if len(arguments) > 1 or not arguments[0].isdecimal():
        raise UsageError(f"{' '.join(arguments)!r} is not a number of rounds; use ROUNDS=2.")
    return int(arguments[0])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
