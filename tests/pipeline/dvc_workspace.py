"""A real git and DVC repository with the real dvc.yaml; only its commands are stand-ins."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.pipeline.chain import update_chain

REPOSITORY = Path(__file__).resolve().parents[2]
IGNORED = """\
log.txt
fail.txt
wait.txt
/rounds/manifest.jsonl
/rounds/*/*
!/rounds/*/metrics.json
.work/
mlflow/
"""
# Nothing of the outer repository or of a user's configuration may reach the inner one.
CLEAN = {
    **{key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "DVC_"))},
    "DVC_NO_ANALYTICS": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def make_workspace(root: Path, rounds: int = 2) -> Path:
    """The repository: committed, nothing run so far; a copy, as git and DVC start slowly."""
    made = _made(rounds)
    shutil.copytree(made, root, symlinks=True)
    return root


@functools.cache
def _made(rounds: int) -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    return _make(folder / "star", rounds)


def _make(root: Path, rounds: int) -> Path:
    root.mkdir()
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
    params["rounds"] = rounds
    params["model"]["base"] = "base"
    _write_yaml(root / "params.yaml", params)
    pipeline = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text(encoding="utf-8"))
    for stage in pipeline["stages"].values():
        body = stage.get("do", stage)
        body["cmd"] = body["cmd"].replace("video-star", f"{sys.executable} dvc_command.py")
        body["deps"] = [dep for dep in body["deps"] if not dep.startswith("src/")]
    _write_yaml(root / "dvc.yaml", pipeline)
    workspace = Workspace(root)
    update_chain(workspace, load_params(workspace.params))
    shutil.copy(Path(__file__).with_name("dvc_command.py"), root)
    shutil.copy(REPOSITORY / "prefect.yaml", root)
    shutil.copytree(REPOSITORY / "mlflow", root / "mlflow", ignore=shutil.ignore_patterns("*.db"))
    for folder in ("base", "data"):
        (root / folder).mkdir()
        (root / folder / "file.txt").write_text(folder, encoding="utf-8")
    (root / ".gitignore").write_text(IGNORED, encoding="utf-8")
    git(root, "init", "--quiet")
    dvc(root, "init", "--quiet")
    dvc(root, "add", "--quiet", "data")
    commit(root, "begun")
    return root


def set_param(root: Path, section: str, key: str, value: object) -> None:
    """Change one value of params.yaml."""
    path = root / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    params[section][key] = value
    _write_yaml(path, params)


def ran(root: Path) -> list[str]:
    """Which steps ran since the last call, as "step round"."""
    log = root / "log.txt"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def dvc(root: Path, *arguments: str) -> str:
    """Run a dvc command that must succeed."""
    return _run(root, sys.executable, "-m", "dvc", *arguments)


def git(root: Path, *arguments: str) -> str:
    """Run a git command that must succeed."""
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    return _run(root, "git", *who, *arguments)


def commit(root: Path, tag: str) -> None:
    """Commit everything that git should hold, and tag it."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", tag)
    git(root, "tag", tag)


def _run(root: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=root, env=CLEAN, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def _write_yaml(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
