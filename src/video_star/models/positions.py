"""Positions after a video in Qwen2-VL and Qwen2.5-VL: text goes on after the largest one.

The models were trained so ("the text start position ids as the max vision position ids plus 1",
their get_rope_index until transformers 5.2). From 5.3 on, transformers adds the height or width of
the frames only: where a video is longer in time than its frames are wide, the question stands at
positions inside the video, and the first generated token jumps away from it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch


def after_largest(model: Any) -> None:
    """Let `model` (with its head) place text behind the largest position of a video before it."""
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
    """[3, L] positions in which each run of one kind (text, image, video) follows what was before.

    A run keeps its own shape and begins right after the largest position of the runs before it.
    """
    placed = positions.clone()
    starts = [0, *((kinds[1:] != kinds[:-1]).nonzero()[:, 0] + 1).tolist(), len(kinds)]
    for start, end in pairwise(starts[1:]):
        behind = placed[:, :start].max() + 1
        placed[:, start:end] += behind - placed[:, start:end].min()
    return placed
