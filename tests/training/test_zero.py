"""ZeRO's presets are what DeepSpeed understands, and each is what its name says."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from jobs import make_job

from video_star.core.params import Zero
from video_star.training import zero


@pytest.mark.parametrize("name", get_args(Zero))
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_deepspeed_takes_every_preset(name: Zero, device: str) -> None:
    from deepspeed.runtime.zero.config import DeepSpeedZeroConfig

    section = zero.zero_optimization(name, device)
    read = DeepSpeedZeroConfig(**section)
    assert read.stage == zero.stage_of(name) == int(name[4])
    assert not set(section) - set(DeepSpeedZeroConfig.model_fields)
    offloaded = name.endswith("_offload")
    assert (read.offload_optimizer is not None) == offloaded
    assert (read.offload_param is not None) == (name == "zero3_offload")
    if offloaded:
        assert read.offload_optimizer.device == "cpu"
        assert read.offload_optimizer.pin_memory == (device == "cuda")


def test_the_configuration_holds_what_the_job_says(tmp_path: Path) -> None:
    job = make_job(tmp_path, dtype="bfloat16", zero="zero3", world_size=2, micro_batch_size=2)
    config = zero.deepspeed_config(job)
    assert config["train_batch_size"] == 8
    assert config["train_micro_batch_size_per_gpu"] * config["gradient_accumulation_steps"] == 4
    assert config["bf16"] == {"enabled": True}
    assert config["zero_optimization"]["stage"] == 3


def test_the_base_is_loaded_in_parts_under_zero3_alone(tmp_path: Path) -> None:
    from transformers.integrations import is_deepspeed_zero3_enabled

    for name in get_args(Zero):
        with zero.partitioned_loading(make_job(tmp_path, zero=name)):
            assert is_deepspeed_zero3_enabled() == name.startswith("zero3"), name
        assert not is_deepspeed_zero3_enabled()
