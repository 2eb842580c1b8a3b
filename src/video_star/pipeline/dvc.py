"""What DVC knows of a step that is run by hand: skip what is recorded, record what was done.

So that `video-star <step> <round>`, `dvc repro` and the Prefect flow skip what any other finished.
Says nothing when the workspace is no DVC repository, or when DVC itself runs the step.
"""

from __future__ import annotations

import os
import subprocess
import sys

from video_star.core.paths import Workspace
from video_star.pipeline.runner import STEPS


def stage_name(step: str, round_name: str) -> str:
    """The name of a step's DVC stage: `generate@r1`, or just `ingest`; of r0 `evaluate-r0`."""
    if STEPS[step].rounds == "once":
        return step
    if round_name == "r0":
        return f"{step}-r0"
    return f"{step}@{round_name}"


def is_recorded(workspace: Workspace, step: str, round_name: str) -> bool:
    """Whether DVC has this step with its present inputs, parameters and outputs."""
    return _keeps(workspace) and _dvc(workspace, "status", stage_name(step, round_name)) == 0


def record(workspace: Workspace, step: str, round_name: str) -> bool:
    """Let DVC take over what the step wrote; False when there is a DVC that would not."""
    if not _keeps(workspace):
        return True
    return _dvc(workspace, "commit", "--force", stage_name(step, round_name)) == 0


def _keeps(workspace: Workspace) -> bool:
    repository = (workspace.root / ".dvc").is_dir() and (workspace.root / "dvc.yaml").is_file()
    return repository and "DVC_STAGE" not in os.environ


def _dvc(workspace: Workspace, *arguments: str) -> int:
    command = [sys.executable, "-m", "dvc", *arguments, "--quiet"]
    done = subprocess.run(command, cwd=workspace.root, capture_output=True, check=False)
    return done.returncode
