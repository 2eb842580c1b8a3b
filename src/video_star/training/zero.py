"""DeepSpeed's ZeRO: its configuration, loading under ZeRO 3, gathering of parameters.

zero0 replicates everything on every process; zero1 partitions the optimizer's state, zero2 the
gradients too, zero3 the weights as well. _offload keeps them in the memory of the host.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from video_star.core.params import Zero
from video_star.training.job import Job

CHUNK = 1 << 27
"""Elements of a communication buffer; DeepSpeed's default of 5e8 takes 2 GB for each buffer."""


def stage_of(zero: Zero) -> int:
    """0 to 3."""
    return int(zero[len("zero")])


def zero_optimization(zero: Zero, device: str) -> dict[str, Any]:
    """The section "zero_optimization" of DeepSpeed's configuration.

    Memory is pinned for CUDA only: on a CPU there is nothing to copy to.
    """
    stage = stage_of(zero)
    section: dict[str, Any] = {"stage": stage}
    if stage > 0:
        section |= {"contiguous_gradients": True, "overlap_comm": device == "cuda"}
        section |= {"reduce_bucket_size": CHUNK}
    if stage in (1, 2):
        section |= {"allgather_bucket_size": CHUNK}
    if zero.endswith("_offload"):
        host = {"device": "cpu", "pin_memory": device == "cuda"}
        section |= {"offload_optimizer": host}
        if stage == 3:
            section |= {"offload_param": host}
    return section


def deepspeed_config(job: Job) -> dict[str, Any]:
    """DeepSpeed's configuration; the optimizer is torch's AdamW, which needs no compilation."""
    return {
        "train_batch_size": job.finetune.batch_size,
        "train_micro_batch_size_per_gpu": job.micro_batch_size,
        "gradient_accumulation_steps": job.accumulation,
        "gradient_clipping": job.finetune.max_grad_norm,
        "zero_optimization": zero_optimization(job.zero, job.device),
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "bf16": {"enabled": job.dtype == "bfloat16"},
        "fp16": {"enabled": job.dtype == "float16"},
        "steps_per_print": 1 << 30,
        "wall_clock_breakdown": False,
    }


@contextmanager
def partitioned_loading(job: Job) -> Iterator[None]:
    """Inside of it, from_pretrained keeps only this process's part of each weight (zero3).

    transformers holds the configuration by a weak reference.
    """
    if stage_of(job.zero) < 3:
        yield
        return
    from transformers.integrations import HfDeepSpeedConfig

    config = HfDeepSpeedConfig(deepspeed_config(job))
    yield
    del config


@contextmanager
def gathered(parameters: Iterable[Any], zero: Zero) -> Iterator[None]:
    """Full parameters on every process, for reading; all processes enter and leave together.

    Only zero3 partitions them.
    """
    if stage_of(zero) < 3:
        yield
        return
    import deepspeed

    with deepspeed.zero.GatheredParameters([p for p in parameters if hasattr(p, "ds_id")]):
        yield
