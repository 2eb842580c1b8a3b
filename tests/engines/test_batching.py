"""Batches: clips stay together, nothing is lost, and the order of the requests does not matter."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from video_star.core.engine import Clip, Request, Sampling
from video_star.generation.batching import clips_of, plan_batches


def make(counts: list[int], limits: list[int]) -> list[Request]:
    return [
        Request(
            f"{clip}/{number}",
            Clip(Path(f"{clip}.mp4"), None, None),
            "word " * (number + clip % 3),
            Sampling(0.0, 1.0, limits[(clip + number) % len(limits)]),
            0,
        )
        for clip, count in enumerate(counts)
        for number in range(count)
    ]


@given(
    counts=st.lists(st.integers(1, 7), min_size=1, max_size=20),
    limits=st.lists(st.sampled_from([8, 64]), min_size=1, max_size=2),
    size=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_a_plan_holds_every_request_once_in_full_batches_of_one_length(
    counts: list[int], limits: list[int], size: int, seed: int
) -> None:
    requests = make(counts, limits)
    plan = plan_batches(requests, size)
    assert sorted(r.key for batch in plan for r in batch) == sorted(r.key for r in requests)
    assert all(1 <= len(batch) <= size for batch in plan)
    assert all(len({r.sampling.max_new_tokens for r in batch}) == 1 for batch in plan)
    shuffled = random.Random(seed).sample(requests, len(requests))
    assert plan_batches(shuffled, size) == plan


def test_questions_about_a_clip_stay_together() -> None:
    plan = plan_batches(make([3] * 8, [8]), 8)
    assert [len(clips_of(batch)) for batch in plan] == [2, 2, 2, 2]


def test_no_requests_make_no_batches() -> None:
    assert plan_batches([], 4) == []
