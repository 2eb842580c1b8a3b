"""Drawing tokens: 0 is greedy, shares follow the probabilities, rows do not interfere."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from video_star.core.engine import Clip, Request, Sampling
from video_star.generation.sampling import SeededSampling

CPU = torch.device("cpu")


def request(seed: int, temperature: float = 1.0, top_p: float = 1.0) -> Request:
    clip = Clip(Path("x.mp4"), None, None)
    return Request(str(seed), clip, "?", Sampling(temperature, top_p, 4), seed)


def draw(requests: list[Request], scores: torch.Tensor) -> list[int]:
    chosen = SeededSampling(requests, CPU, 0)(torch.zeros(len(scores), 1), scores)
    assert (torch.isfinite(chosen).sum(-1) == 1).all()
    return chosen.argmax(-1).tolist()


def test_temperature_zero_takes_the_most_likely_token() -> None:
    scores = torch.tensor([[0.1, 3.0, 0.2], [0.1, 0.2, 0.3]])
    assert draw([request(1, 0.0), request(2, 0.0)], scores) == [1, 2]


def test_shares_follow_the_softmax() -> None:
    scores = torch.log(torch.tensor([0.5, 0.3, 0.2])).repeat(3000, 1)
    drawn = torch.tensor(draw([request(seed) for seed in range(3000)], scores))
    shares = torch.bincount(drawn, minlength=3) / 3000
    assert shares.tolist() == pytest.approx([0.5, 0.3, 0.2], abs=0.03)


def test_a_nucleus_never_leaves_its_tokens() -> None:
    scores = torch.log(torch.tensor([0.2, 0.5, 0.3])).repeat(1000, 1)
    drawn = draw([request(seed, top_p=0.6) for seed in range(1000)], scores)
    assert set(drawn) == {1, 2}


def test_a_row_does_not_depend_on_the_others() -> None:
    torch.manual_seed(0)
    scores = torch.randn(6, 50)
    requests = [request(seed, (0.0, 0.7, 1.3)[seed % 3]) for seed in range(6)]
    together = draw(requests, scores)
    assert together == [draw([r], scores[i : i + 1])[0] for i, r in enumerate(requests)]


def test_later_steps_draw_new_numbers_and_can_be_entered_directly() -> None:
    scores = torch.zeros(1, 1000)
    sampling = SeededSampling([request(3)], CPU, 0)
    steps = [int(sampling(torch.zeros(1, 1), scores).argmax()) for _ in range(3)]
    assert len(set(steps)) == 3
    late = SeededSampling([request(3)], CPU, 2)
    assert int(late(torch.zeros(1, 1), scores).argmax()) == steps[2]
