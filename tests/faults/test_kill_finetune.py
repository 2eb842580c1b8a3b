"""kill -9 in the middle of a finetune: nothing lives on, and a rerun ends in the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import finetuned
import pytest

from video_star.core.paths import Workspace

LIMIT_S = 400


def start(workspace: Workspace) -> subprocess.Popen[str]:
    environment = {**os.environ, "VIDEO_STAR_HOME": str(workspace.root)}
    return subprocess.Popen(
        [sys.executable, "-m", "video_star", "finetune", "r1"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(found: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    end = time.monotonic() + limit_s
    while not found():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def processes(workspace: Workspace, module: str) -> list[int]:
    """Living processes that run `module` on a job of the workspace."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            command = (folder / "cmdline").read_bytes().decode().split("\0")
        except (OSError, UnicodeDecodeError):
            continue
        if module in command and any(str(workspace.root) in word for word in command):
            found.append(int(folder.name))
    return found


def checkpoints(workspace: Workspace) -> set[str]:
    marks = workspace.work.glob("finetune-r1-*/checkpoints/*/complete.json")
    return {mark.parent.name for mark in marks}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_killed_ranks_and_killed_steps_end_in_the_bytes_of_an_undisturbed_run(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, clips: Path
) -> None:
    disturbed = finetuned.ready(tmp_path / "disturbed", tiny_base, clips)

    step = start(disturbed)
    wait_for(lambda: bool(checkpoints(disturbed)))
    os.kill(processes(disturbed, "video_star.training.worker")[-1], signal.SIGKILL)
    told, _ = step.communicate(timeout=LIMIT_S)
    assert step.returncode == 1
    assert "A training process was killed by SIGKILL" in " ".join(told.split())
    first = checkpoints(disturbed)
    assert first

    step = start(disturbed)
    wait_for(lambda: bool(checkpoints(disturbed) - first))
    step.kill()
    told, _ = step.communicate(timeout=LIMIT_S)
    wait_for(lambda: not processes(disturbed, "video_star.training.worker"), limit_s=10)
    wait_for(lambda: not processes(disturbed, "deepspeed.launcher.launch"), limit_s=10)
    assert not disturbed.round("r1").model.exists()

    step = start(disturbed)
    told, _ = step.communicate(timeout=LIMIT_S)
    assert step.returncode == 0, told
    root = tmp_path_factory.getbasetemp() / "finetuned"
    assert finetuned.model_bytes(disturbed) == finetuned.model_bytes(
        finetuned.undisturbed(root, tiny_base, clips)
    )
    assert not list(disturbed.work.glob("finetune-*-*"))
