"""Only complete checkpoints are gone on from."""

from __future__ import annotations

from pathlib import Path

import pytest
from jobs import make_job

from video_star.training.checkpoints import delete_incomplete, latest_checkpoint, mark_complete
from video_star.training.job import Job


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return make_job(tmp_path)


def write_checkpoint(job: Job, step: int, complete: bool = True) -> Path:
    folder = job.checkpoints / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(b"x")
    if complete:
        mark_complete(folder)
    return folder


def test_the_newest_complete_checkpoint_counts_and_what_is_half_there_is_deleted(job: Job) -> None:
    write_checkpoint(job, 9)
    write_checkpoint(job, 12)
    half = write_checkpoint(job, 15, complete=False)
    cut = write_checkpoint(job, 18)
    (cut / "weights").write_bytes(b"")
    notes: list[str] = []
    delete_incomplete(job, notes.append)
    newest = latest_checkpoint(job)
    assert newest is not None
    assert newest.name == "checkpoint-12"
    assert not half.exists()
    assert not cut.exists()
    assert notes == ["finetune resumes from step 12."]


def test_without_checkpoints_there_is_nothing_to_say(job: Job) -> None:
    notes: list[str] = []
    delete_incomplete(job, notes.append)
    assert notes == []
    assert latest_checkpoint(job) is None
