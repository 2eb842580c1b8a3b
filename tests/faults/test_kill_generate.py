"""kill -9 in the middle of generate, then the same again: nothing lost, doubled or different."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
import tiny

from video_star.core.jsonl import read_shards
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import Answer
from video_star.pipeline.runner import run_step

CHILD = """
import sys
from pathlib import Path
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.pipeline.runner import run_step
run_step("generate", "r1", Workspace(Path(sys.argv[1])), Silent())
"""


def start(workspace: Workspace) -> subprocess.Popen[bytes]:
    """`generate r1` in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(tiny.ROOT / "src")}
    return subprocess.Popen([sys.executable, "-c", CHILD, str(workspace.root)], env=environment)


def stored_keys(workspace: Workspace) -> list[str]:
    """Content keys of the answers in the store, once it is there."""
    for path in workspace.answer_store.glob("*.sqlite"):
        with closing(sqlite3.connect(path, timeout=60)) as database, suppress(sqlite3.Error):
            return [key for (key,) in database.execute("SELECT key FROM replies")]
    return []


def wait_for_answers(workspace: Workspace, child: subprocess.Popen[bytes], n: int) -> None:
    deadline = time.monotonic() + 120
    while len(stored_keys(workspace)) < n:
        assert child.poll() is None, "generate ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


@pytest.mark.slow
def test_a_killed_generate_goes_on_and_ends_in_the_same_bytes(
    new_workspace: Callable[..., Workspace],
) -> None:
    slow = {"generate__samples": 4, "generate__max_new_tokens": 160, "settings__batch_size": 2}
    calm, killed = new_workspace("calm", **slow), new_workspace("killed", **slow)
    for workspace in (calm, killed):
        run_step("base", "r0", workspace, Silent())
    run_step("generate", "r1", calm, Silent())

    child = start(killed)
    wait_for_answers(killed, child, 8)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert not killed.round("r1").answers.exists()
    assert len(stored_keys(killed)) < 40
    assert start(killed).wait() == 0

    found = [(a.sample_id, a.attempt) for a in read_shards(killed.round("r1").answers, Answer)]
    assert len(found) == len(set(found)) == 40
    assert folder_bytes(killed.round("r1").answers) == folder_bytes(calm.round("r1").answers)
    assert killed.round("r1").report("generate").read_bytes() == (
        calm.round("r1").report("generate").read_bytes()
    )
    assert stored_keys(killed) == stored_keys(calm)
    assert len(stored_keys(killed)) == 40
