"""Before a cycle: the commit of the code, and what earlier runs and stores have left."""

from __future__ import annotations

from prefect import get_client

from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.services.prefect_client import crash_lost_steps
from video_star.tracking.provenance import git_state


def describe_code(workspace: Workspace) -> str:
    """The commit for the log, and whether files differ from it."""
    commit, changed = git_state(workspace.root)
    if commit is None:
        return "code: not in a git commit"
    return f"code: git {commit[:12]}{' with uncommitted changes' if changed else ''}"


def end_lost_steps() -> None:
    """Mark the steps of killed runs as crashed, which Prefect's page shows as running for good."""
    with get_client(sync_client=True) as client:
        crash_lost_steps(client)


def forget_lost_runs(workspace: Workspace, params: Params) -> None:
    """Drop mlflow/rounds/*.json when the local store was deleted, so that DVC publishes again.

    DVC cannot know that the runs named in these files are gone: the store is not one of its files.
    """
    if params.settings.tracking_uri is None and not workspace.mlflow_store.exists():
        for name in params.evaluated:
            workspace.round(name).mlflow_run.unlink(missing_ok=True)
