"""A small but whole workspace: the real base, a few real demo clips, the project's own pipeline."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.pipeline.chain import update_chain
from video_star_demo import dives, files, moments, remarks, situations, tempcompass

ROOT = Path(__file__).resolve().parents[1]
CODE = ("src", "flows", "tasks", "mlflow")
ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "DVC_"))},
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "DVC_NO_ANALYTICS": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "HF_HUB_OFFLINE": "1",
    "SHELL": "/bin/sh",  # where this is dash, it stays between dvc and a command without `exec`
}
IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@example.org")


def make(root: Path, patch: pytest.MonkeyPatch) -> Path:
    """A committed git and DVC repository with one round over four clips of each Kinetics class."""
    root.mkdir(parents=True)
    for name in CODE:
        shutil.copytree(
            ROOT / name,
            root / name,
            ignore=shutil.ignore_patterns("__pycache__", "*.db", "artifacts"),
        )
    for name in ("dvc.yaml", "prefect.yaml", ".gitignore"):
        shutil.copy(ROOT / name, root / name)
    patch.setattr(files, "TRAIN_PER_CLASS", 4)
    patch.setattr(files, "TEST_PER_CLASS", 2)
    patch.setattr(files, "REPLAY_CLIPS", 12)
    patch.setattr(dives, "TRAIN_PER_TYPE", 1)
    patch.setattr(dives, "TEST_PER_TYPE", 1)
    patch.setattr(situations, "VIDEOS", {"train": 4, "val": 2})
    patch.setattr(moments, "ACTIVITIES", {"train": 4, "val": 2})
    patch.setattr(remarks, "PER_KIND", {"train": 4, "test": 2})
    patch.setattr(tempcompass, "PER_ACTION", 1)
    patch.setattr(tempcompass, "UNNAMED", 4)
    files.write_data(root / "data", 5, Silent())
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["rounds"] = 1
    sources, benchmarks = params["ingest"]["sources"], params["evaluate"]["benchmarks"]
    params["ingest"]["sources"] = [own for own in sources if own["dataset"] == "kinetics"]
    params["evaluate"]["benchmarks"] = {"kinetics_qa": benchmarks["kinetics_qa"]}
    # Some hundred small steps over few texts: enough to learn the names of the classes.
    forms = ["direct", "chain_of_thought"]
    params["curate"].update(forms=forms, final_round="all", replay=None)
    params["finetune"].update(epochs=10, batch_size=16)
    params["settings"].update(checkpoint_steps=20, micro_batch_size=16)
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    workspace = Workspace(root)
    update_chain(workspace, load_params(workspace.params))
    run(root, "git", "init", "--quiet")
    run(root, "dvc", "init", "--quiet")
    run(root, "dvc", "add", "--quiet", "data")
    run(root, "git", "add", "--all")
    run(root, "git", *IDENTITY, "commit", "--quiet", "--message", "begun")
    return root


def clone(origin: Path, root: Path) -> Path:
    """A clean clone with the data beside it, as `make setup` leaves it."""
    run(origin.parent, "git", "clone", "--quiet", str(origin), str(root))
    shutil.copytree(origin / "data", root / "data")
    return root


def run(root: Path, *command: str, environment: Mapping[str, str] = ENVIRONMENT) -> str:
    """Run a command that must succeed and return what it printed."""
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


def stages_run(output: str) -> list[str]:
    """The stages that a `dvc repro` really ran."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def contents(root: Path) -> dict[str, bytes]:
    """Every file of rounds/ by its relative name, less DVC's own ignore files."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted((root / "rounds").rglob("*"))
        if path.is_file() and path.name != ".gitignore"
    }
