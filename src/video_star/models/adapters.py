"""Loading of saved LoRA adapters."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from safetensors import safe_open

from video_star.core.errors import DataError

WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."
"""PEFT's prefix of the names of the base model's modules."""


def load_adapter(model: Any, adapter: Path, trainable: bool = False) -> Any:
    """The PEFT model with a saved adapter; DataError when the model lacks some of its layers."""
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Found missing adapter keys")  # an error below
        tuned = PeftModel.from_pretrained(model, str(adapter), is_trainable=trainable)
    lost = adapted_layers(adapter) ^ _layers(name for name, _ in tuned.named_parameters())
    if lost:
        raise DataError(
            f"{adapter}: {len(lost)} of its layers are not those of the model ({min(lost)}), as "
            "after a change of model.base or of versions; run finetune again."
        )
    return tuned


def unwrapped(model: Any) -> Any:
    """The base model of a PEFT model, or the model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def adapted_layers(adapter: Path) -> set[str]:
    """Full names of the layers that a saved adapter adapts."""
    with safe_open(adapter / WEIGHTS, framework="pt") as file:
        return _layers(file.keys())


def _layers(names: Iterable[str]) -> set[str]:
    """The layers to which an adapter's weights with these names belong."""
    return {n.removeprefix(PREFIX).partition(".lora_A.")[0] for n in names if ".lora_A." in n}
