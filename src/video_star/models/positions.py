"""Position ids of text after a video in Qwen2-VL and Qwen2.5-VL: they follow the largest one.

The models were trained so ("the text start position ids as the max vision position ids plus 1",
their get_rope_index until transformers 5.2). From 5.3 on, transformers adds only the height or
width of the frames: when a video has more time steps than that, the question gets positions inside
the video, and generated tokens get positions far from those of the question.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch


def after_largest(model: Any) -> None:
    """Patch `model` (with its head) so that text follows the largest position before it."""
    inner = model.model
    inner.get_rope_index = _moved(inner.get_rope_index)


def _moved(get_rope_index: Any) -> Any:
    def moved(
        input_ids: torch.Tensor, mm_token_type_ids: torch.Tensor, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        positions, _ = get_rope_index(input_ids, mm_token_type_ids=mm_token_type_ids, **kwargs)
        mask = kwargs.get("attention_mask")
        deltas = []
        for row in range(len(input_ids)):
            kept = torch.ones_like(input_ids[row]) if mask is None else mask[row]
            where = kept.bool().nonzero()[:, 0]
            placed = continued(positions[:, row, where], mm_token_type_ids[row, where])
            positions[:, row, where] = placed
            deltas.append(placed.max() + 1 - len(where))
        return positions, torch.stack(deltas)[:, None]

    return moved


def continued(positions: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
    """[3, L] positions in which each run of one kind (text, image, video) follows the one before.

    A run is shifted to begin right after the largest position of all runs before it.
    """
    placed = positions.clone()
    starts = [0, *((kinds[1:] != kinds[:-1]).nonzero()[:, 0] + 1).tolist(), len(kinds)]
    for start, end in pairwise(starts[1:]):
        behind = placed[:, :start].max() + 1
        placed[:, start:end] += behind - placed[:, start:end].min()
    return placed
