"""The key-value cache of `generate`, with room for tokens to come, and its rows selected.

transformers' own copies the whole cache for each new token, which with the tokens of a video costs
as much as attention does.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DummyLayer, DynamicLayer, DynamicSlidingWindowLayer

ROOM = 64
"""Tokens for which memory is taken at a time: less means more copies, more means more memory."""


class RoomyLayer(DynamicLayer):
    """Keys and values [rows, heads, tokens, d] are the filled beginning of larger tensors."""

    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self._whole: tuple[torch.Tensor, ...] = ()
        self._filled: torch.Tensor | None = None
        """The keys in `_whole`; where `keys` are others (rows selected), `_whole` is of no use."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values with these behind them."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if self.keys is not self._filled or end > self._whole[0].shape[-2]:
            self._whole = tuple(
                new.new_empty(*new.shape[:-2], end + ROOM, new.shape[-1])
                for new in (key_states, value_states)
            )
            if start:
                self._whole[0][..., :start, :] = self.keys
                self._whole[1][..., :start, :] = self.values
        keys, values = self._whole
        keys[..., start:end, :] = key_states
        values[..., start:end, :] = value_states
        self.keys = self._filled = keys[..., :end, :]
        self.values = values[..., :end, :]
        return self.keys, self.values


def roomy_cache(model: Any) -> DynamicCache | None:
    """An empty cache for `generate`; None for a model with another kind of cache."""
    cache = DynamicCache(config=model.config.get_text_config(decoder=True))
    if not rows_can_be_selected(model):
        return None
    cache.layers = [RoomyLayer() if type(x) is DynamicLayer else x for x in cache.layers]
    return cache


def rows_can_be_selected(model: Any, length: int = 0) -> bool:
    """Whether rows can be taken out of the cache, or copied, which recurrent states do not allow.

    With a `length` also whether no row of so many tokens outgrows a sliding window, which counts
    padding between tokens.
    """
    layers = DynamicCache(config=model.config.get_text_config(decoder=True)).layers
    by_row = (DynamicLayer, DynamicSlidingWindowLayer, DummyLayer)
    return all(
        type(layer) in by_row and length <= getattr(layer, "sliding_window", length)
        for layer in layers
    )


def select_rows(model: Any, cache: Any, rows: torch.Tensor) -> None:
    """Leave these rows in the cache, in this order; a row may be named several times."""
    cache.batch_select_indices(rows)
    # Families with M-RoPE store the offset between positions and tokens of each row on the model.
    offsets = getattr(model.model, "rope_deltas", None)
    if offsets is not None:
        model.model.rope_deltas = offsets[rows]
