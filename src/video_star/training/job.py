"""What the launcher's processes are told: a JSON file, written by the step, read by every rank."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from video_star.core.engine import Clip
from video_star.core.errors import UsageError
from video_star.core.params import FinetuneParams, VideoParams, Zero
from video_star.core.paths import inside
from video_star.core.records import TrainingExample

DONE = "done.json"
"""Written last into the job's folder: weights and loss file are complete."""


class Job(BaseModel):
    """One finetune. Paths are absolute; the job file is scratch and never tracked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    """Scratch folder: checkpoints and the result survive a kill here."""
    data: Path
    frames: Path
    """Root of the frame cache."""
    examples: Path
    """JSONL of TrainingExample whose clips were all read before the launch."""
    base: Path
    """Folder of the base model."""
    base_name: str
    """What the result's config says: the base as written in params.yaml."""
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
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"


def fit_micro_batch(batch_size: int, processes: int, wanted: int) -> int:
    """The largest micro batch <= `wanted` with batch_size = micro * accumulation * processes.

    It changes memory and speed, never which examples an optimizer step sees.
    """
    if batch_size % processes:
        raise UsageError(
            f"finetune.batch_size {batch_size} is not divisible by {processes} processes; "
            "change it, or settings.processes (or the hostfile's slots)."
        )
    share = batch_size // processes
    return next(size for size in range(min(wanted, share), 0, -1) if share % size == 0)


def clip_of(example: TrainingExample, data: Path) -> Clip:
    """The part of a file that an example is about; `data` is the data folder."""
    return Clip(inside(data, example.video), example.start_s, example.end_s)
