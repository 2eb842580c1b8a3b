"""A job without a launcher, for tests of the parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tiny

from video_star.core.params import FinetuneParams, VideoParams
from video_star.training.job import Job
from video_star.video.isolated import LIMITS


def make_job(folder: Path, **changes: Any) -> Job:
    """A job in `folder` with the tiny parameters; `changes` are fields of Job."""
    raw = tiny.tiny_params(finetune__batch_size=8)
    fields: dict[str, Any] = {
        "folder": folder,
        "data": folder / "data",
        "video_roots": (),
        "frames": folder / "frames",
        "limits": LIMITS,
        "examples": folder / "examples.jsonl",
        "max_failure_rate": 0.05,
        "base": Path("base"),
        "base_name": "base",
        "trust_remote_code": False,
        "dtype": "float32",
        "start_adapter": None,
        "device": "cpu",
        "seed": 3,
        "threads": 1,
        "world_size": 1,
        "micro_batch_size": 8,
        "checkpoint_steps": 4,
        "zero": "zero2",
        "gradient_checkpointing": False,
        "liger": False,
        "video": VideoParams(**raw["video"]),
        "finetune": FinetuneParams(**raw["finetune"]),
    }
    return Job(**(fields | changes))
