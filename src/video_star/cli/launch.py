"""`make cycle` after setup: start the services, run the deployment, show what came out.

    python -m video_star.cli.launch [rounds]

The flow itself runs in the worker: ending this command does not end it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from video_star.core.environment import quieten
from video_star.core.errors import BusyError, UsageError, VideoStarError
from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.services.addresses import addresses, compare_url
from video_star.services.follow import follow, start_run
from video_star.services.local import Print, ensure, services_of
from video_star.services.prefect_client import prefect_client


def run_cycle(workspace: Workspace, rounds: int | None, show: Print) -> None:
    """Run the deployment and show it until it ends; raises when it did not complete."""
    params = load_params(workspace.params)  # a mistake there should cost no server start
    ensure(workspace, show)
    where = addresses()
    with prefect_client(workspace) as client:
        run = start_run(client, {} if rounds is None else {"rounds": rounds})
        show(f"Prefect {where.prefect}/runs/flow-run/{run.id}   MLflow {where.mlflow}")
        run = follow(client, run.id, services_of(workspace, where), show)
    assert run.state is not None
    if run.state.is_cancelled() and run.run_count == 0:
        raise BusyError(
            "Another cycle runs in this workspace, so this one was cancelled; "
            f"watch it at {where.prefect}, or stop it with `make down`."
        )
    if not run.state.is_completed():
        raise VideoStarError(run.state.message or f"The flow run ended as {run.state.name}.")
    show(f"\n{run.state.message}")
    _print_rounds(workspace)
    if link := compare_url(workspace, params):
        show(f"\nThe rounds side by side in MLflow:\n{link}")


def _print_rounds(workspace: Workspace) -> None:
    from video_star.tracking.rounds_table import print_rounds, rounds_rows

    print_rounds(rounds_rows(workspace))


def main(arguments: Sequence[str]) -> int:
    """Exit code of the command; errors of ours end in one sentence."""
    from video_star.cli.main import workspace

    quieten()
    try:
        run_cycle(workspace(), _rounds(arguments), _print)
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


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
