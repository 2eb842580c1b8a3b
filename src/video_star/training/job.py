"""The job file: everything that a training process needs, as JSON written by the step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from video_star.core.engine import Clip
from video_star.core.errors import UsageError
from video_star.core.params import FinetuneParams, VideoParams, Zero
from video_star.core.paths import inside
from video_star.core.records import TrainingExample
from video_star.video.isolated import Limits

DONE = "done.json"
"""Written last into the result's folder: weights and loss curve are complete."""


class Job(BaseModel):
    """One finetune. Paths are absolute; the job file is scratch and never tracked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    """Scratch folder; its checkpoints and result survive a kill."""
    data: Path
    video_roots: tuple[Path, ...]
    """Folders outside of it that videos may be in."""
    frames: Path
    """Root of the frame cache."""
    limits: Limits
    """Of reading a video."""
    examples: Path
    """JSONL of TrainingExample."""
    max_failure_rate: float
    """The share of them whose clip may be unreadable."""
    base: Path
    """Folder of the base model."""
    base_name: str
    """The base as written in params.yaml, for the result's config."""
    trust_remote_code: bool
    dtype: Literal["float32", "bfloat16", "float16"]
    start_adapter: Path | None
    device: Literal["cpu", "cuda"]
    seed: int
    threads: int
    """torch threads of each process."""
    world_size: int
    micro_batch_size: int
    checkpoint_steps: int
    zero: Zero
    gradient_checkpointing: bool
    liger: bool
    video: VideoParams
    finetune: FinetuneParams

    @property
    def accumulation(self) -> int:
        """Micro batches per process and optimizer step."""
        return self.finetune.batch_size // (self.micro_batch_size * self.world_size)

    @property
    def result(self) -> Path:
        return self.folder / "result"

    @property
    def done(self) -> Path:
        return self.result / DONE

    @property
    def failures(self) -> Path:
        """Folder of the examples that were left out."""
        return self.folder / "failures"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"


def fit_micro_batch(batch_size: int, processes: int, largest: int) -> int:
    """The largest micro batch size <= `largest` with which batch_size = size * steps * processes.

    It changes memory and speed, never the examples of an optimizer step.
    """
    if batch_size % processes:
        raise UsageError(
            f"finetune.batch_size {batch_size} is not divisible by {processes} processes; "
            "change it, or settings.processes (or the hostfile's slots)."
        )
    share = batch_size // processes
    return next(size for size in range(min(largest, share), 0, -1) if share % size == 0)


def clip_of(example: TrainingExample, data: Path, video_roots: Sequence[Path] = ()) -> Clip:
    """The clip of an example, from the data folder or a video root; DataError from elsewhere."""
    return Clip(inside(data, example.video, video_roots), example.start_s, example.end_s)
