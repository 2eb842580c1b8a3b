"""Checkpoints that are complete: a marker file is written after every rank has saved its part.

It has the sizes of all files, so that a checkpoint that was cut since is not gone on from. No
digests: the optimizer of all weights of a large model has 100 GB.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from video_star.core.jsonl import dump_json, write_text
from video_star.training.job import Job

MARKER = "complete.json"


def mark_complete(checkpoint: Path) -> None:
    """Sync all files of a checkpoint, then write its marker; for one rank, after a barrier."""
    sizes = _sizes(checkpoint)
    for name in sizes:
        with (checkpoint / name).open("rb") as file:
            os.fsync(file.fileno())
    write_text(checkpoint / MARKER, dump_json(sizes))


def _sizes(checkpoint: Path) -> dict[str, int]:
    return {
        path.relative_to(checkpoint).as_posix(): path.stat().st_size
        for path in checkpoint.rglob("*")
        if path.is_file() and path.name != MARKER
    }


def _is_complete(checkpoint: Path) -> bool:
    try:
        return bool(json.loads((checkpoint / MARKER).read_bytes()) == _sizes(checkpoint))
    except (OSError, ValueError):
        return False


def latest_checkpoint(job: Job) -> Path | None:
    """The newest complete checkpoint, or None."""
    complete = filter(_is_complete, job.checkpoints.glob("checkpoint-*"))
    return max(complete, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    """The optimizer step after which a checkpoint was written."""
    return int(checkpoint.name.rpartition("-")[2])


def delete_incomplete(job: Job, note: Callable[[str], None]) -> None:
    """Delete incomplete checkpoints, and note from which step the finetune resumes, if it does."""
    for path in job.checkpoints.glob("checkpoint-*"):
        if not _is_complete(path):
            shutil.rmtree(path)
    newest = latest_checkpoint(job)
    if newest is not None:
        note(f"finetune resumes from step {step_of(newest)}.")
