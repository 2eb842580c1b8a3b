"""Checkpoints that are complete: a marker file is written after every rank has saved its part."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from video_star.core.jsonl import dump_json, write_text
from video_star.training.job import Job

MARKER = "complete.json"


def mark_complete(checkpoint: Path) -> None:
    """Sync all files of a checkpoint, then write its marker; for one rank, after a barrier."""
    for path in checkpoint.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    write_text(checkpoint / MARKER, dump_json({"step": step_of(checkpoint)}))


def latest_checkpoint(job: Job) -> Path | None:
    """The newest complete checkpoint, or None."""
    complete = [path.parent for path in job.checkpoints.glob(f"checkpoint-*/{MARKER}")]
    return max(complete, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    """The optimizer step after which a checkpoint was written."""
    return int(checkpoint.name.rpartition("-")[2])


def delete_incomplete(job: Job, note: Callable[[str], None]) -> None:
    """Delete incomplete checkpoints, and note from which step the finetune resumes, if it does."""
    for path in job.checkpoints.glob("checkpoint-*"):
        if not (path / MARKER).exists():
            shutil.rmtree(path)
    newest = latest_checkpoint(job)
    if newest is not None:
        note(f"finetune resumes from step {step_of(newest)}.")
