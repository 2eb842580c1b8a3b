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
    """Rows divided behind what all rows of their clip have in common.

    `heads` has the length of each clip's video, with all that stands before it. The only row of a
    clip is divided there; a rest has at least one token.
    """
    ends = list(heads)
    for clip, head in enumerate(heads):
        mine = [row.ids for row, owner in zip(rows, owners, strict=True) if owner == clip]
        if len(mine) > 1:
            shortest = min(map(len, mine)) - 1
            same = np.all([ids[head:shortest] == mine[0][head:shortest] for ids in mine], axis=0)
            ends[clip] = head + int(np.argmin([*same, False]))
    first = [rows[owners.index(clip)] for clip in range(len(heads))]
    return Parts(
        [_cut(row, 0, end) for row, end in zip(first, ends, strict=True)],
        [_cut(row, ends[o], len(row)) for row, o in zip(rows, owners, strict=True)],
        list(owners),
    )


def continue_from(
    model: Any, beginnings: dict[str, Any], parts: Parts, pad: int
) -> dict[str, Any]:
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
