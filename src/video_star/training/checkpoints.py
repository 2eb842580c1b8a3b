"""Complete checkpoints only: their mark is written last, after every rank has saved its part."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from video_star.records import dump_json, write_text
from video_star.training.job import Job

MARK = "complete.json"


def shape_of(job: Job) -> dict[str, object]:
    """What a ZeRO checkpoint is tied to: the optimizer is cut into one part per process."""
    return {
        "device": job.device,
        "world_size": job.world_size,
        "micro_batch_size": job.micro_batch_size,
        "threads": job.threads,
    }


def mark_complete(checkpoint: Path, job: Job) -> None:
    """Sync every file of a checkpoint, then write its mark; call on one rank, after a barrier."""
    for path in checkpoint.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    write_text(checkpoint / MARK, dump_json(shape_of(job)))


def latest(job: Job) -> Path | None:
    """The newest complete checkpoint, or None."""
    complete = [path.parent for path in job.checkpoints.glob(f"checkpoint-*/{MARK}")]
    return max(complete, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    """The optimizer step a checkpoint was written after."""
    return int(checkpoint.name.rpartition("-")[2])


def drop_unusable(job: Job, note: Callable[[str], None]) -> None:
    """Delete half-written checkpoints, and all of them when they were cut for other processes."""
    for path in job.checkpoints.glob("checkpoint-*"):
        if not (path / MARK).exists():
            shutil.rmtree(path)
    newest = latest(job)
    if newest is None:
        return
    shape = json.loads((newest / MARK).read_text(encoding="utf-8"))
    if shape != shape_of(job):
        differing = ", ".join(
            f"{name} {shape.get(name)} then and {value} now"
            for name, value in shape_of(job).items()
            if shape.get(name) != value
        )
        note(
            f"The checkpoint at step {step_of(newest)} does not fit this run ({differing}): "
            "finetune starts anew."
        )
        shutil.rmtree(job.checkpoints)
        return
    note(f"finetune goes on from step {step_of(newest)}.")
