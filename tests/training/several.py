"""Runs many jobs in the same processes, and says what became of them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import forked

from video_star.core.params import Zero
from video_star.training.job import Job

BEGUN = "begun.txt"


def train_all(jobs: Sequence[Job], folder: Path) -> None:
    """Train jobs of the same number of processes one after the other; their checkpoints stay."""
    folder.mkdir()
    forked.run_ranks(jobs[0], train_here, jobs, folder)
    assert all(job.done.exists() for job in jobs)


def losses(job: Job) -> list[float]:
    """The loss of each step."""
    lines = (job.result / "loss.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def result_bytes(job: Job) -> dict[str, bytes]:
    """Every file of the result, by name."""
    return {
        path.relative_to(job.result).as_posix(): path.read_bytes()
        for path in sorted(job.result.rglob("*"))
        if path.is_file()
    }


def begun(job: Job, by: Job, step: int) -> Job:
    """`job`, to go on from the checkpoint that another one wrote after a step (by then)."""
    (job.folder / BEGUN).write_text(str(by.checkpoints / f"checkpoint-{step}"))
    return job


def loaded(job: Job, rank: int) -> dict[str, Any]:
    """What a process had when its base was loaded: elements held, elements of the whole base, and
    a digest of the adapter that was drawn."""
    seen: dict[str, Any] = json.loads((job.folder / f"loaded-{rank}.json").read_text())
    return seen


def peak(job: Job, rank: int) -> int:
    """Bytes of its CUDA device that a process had in use at most."""
    most: int = json.loads((job.folder / f"peak-{rank}.json").read_text())
    return most


def share_out_small_weights_too() -> None:
    """ZeRO 3 as with large weights: it would keep all of a tiny model's on every process."""
    from video_star.training import zero

    real = zero.zero_optimization

    def without_threshold(name: Zero, device: str) -> dict[str, Any]:
        section = real(name, device)
        return section | (
            {"stage3_param_persistence_threshold": 0} if section["stage"] == 3 else {}
        )

    zero.zero_optimization = without_threshold


def held_of(model: Any) -> int:
    """Elements of the weights that this process keeps."""
    return sum(getattr(p, "ds_tensor", p).numel() for p in model.parameters())


def whole_of(model: Any) -> int:
    """Elements of the weights, whoever keeps them."""
    return sum(getattr(p, "ds_numel", p.numel()) for p in model.parameters())


def train_here(jobs: Sequence[Job], folder: Path) -> None:
    """One process of a launch."""
    import torch
    from accelerate.state import AcceleratorState

    from video_star.training import session, worker

    rank = int(os.environ["RANK"])
    torch.set_num_threads(1)
    worker._join_processes(jobs[0], folder, rank)
    if jobs[0].world_size > 1:
        share_out_small_weights_too()
    make_trainable = session.make_trainable

    def watched(job: Job, base: Any) -> Any:
        held, whole = held_of(base), whole_of(base)
        model = make_trainable(job, base)
        drawn = hashlib.sha256()
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                drawn.update(parameter.detach().cpu().float().numpy().tobytes())
        seen = {"held": held, "whole": whole, "drawn": drawn.hexdigest()}
        (job.folder / f"loaded-{rank}.json").write_text(json.dumps(seen))
        return model

    session.make_trainable = watched
    for job in jobs:
        worker._make_repeatable(torch, job)
        if rank == 0 and (job.folder / BEGUN).exists():
            begun_by = Path((job.folder / BEGUN).read_text())
            shutil.copytree(begun_by, job.checkpoints / begun_by.name)
        torch.distributed.barrier()
        session.train(job, rank, worker._discard)
        torch.distributed.barrier()
        if job.device == "cuda":
            peak = torch.cuda.max_memory_allocated()
            (job.folder / f"peak-{rank}.json").write_text(json.dumps(peak))
            torch.cuda.reset_peak_memory_stats()
        AcceleratorState._reset_state(reset_partial_state=True)
    torch.distributed.destroy_process_group()
