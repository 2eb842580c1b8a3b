"""QLoRA's base model: 4-bit weights by bitsandbytes, computation in the model's own dtype."""

from __future__ import annotations

from typing import Any

import torch


def load_arguments(dtype: str) -> dict[str, Any]:
    """Arguments of from_pretrained: NF4 with double quantization, on this process's device."""
    from transformers import BitsAndBytesConfig

    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, dtype),
        ),
        "device_map": {"": torch.cuda.current_device()},
    }


def prepare_for_lora(base: Any) -> Any:
    """The base frozen, its layer norms in float32; Trainer enables gradient checkpointing."""
    from peft import prepare_model_for_kbit_training

    return prepare_model_for_kbit_training(base, use_gradient_checkpointing=False)
