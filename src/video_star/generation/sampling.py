"""Sampling of tokens that does not depend on the other requests of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import LogitsProcessor

from video_star.core.engine import Request


class SeededSampling(LogitsProcessor):
    """Leaves one token per row: the most likely at temperature 0, else one drawn by the row's seed.

    Each row has a generator of its own, of which each step takes one uniform number and inverts the
    cumulative distribution; so neither the other rows nor the size of the vocabulary change a draw.
    With greedy search after it, this is temperature and nucleus sampling.
    """

    def __init__(self, requests: Sequence[Request], device: torch.device, step: int) -> None:
        temperatures = [request.sampling.temperature for request in requests]
        self._greedy = torch.tensor([t == 0 for t in temperatures], device=device)
        self._scale = torch.tensor([[t or 1.0] for t in temperatures], device=device).double()
        self._top_p = torch.tensor([[r.sampling.top_p] for r in requests], device=device).double()
        self._nucleus = any(request.sampling.top_p < 1 for request in requests)
        self._draws = torch.stack([_uniform(request) for request in requests]).to(device)
        self._step = step

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores [rows, vocabulary] with 0 at the chosen token and -inf elsewhere."""
        chosen = scores.argmax(dim=-1)
        if not bool(self._greedy.all()):
            chosen = torch.where(self._greedy, chosen, self._draw(scores))
        self._step += 1
        result = torch.full_like(scores, -torch.inf)
        return result.scatter_(1, chosen[:, None], 0.0)

    def _draw(self, scores: torch.Tensor) -> torch.Tensor:
        probabilities = torch.softmax(scores.double() / self._scale, dim=-1)
        if self._nucleus:
            probabilities = _keep_nucleus(probabilities, self._top_p)
        mass = probabilities.cumsum(dim=-1)
        target = self._draws[:, self._step, None] * mass[:, -1:]
        chosen = torch.searchsorted(mass, target, right=True)[:, 0]
        return chosen.clamp_(max=scores.shape[-1] - 1)


def _keep_nucleus(probabilities: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """Zero outside of the smallest set of most likely tokens with a total of `top_p`."""
    ranked, order = probabilities.sort(dim=-1, descending=True, stable=True)
    before = ranked.cumsum(dim=-1) - ranked
    ranked = ranked.masked_fill(before >= top_p, 0.0)
    return torch.zeros_like(probabilities).scatter_(1, order, ranked)


def _uniform(request: Request) -> torch.Tensor:
    """One number in [0, 1) per step, float64."""
    generator = torch.Generator().manual_seed(request.seed)
    return torch.rand(request.sampling.max_new_tokens, generator=generator, dtype=torch.float64)
