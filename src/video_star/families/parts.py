"""Which layers a finetune touches: language model, vision tower, projector; nothing beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch

from video_star.errors import UsageError
from video_star.params import Part

ROOTS = {
    "language_model": "model.language_model.",
    "vision_tower": "model.vision_tower.",
    "projector": "model.multi_modal_projector.",
}


def lora_targets(
    model: Any, parts: Sequence[Part], layers: str | Sequence[str] | None
) -> list[str]:
    """Full names of the linear layers that LoRA adapts, in the order of the model."""

    def wanted(name: str) -> bool:
        if layers is None:
            return True
        if isinstance(layers, str):
            return re.fullmatch(layers, name) is not None
        return any(name == ending or name.endswith(f".{ending}") for ending in layers)

    roots = tuple(ROOTS[part] for part in parts)
    chosen = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and name.startswith(roots) and wanted(name)
    ]
    if not chosen:
        raise UsageError(
            f"finetune.lora.layers {layers!r} names no linear layer of {' or '.join(parts)}; give "
            "endings such as [q_proj, v_proj], a regular expression, or null for all of them."
        )
    return chosen


def train_parts(model: Any, parts: Sequence[Part]) -> None:
    """Let exactly the weights of the parts learn; the head learns with the language model."""
    roots = tuple(ROOTS[part] for part in parts)
    for name, parameter in model.named_parameters():
        head = "language_model" in parts and name.startswith("lm_head.")
        parameter.requires_grad_(head or name.startswith(roots))
