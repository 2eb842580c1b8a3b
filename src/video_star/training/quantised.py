"""QLoRA's base: 4-bit weights by bitsandbytes, computed with in the model's own precision."""

from __future__ import annotations

from typing import Any

import torch


def four_bits(dtype: str) -> Any:
    """How transformers quantises the base: nf4, its scales quantised once more."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, dtype),
    )


def how_to_load(dtype: str) -> dict[str, Any]:
    """What from_pretrained gets besides: quantised while it is loaded, on this process' device."""
    return {
        "quantization_config": four_bits(dtype),
        "device_map": {"": torch.cuda.current_device()},
    }


def ready_for_lora(base: Any) -> Any:
    """The base frozen, its layer norms in float32; Trainer turns on gradient checkpointing."""
    from peft import prepare_model_for_kbit_training

    return prepare_model_for_kbit_training(base, use_gradient_checkpointing=False)
