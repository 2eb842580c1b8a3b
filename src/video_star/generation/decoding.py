"""Decoding by transformers' `generate`, with finished answers taken out of the batch.

Answers of one batch differ much in length. As soon as half of the rows have ended, `generate` is
stopped and started again with the key-value cache of the other rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig, StoppingCriteria

from video_star.core.engine import Request
from video_star.generation.kv_cache import roomy_cache, rows_can_be_selected, select_rows
from video_star.generation.sampling import SeededSampling

FEWEST_ROWS = 8
"""Smaller batches are decoded in one run: starting again costs more than it saves."""


class StopAtHalf(StoppingCriteria):
    """Stops all rows once half of them have ended."""

    def __init__(self, ends: torch.Tensor, rows: int) -> None:
        self._ends = ends
        self._done = torch.zeros(rows, dtype=torch.bool, device=ends.device)

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        self._done |= torch.isin(input_ids[:, -1], self._ends)
        half = 2 * int(self._done.sum()) >= len(self._done)
        return torch.full_like(self._done, half)


def decode(
    model: Any, inputs: dict[str, Any], requests: Sequence[Request], ends: set[int]
) -> list[list[int]]:
    """New tokens of each row, to its end token (included) or the limit of the batch."""
    limit = requests[0].sampling.max_new_tokens
    answers: list[list[int]] = [[] for _ in requests]
    active = list(range(len(requests)))
    step = 0
    while active and step < limit:
        output = _generate(model, inputs, [requests[i] for i in active], ends, step)
        new = output.sequences[:, inputs["input_ids"].shape[1] :]
        for row, tokens in zip(active, new.tolist(), strict=True):
            end = next((i + 1 for i, token in enumerate(tokens) if token in ends), None)
            answers[row].extend(tokens[:end])
        step += new.shape[1]
        kept = [i for i, row in enumerate(active) if answers[row][-1] not in ends]
        active = [active[i] for i in kept]
        if active and step < limit:
            inputs = _continue(model, inputs, output, kept)
    return answers


def _generate(
    model: Any, inputs: dict[str, Any], requests: Sequence[Request], ends: set[int], step: int
) -> Any:
    """One run of `generate`: greedy search over the tokens that SeededSampling leaves."""
    config = greedy_config(model, requests[0].sampling.max_new_tokens - step)
    criteria = []
    if len(requests) >= FEWEST_ROWS and rows_can_be_selected(model):
        criteria = [StopAtHalf(torch.tensor(sorted(ends), device=model.device), len(requests))]
    return model.generate(
        **{"past_key_values": roomy_cache(model), **inputs},
        generation_config=config,
        logits_processor=[SeededSampling(requests, model.device, step)],
        stopping_criteria=criteria,
    )


def greedy_config(model: Any, max_new_tokens: int) -> GenerationConfig:
    """Greedy search without the checkpoint's default sampling parameters."""
    default = model.generation_config
    return GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=False,
        return_dict_in_generate=True,
        eos_token_id=default.eos_token_id,
        pad_token_id=default.pad_token_id,
    )


def _continue(
    model: Any, inputs: dict[str, Any], output: Any, rows: Sequence[int]
) -> dict[str, Any]:
    """Inputs to continue `generate` for some rows; their last token is not in the cache yet."""
    sequences = output.sequences
    index = torch.tensor(rows, device=sequences.device)
    cache = output.past_key_values
    select_rows(model, cache, index)
    mask = inputs["attention_mask"]
    new_tokens = mask.new_ones(len(mask), sequences.shape[1] - mask.shape[1])
    return {
        "input_ids": sequences[index],
        "attention_mask": torch.cat([mask, new_tokens], dim=1)[index],
        "past_key_values": cache,
    }
