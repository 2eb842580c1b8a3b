"""One stage by DVC's Python API: its outcome, its messages, why it failed, what a kill leaves."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tasks.runner import REFUSALS, DvcRunner, StepFailed
from video_star.core.errors import BusyError
from video_star.core.messages import VARIABLE, message_in
from video_star.core.paths import Workspace
from video_star.pipeline import dvc

STEP = """
import os, signal, sys, time
from pathlib import Path
from video_star.core.messages import send
from video_star.core.processes import die_with_parent

die_with_parent()
send(started=True)
wish = Path("wish.txt").read_text()
if wish == "refuse":
    send(error="a.mp4 cannot be opened; replace it.", exit_code=3)
    sys.exit(3)
if wish == "raise":
    raise RuntimeError("a bug")
if wish == "die":
    os.kill(os.getpid(), signal.SIGKILL)
if wish == "sleep":
    Path("pid.txt").write_text(str(os.getpid()))
    time.sleep(60)
print("generate r1: 9 read, 9 written", flush=True)
send(done=9, total=9, what="answers")
Path("out.txt").write_text(wish)
Path("empty.txt").touch()
"""
PIPELINE = f"""
stages:
  generate:
    foreach: [r1]
    do:
      cmd: exec {sys.executable} step.py
      deps: [wish.txt]
      outs: [out.txt, empty.txt]
"""


class Heard:
    """Progress that keeps what it is given."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.updates: list[tuple[int, int, str]] = []

    def update(self, done: int, total: int, what: str) -> None:
        self.updates.append((done, total, what))

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    from dvc.repo import Repo

    Repo.init(str(tmp_path), no_scm=True).close()
    (tmp_path / "step.py").write_text(STEP)
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    return tmp_path


def run(root: Path, wish: str, heard: Heard | None = None) -> str:
    (root / "wish.txt").write_text(wish)
    return DvcRunner(Workspace(root)).run("generate", "r1", heard or Heard())


def test_a_stage_runs_once_and_is_restored_when_its_input_comes_back(root: Path) -> None:
    heard = Heard()
    assert run(root, "first", heard) == "ran"
    assert heard.notes == ["generate r1: 9 read, 9 written"]  # and no word of DVC's
    assert heard.updates == [(9, 9, "answers")]
    assert run(root, "first") == "up to date"
    assert run(root, "second") == "ran"
    assert run(root, "first") == "restored"
    assert (root / "out.txt").read_text() == "first"


def test_a_refusal_keeps_its_sentence_and_exit_code(root: Path) -> None:
    with pytest.raises(StepFailed, match=r"^a.mp4 cannot be opened; replace it.$") as caught:
        run(root, "refuse")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(("wish", "reason"), [("raise", "exited with 1"), ("die", "-9")])
def test_a_stage_that_breaks_without_a_word_may_be_tried_again(
    root: Path, wish: str, reason: str
) -> None:
    heard = Heard()
    with pytest.raises(StepFailed, match=f"^generate@r1: .*{reason}; the lines above") as caught:
        run(root, wish, heard)
    assert caught.value.exit_code not in REFUSALS
    assert ("RuntimeError: a bug" in heard.notes) == (wish == "raise")


def test_a_repository_that_another_dvc_has_locked_is_busy(root: Path) -> None:
    from dvc.repo import Repo

    with Repo(str(root)) as repo, repo.lock, pytest.raises(BusyError, match="another dvc process"):
        run(root, "first")


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_killed_flow_leaves_no_process_and_the_next_run_goes_on(root: Path) -> None:
    (root / "wish.txt").write_text("sleep")
    code = (
        "import test_dvc as t; from pathlib import Path\n"
        "t.DvcRunner(t.Workspace(Path.cwd())).run('generate', 'r1', t.Heard())"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    flow = subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, env=os.environ | {"PYTHONPATH": path}
    )
    with flow:
        pid = root / "pid.txt"
        wait_for(lambda: pid.exists() and pid.read_text())
        stage = psutil.Process(int(pid.read_text()))
        with pytest.raises(BusyError, match="another dvc process works on its files"):
            run(root, "sleep")
        runner = stage.parent()
        assert runner is not None
        flow.kill()
        wait_for(lambda: not stage.is_running() and not runner.is_running())
    assert run(root, "first") == "ran"


def test_what_was_run_by_hand_is_recorded(root: Path) -> None:
    workspace = Workspace(root)
    (root / "wish.txt").write_text("by hand")
    for out in ("out.txt", "empty.txt"):
        (root / out).write_text("by hand")
    assert not dvc.is_recorded(workspace, "generate", "r1")
    assert dvc.record(workspace, "generate", "r1")
    assert dvc.is_recorded(workspace, "generate", "r1")
    assert run(root, "by hand") == "up to date"
    (root / "out.txt").unlink()
    assert not dvc.is_recorded(workspace, "generate", "r1")
    assert not dvc.record(workspace, "generate", "r1")


def test_a_step_of_a_stage_sends_that_it_started_and_why_it_failed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from video_star.cli.main import main; main()", "verify", "r1"],
        env=os.environ
        | {VARIABLE: "1", "DVC_STAGE": "verify@r1", "VIDEO_STAR_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    started, failed = (message_in(line) for line in done.stderr.splitlines())
    assert started == {"started": True}
    assert failed is not None
    assert "params.yaml" in failed["error"]
    assert failed["exit_code"] == done.returncode
    assert done.returncode in REFUSALS
