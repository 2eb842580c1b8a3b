"""What the questions about a clip begin with, the video, is read by the model once for all of them.

The common beginning of a clip's rows goes through the model once; its keys and values are copied
for each row, and `generate` continues with the rest of the row. Rests of different lengths are
padded between the beginning and the rest, which position ids skip (they count the attention mask).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from video_star.generation.decoding import greedy_config
from video_star.generation.kv_cache import roomy_cache, select_rows
from video_star.models.batches import padded
from video_star.models.conversation import Tokens


@dataclass(frozen=True)
class Parts:
    """Rows of a batch as beginnings, one for each clip, and the rests of the rows."""

    beginnings: list[Tokens]
    rests: list[Tokens]
    owners: list[int]
    """For each row the index of its beginning."""


def divide(rows: Sequence[Tokens], owners: Sequence[int], heads: Sequence[int]) -> Parts:
    """Rows divided behind what the rows of each clip have in common; a rest has a token at least.

    `heads` has the length of each clip's video, with all that stands before it. Each beginning
    takes as many tokens behind it, so that beginnings of equal videos need no padding.
    """
    firsts = [rows[owners.index(clip)] for clip in range(len(heads))]
    behind = min(
        _common(row.ids[heads[owner] : -1], firsts[owner].ids[heads[owner] : -1])
        for row, owner in zip(rows, owners, strict=True)
    )
    return Parts(
        [_cut(row, 0, head + behind) for row, head in zip(firsts, heads, strict=True)],
        [_cut(r, heads[o] + behind, len(r)) for r, o in zip(rows, owners, strict=True)],
        list(owners),
    )


def _common(one: NDArray[np.int32], other: NDArray[np.int32]) -> int:
    """How many tokens two rows begin with together."""
    n = min(len(one), len(other))
    return int(np.argmin([*(one[:n] == other[:n]), False]))


def continue_from(model: Any, beginnings: dict[str, Any], parts: Parts, pad: int) -> dict[str, Any]:
    """Inputs of `generate` for the rows, given the model's inputs for their beginnings."""
    read = model.generate(
        **beginnings, past_key_values=roomy_cache(model), generation_config=greedy_config(model, 1)
    )
    owners = torch.tensor(parts.owners, device=model.device)
    select_rows(model, read.past_key_values, owners)
    rests = padded(parts.rests, pad, "left")
    names = ("input_ids", "attention_mask")
    joined = {n: torch.cat([beginnings[n][owners], rests[n].to(model.device)], 1) for n in names}
    return {**joined, "past_key_values": read.past_key_values}


def _cut(row: Tokens, start: int, end: int) -> Tokens:
    kinds = None if row.type_ids is None else row.type_ids[start:end]
    return Tokens(row.ids[start:end], kinds, end - start)
