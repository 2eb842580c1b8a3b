"""What full finetuning leaves: a folder that from_pretrained loads by itself.

Only the tensors are ours; configuration, tokenizer and processor are the base's own files, as they
stand, since none of them changes.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch

from video_star.core.model_paths import is_content

SHARD = "5GB"
"""At most so much per file, so that no single one is unwieldy."""
TENSORS = (".safetensors", ".safetensors.index.json")


def whole_weights(engine: Any, rank: int) -> dict[str, torch.Tensor]:
    """All weights of the model in its own precision, on rank 0; every process calls it."""
    if engine.zero_optimization_stage() == 3:
        return engine._zero3_consolidated_16bit_state_dict() or {}
    return {} if rank else dict(engine.module.state_dict())


def save_weights(model: Any, weights: dict[str, torch.Tensor], folder: Path, base: Path) -> None:
    """Write shards, and beside them the files of the base: the same bytes for the same weights."""
    folder.mkdir(parents=True, exist_ok=True)
    _forget_unused_renamings(model)
    model.save_pretrained(folder, state_dict=weights, max_shard_size=SHARD)
    for path in sorted(base.iterdir()):
        if is_content(path) and not path.name.endswith(TENSORS):
            shutil.copyfile(path, folder / path.name)


def _forget_unused_renamings(model: Any) -> None:
    """Let save_pretrained undo only what renamed a tensor of the base while it was loaded.

    Loading under ZeRO 3 remembers every renaming that exists for the architecture, and undoing
    one that never happened gives names that no other loader knows.
    """
    renamings = getattr(model, "_weight_conversions", None)
    if renamings is not None:
        model._weight_conversions = [item for item in renamings if item.was_used()]
