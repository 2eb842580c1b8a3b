"""Batches of token sequences: padding, and the transfer to the model's device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence

from video_star.models.conversation import Tokens


def pad_id(tokenizer: Any) -> int:
    """The padding token, or the end token where there is none: padding is masked anyway."""
    pad = tokenizer.pad_token_id
    return int(pad if pad is not None else tokenizer.eos_token_id)


def padded(rows: Sequence[Tokens], pad: int, side: Literal["left", "right"]) -> dict[str, Any]:
    """input_ids, attention_mask and, where the model wants them, mm_token_type_ids, each [B, L]."""

    def batch(values: Iterable[NDArray[np.int32]], fill: int) -> torch.Tensor:
        tensors = [torch.from_numpy(row).long() for row in values]
        return pad_sequence(tensors, batch_first=True, padding_value=fill, padding_side=side)

    inputs = {
        "input_ids": batch((row.ids for row in rows), pad),
        "attention_mask": batch((np.ones_like(row.ids) for row in rows), 0),
    }
    if rows[0].type_ids is not None:
        inputs["mm_token_type_ids"] = batch((r.type_ids for r in rows if r.type_ids is not None), 0)
    return inputs


def on_device(inputs: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """Tensors on the model's device; only pixels in its dtype, as times need their precision."""
    return {
        name: value.to(model.device, model.dtype if name.startswith("pixel_values") else None)
        if isinstance(value, torch.Tensor)
        else value
        for name, value in inputs.items()
    }
