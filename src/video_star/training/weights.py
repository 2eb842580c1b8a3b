"""The result of full finetuning: a folder that from_pretrained loads.

Its tensors are new; configuration, tokenizer and processor are copies of the base's files.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch

from video_star.core.model_paths import copy_content

SHARD = "5GB"
"""Largest size of a file."""
TENSORS = (".safetensors", ".safetensors.index.json")


def full_state_dict(engine: Any, rank: int) -> dict[str, torch.Tensor]:
    """All weights in the model's dtype on rank 0, empty elsewhere; all processes call it."""
    if engine.zero_optimization_stage() == 3:
        return engine._zero3_consolidated_16bit_state_dict() or {}
    return {} if rank else dict(engine.module.state_dict())


def save_weights(model: Any, weights: dict[str, torch.Tensor], folder: Path, base: Path) -> None:
    """Write shards and the base's other files; equal weights give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    _forget_unused_renamings(model)
    model.save_pretrained(folder, state_dict=weights, max_shard_size=SHARD)
    copy_content(base, folder, but=TENSORS)
    for path in folder.glob(f"*{TENSORS[0]}"):  # safetensors lets only the owner read them
        shutil.copymode(folder / "config.json", path)


def _forget_unused_renamings(model: Any) -> None:
    """Make save_pretrained revert only renamings that were applied while the base was loaded.

    Loading under ZeRO 3 records every renaming of the architecture; reverting one that was not
    applied gives names that no other loader knows.
    """
    renamings = getattr(model, "_weight_conversions", None)
    if renamings is not None:
        model._weight_conversions = [item for item in renamings if item.was_used()]
