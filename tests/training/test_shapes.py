"""Clips of different lengths in one step: the same loss on any number of processes, ZeRO 3 too."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import finetuned
import pytest
import several
import tiny
from jobs import make_job

from video_star.core.jsonl import write_records
from video_star.core.params import FinetuneParams, VideoParams
from video_star.training.job import Job

pytestmark = pytest.mark.slow


def test_processes_whose_clips_differ_in_length_learn_what_one_learns(
    tmp_path: Path, tiny_base: Path, clips: Path
) -> None:
    """With the tower learning, pixels go in: one pass a length, unequally many by process."""
    shutil.copytree(clips, tmp_path / "data" / "clips")
    examples = [
        item.model_copy(update={"start_s": 0.0, "end_s": 0.2 + 0.25 * (i % 5)})
        for i, item in enumerate(finetuned.examples(16))
    ]
    write_records(tmp_path / "examples.jsonl", examples)
    tune = tiny.tiny_params(
        finetune__batch_size=8,
        finetune__epochs=2,
        finetune__parts=["language_model", "vision_tower"],
    )["finetune"]

    def job(name: str, **changes: Any) -> Job:
        made = make_job(
            tmp_path / name,
            data=tmp_path / "data",
            frames=tmp_path / "frames",
            examples=tmp_path / "examples.jsonl",
            base=tiny_base,
            video=VideoParams(frames=8, sampling="fps", fps=4.0, short_side=28),
            finetune=FinetuneParams(**tune),
            **changes,
        )
        made.folder.mkdir()
        return made

    one = job("one", zero="zero0")
    several.train_all([one], tmp_path / "launch-one")
    two = [job(zero, zero=zero, world_size=2, micro_batch_size=4) for zero in ("zero2", "zero3")]
    several.train_all(two, tmp_path / "launch-two")
    for other in two:
        assert several.losses(other) == pytest.approx(several.losses(one), abs=1e-3)
