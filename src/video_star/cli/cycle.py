"""`video-star cycle`: start the services, run the deployment, show what came out."""

from __future__ import annotations

from collections.abc import Sequence

from video_star.core.errors import BusyError, VideoStarError
from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.data.readers import open_readers
from video_star.pipeline.choice import choose
from video_star.services.addresses import addresses, compare_url
from video_star.services.follow import follow, start_run
from video_star.services.local import Print, ensure, services_of
from video_star.services.prefect_client import prefect_client
from video_star.services.process import answers
from video_star.tracking.rounds_table import print_rounds, rounds_rows


def run_cycle(
    workspace: Workspace, rounds: int | None, until: str, force: Sequence[str], show: Print
) -> None:
    """Run the deployment and show it until it ends; raises when it did not complete.

    The parameters are those of `choose`.
    """
    # A mistake in params.yaml or in what is asked for should cost no server start.
    params = load_params(workspace.params)
    choose(params, rounds, until, force)
    open_readers(params.ingest.sources, workspace.data, params.seed)
    ensure(workspace, show)
    where = addresses()
    services = services_of(workspace, where)
    with prefect_client(workspace) as client:
        run = start_run(client, {"rounds": rounds, "until": until, "force": [*force]})
        show(f"Prefect {where.prefect}/runs/flow-run/{run.id}   MLflow {where.mlflow}")
        run = follow(client, run.id, services, show)
    assert run.state is not None
    if run.state.is_cancelled() and run.run_count == 0:
        raise BusyError(
            "Another cycle runs in this workspace, so this one was cancelled; "
            f"watch it at {where.prefect}, or stop it with `make down`."
        )
    if not run.state.is_completed():
        message = run.state.message or f"The flow run ended as {run.state.name}."
        if run.state.is_crashed():  # of which Prefect says what happened, and no way out
            message = f"{message.rstrip('.')}; run it again, it goes on where it stopped."
        raise VideoStarError(message)
    show(f"\n{run.state.message}")
    if workspace.round("r0").metrics.exists():
        print_rounds(rounds_rows(workspace))
    if link := compare_url(workspace, params):
        dead = services.mlflow.has_died() or not answers(f"{where.mlflow}/health")
        if dead and link.startswith(where.mlflow):  # no link to a page that is not there
            ensure(workspace, show)
        show(f"\nThe rounds side by side in MLflow:\n{link}")
    if workspace.report.exists():
        show(f"\nTheir samples and curves:\n{workspace.report.as_uri()}")
