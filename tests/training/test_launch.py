"""The messages of the launcher's processes, and how a launch that failed is reported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import tiny
from jobs import make_job

from video_star.core.errors import UsageError, VideoStarError
from video_star.core.messages import message_in
from video_star.core.params import Settings
from video_star.core.progress import Silent
from video_star.training import launch


def settings(**changes: object) -> Settings:
    return Settings(**(tiny.tiny_params()["settings"] | changes))


def test_messages_are_told_from_log_even_behind_other_text() -> None:
    assert message_in('noise @video-star {"step": 1}') == {"step": 1}
    assert message_in("plain log") is None
    assert message_in("@video-star {torn") is None


def test_a_launcher_that_dies_ends_in_one_sentence_with_the_place_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "import sys; sys.stderr.write('first\\nRuntimeError: no way\\n'); sys.exit(3)"
    monkeypatch.setattr(launch, "_command", lambda *_: [sys.executable, "-c", script])
    with pytest.raises(VideoStarError) as caught:
        launch.launch(tmp_path / "job.json", make_job(tmp_path), None, Silent())
    message = str(caught.value)
    assert "exit code 3" in message
    assert "log.txt" in message
    assert "\n" not in message


def test_an_exception_of_a_rank_arrives_as_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(tmp_path)
    job_file = tmp_path / "job.json"
    job_file.write_text(job.model_dump_json())
    script = """
import os
from video_star.training import worker
os.environ["RANK"] = "1"
def fail(job, folder):
    raise RuntimeError("shapes differ\\nand more")
worker.run = fail
worker.main()
"""

    def command(*given: object) -> list[str]:
        return [sys.executable, "-c", script, str(job_file), str(given[2])]

    monkeypatch.setattr(launch, "_command", command)
    with pytest.raises(VideoStarError) as caught:
        launch.launch(job_file, job, None, Silent())
    assert "Rank 1 of the finetune failed (RuntimeError: shapes differ)" in str(caught.value)
    (log,) = tmp_path.glob("run-*/log.txt")
    assert "Traceback" in log.read_text()


def test_an_error_meant_for_the_user_arrives_as_it_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """import sys; sys.stdout.write('@video-star {"error": "Wrong.", "usage": true}')"""
    monkeypatch.setattr(launch, "_command", lambda *_: [sys.executable, "-c", script])
    with pytest.raises(UsageError, match=r"^Wrong\.$"):
        launch.launch(tmp_path / "job.json", make_job(tmp_path), None, Silent())


def test_processes_come_from_the_settings_or_from_the_hostfile(tmp_path: Path) -> None:
    assert launch.count_processes(settings(processes=2), tmp_path) == 2
    (tmp_path / "hosts").write_text("a slots=4\n# b slots=9\nc slots=2 # note\n")
    assert launch.count_processes(settings(hostfile="hosts"), tmp_path) == 6
    with pytest.raises(UsageError, match="does not exist"):
        launch.count_processes(settings(hostfile="none"), tmp_path)
    (tmp_path / "empty").write_text("a\n")
    with pytest.raises(UsageError, match="empty: Hostfile contains a bad entry: a"):
        launch.count_processes(settings(hostfile="empty"), tmp_path)


def test_the_step_starts_without_torch_or_any_training_library() -> None:
    code = "import sys, video_star.pipeline.steps.finetune; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
