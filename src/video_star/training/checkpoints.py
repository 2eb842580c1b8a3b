"""Complete checkpoints only: their mark is written last, after every rank has saved its part."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from video_star.core.jsonl import dump_json, write_text
from video_star.training.job import Job

MARK = "complete.json"


def mark_complete(checkpoint: Path) -> None:
    """Sync every file of a checkpoint, then write its mark; call on one rank, after a barrier."""
    for path in checkpoint.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    write_text(checkpoint / MARK, dump_json({"step": step_of(checkpoint)}))


def latest(job: Job) -> Path | None:
    """The newest complete checkpoint, or None."""
    complete = [path.parent for path in job.checkpoints.glob(f"checkpoint-*/{MARK}")]
    return max(complete, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    """The optimizer step a checkpoint was written after."""
    return int(checkpoint.name.rpartition("-")[2])


def drop_half_written(job: Job, note: Callable[[str], None]) -> None:
    """Delete half-written checkpoints and say where the finetune goes on, if it does."""
    for path in job.checkpoints.glob("checkpoint-*"):
        if not (path / MARK).exists():
            shutil.rmtree(path)
    newest = latest(job)
    if newest is not None:
        note(f"finetune goes on from step {step_of(newest)}.")
