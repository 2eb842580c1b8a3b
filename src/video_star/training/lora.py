"""LoRA by PEFT: attach a new or an earlier adapter, and save it; the 4-bit base of QLoRA."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from video_star.core.errors import UsageError
from video_star.core.jsonl import dump_json, write_text
from video_star.core.params import LoraParams
from video_star.models.adapters import WEIGHTS, adapted_layers, load_adapter

CONFIG = "adapter_config.json"


def attach_adapter(
    model: Any, lora: LoraParams, targets: Sequence[str], start: Path | None, seed: int
) -> Any:
    """The PEFT model with a new adapter drawn from `seed`, or with the weights in `start`.

    `targets` are full names of the adapted layers; UsageError when `start` has others.
    """
    from peft import LoraConfig, get_peft_model

    if start is not None:
        _refuse_other_shape(start, lora, targets)
        return load_adapter(model, start, trainable=True)
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(targets),
        bias="none",
    )
    torch.manual_seed(seed)
    return get_peft_model(model, config)


def quantised_loading(dtype: str) -> dict[str, Any]:
    """Arguments of from_pretrained for QLoRA: NF4 with double quantization by bitsandbytes, on this
    process's device; computation is in the model's own dtype."""
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


def _refuse_other_shape(start: Path, lora: LoraParams, targets: Sequence[str]) -> None:
    """UsageError when a saved adapter has another rank, alpha or set of layers."""
    saved = json.loads((start / CONFIG).read_text(encoding="utf-8"))
    differing = [
        name
        for name, there, here in (
            ("r", saved["r"], lora.r),
            ("alpha", saved["lora_alpha"], lora.alpha),
            ("layers", adapted_layers(start), set(targets)),
        )
        if there != here
    ]
    if differing:
        raise UsageError(
            f"finetune.start_from is 'previous', but {start} was made with other "
            f"{', '.join(differing)}; keep finetune.lora and finetune.parts as they were or start "
            "from the base."
        )


def trainable_parameters(model: Any) -> list[torch.nn.Parameter]:
    """The parameters that training changes."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def adapter_weights(model: Any) -> dict[str, torch.Tensor]:
    """Copies of the adapter's tensors by name; under ZeRO 3 call it inside of `gathered`."""
    from peft import get_peft_model_state_dict

    state = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: value.detach().cpu().clone().contiguous() for name, value in state.items()}


def save_adapter(
    model: Any, weights: dict[str, torch.Tensor], folder: Path, base_name: str
) -> None:
    """Write weights and config without paths or times: equal weights give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    config = model.peft_config["default"].to_dict()
    config |= {"base_model_name_or_path": base_name, "inference_mode": True}
    plain = {name: _as_json(value) for name, value in config.items()}
    write_text(folder / CONFIG, dump_json(plain))
    shutil.copymode(folder / CONFIG, folder / WEIGHTS)  # safetensors lets only the owner read it


def _as_json(value: Any) -> Any:
    """Sets as sorted lists and enums as text: the order of a set differs between processes."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, dict):
        return {str(key): _as_json(item) for key, item in value.items()}
    return getattr(value, "value", value)
