"""Conversations of different lengths side by side: padded ids, mask, and what goes with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch

from video_star.models.conversation import Tokens


def pad_id(tokenizer: Any) -> int:
    """The padding token; one that has none pads with its end token, which the mask hides."""
    pad = tokenizer.pad_token_id
    return int(pad if pad is not None else tokenizer.eos_token_id)


def padded(rows: Sequence[Tokens], pad: int, side: Literal["left", "right"]) -> dict[str, Any]:
    """input_ids, attention_mask and, where the model wants them, mm_token_type_ids, each [B, L]."""
    length = max(len(row) for row in rows)
    ids = torch.full((len(rows), length), pad)
    mask, kinds = torch.zeros_like(ids), torch.zeros_like(ids)
    for number, row in enumerate(rows):
        at = slice(length - len(row), length) if side == "left" else slice(0, len(row))
        ids[number, at] = torch.from_numpy(row.ids).long()
        mask[number, at] = 1
        if row.kinds is not None:
            kinds[number, at] = torch.from_numpy(row.kinds).long()
    made: dict[str, Any] = {"input_ids": ids, "attention_mask": mask}
    if rows[0].kinds is not None:
        made["mm_token_type_ids"] = kinds
    return made


def on_device(inputs: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """Tensors where the model is; pixels in its dtype, times as exact as they came."""
    return {
        name: value.to(model.device, model.dtype if name.startswith("pixel_values") else None)
        if isinstance(value, torch.Tensor)
        else value
        for name, value in inputs.items()
    }
