"""Two models on the same items: what differs, how sure that is, and what was not compared."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from video_star.core.records import PairedDifference
from video_star.evaluation.metrics import Bootstrap, Point
from video_star.evaluation.significance import paired_difference


def _score(item: str, value: float, cluster: str) -> Point:
    return Point(value, cluster, item=item)


def _scores(values: list[float | None], clusters: list[str] | None = None) -> list[Point]:
    """A point for each value that is not None."""
    names = clusters or [f"v{number}" for number in range(len(values))]
    rows = enumerate(zip(values, names, strict=True))
    return [_score(f"i{n}", v, c) for n, (v, c) in rows if v is not None]


def _compare(
    before: list[Point], after: list[Point], resamples: int = 1000, seed: int = 3
) -> PairedDifference:
    found = paired_difference(before, after, Bootstrap(resamples, seed))
    assert found is not None
    return found


def test_only_items_with_two_scores_are_compared_and_the_rest_is_counted() -> None:
    before = [*_scores([1, 0, None, 1]), _score("old", 1, "v9")]
    after = [*_scores([1, 1, 1, None]), _score("new", 1, "v8"), _score("newer", 1, "v8")]
    found = _compare(before, after)
    assert (found.difference, found.n, found.clusters, found.left_out) == (0.5, 2, 2, 5)


def test_nothing_in_common_is_no_comparison() -> None:
    assert paired_difference(_scores([None]), _scores([1]), Bootstrap(100, 0)) is None
    assert paired_difference([], [], Bootstrap(100, 0)) is None


def test_two_scores_of_one_item_are_an_error() -> None:
    with pytest.raises(ValueError, match="two points"):
        paired_difference(_scores([1]) * 2, _scores([1]), Bootstrap(100, 0))


def test_few_clusters_are_tested_exactly() -> None:
    found = _compare(_scores([0, 0, 0, 0, 1]), _scores([1, 1, 1, 1, 1]))
    assert found.p == 2 / 2**4
    mixed = _compare(_scores([0, 0, 0, 1]), _scores([1, 1, 1, 0]))
    # Of 16 flips of +1 +1 +1 -1, those with 0 or 1, or 3 or 4 plus signs are as far from 0.
    assert mixed.p == 10 / 16


def test_items_of_one_video_count_as_one_piece_of_evidence() -> None:
    many = _compare(_scores([0] * 8), _scores([1] * 8))
    one = _compare(_scores([0] * 8, ["v"] * 8), _scores([1] * 8, ["v"] * 8))
    assert many.p == 2 / 2**8
    assert (one.p, one.low, one.high) == (1, -1, 1)
    pair = ["a", "a", "a", "b", "b", "b", "b", "b"]
    assert _compare(_scores([0] * 8, pair), _scores([1] * 8, pair)).p == 0.5


def test_of_one_video_the_difference_may_be_all_that_the_bounds_allow() -> None:
    before, after = _scores([1, 2], ["v"] * 2), _scores([4, 4], ["v"] * 2)
    found = paired_difference(before, after, Bootstrap(100, 0), bounds=(0.0, 5.0))
    assert found is not None
    assert (found.difference, found.low, found.high) == (2.5, -5, 5)
    assert paired_difference(before, after, Bootstrap(100, 0), bounds=(0.0, math.inf)) is None


def test_a_mean_without_bounds_is_compared_over_several_videos() -> None:
    before, after = _scores([1, 2, 3]), _scores([4, 9, 4])
    found = paired_difference(before, after, Bootstrap(100, 0), bounds=(0.0, math.inf))
    assert found is not None
    assert 1 <= found.low < found.difference == 11 / 3 < found.high <= 7


def test_correlations_of_one_video_may_differ_by_two() -> None:
    values = [(1.0, 2.0), (2.0, 1.0), (3.0, 3.0)]
    before, after = (
        [Point(pair[k], "v", truth=float(n), item=f"i{n}") for n, pair in enumerate(values)]
        for k in (1, 0)
    )
    found = paired_difference(before, after, Bootstrap(100, 0), "spearman")
    assert found is not None
    assert (found.difference, found.low, found.high) == (pytest.approx(0.5), -2, 2)


def test_many_clusters_are_tested_by_drawn_flips() -> None:
    rng = random.Random(1)
    before = [float(rng.random() < 0.5) for _ in range(400)]
    after = [float(value or rng.random() < 0.2) for value in before]
    better = _compare(_scores(before), _scores(after))
    assert better.p == 1 / 1001
    assert 0 < better.low < better.difference < better.high
    noise = [float(rng.random() < 0.5) for _ in range(400)]
    same = _compare(_scores(before), _scores(noise))
    assert same.p > 0.05
    assert same.low < 0 < same.high


def test_false_alarms_are_as_rare_as_p_says() -> None:
    rng = random.Random(7)
    alarms = 0
    for seed in range(200):
        clusters = [f"v{number % 15}" for number in range(45)]
        # Items of a video go the same way, as questions about one video do.
        lean = [rng.random() for _ in range(15)]
        sides = [
            _scores([float(rng.random() < lean[n % 15]) for n in range(45)], clusters)
            for _ in range(2)
        ]
        alarms += _compare(sides[0], sides[1], 500, seed).p <= 0.1
    assert alarms <= 35  # 20 expected, standard deviation 4.2


PAIRS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.0, 0.5, 1 / 3]),
        st.sampled_from([0.0, 1.0, 0.5, 1 / 3]),
        st.sampled_from("abcdefghijklmno"),
    ),
    min_size=1,
    max_size=40,
)


@given(PAIRS, st.integers(0, 5), st.randoms())
def test_exchanging_the_models_mirrors_the_result(
    pairs: list[tuple[float, float, str]], seed: int, rng: random.Random
) -> None:
    clusters = [cluster for *_, cluster in pairs]
    before = _scores([pair[0] for pair in pairs], clusters)
    after = _scores([pair[1] for pair in pairs], clusters)
    there, back = _compare(before, after, 200, seed), _compare(after, before, 200, seed)
    assert there.p == back.p
    assert 0 < there.p <= 1
    assert there.difference == pytest.approx(-back.difference)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.low <= there.difference <= there.high
    rng.shuffle(before)
    assert _compare(before, after, 200, seed) == there


@given(PAIRS)
def test_equal_scores_differ_by_nothing(pairs: list[tuple[float, float, str]]) -> None:
    clusters = [cluster for *_, cluster in pairs]
    same = _scores([pair[0] for pair in pairs], clusters)
    found = _compare(same, same, 200, 0)
    assert (found.difference, found.p) == (0, 1)
    assert found.clusters == 1 or (found.low, found.high) == (0, 0)


def test_a_mean_of_group_means_weighs_the_groups_and_not_the_items() -> None:
    groups = ["a", "a", "a", "b"]
    before = [Point(0.0, f"v{n}", g, item=f"i{n}") for n, g in enumerate(groups)]
    after = [Point(float(g == "b"), f"v{n}", g, item=f"i{n}") for n, g in enumerate(groups)]
    assert _compare(before, after).difference == 0.5


def test_rank_correlations_are_compared_as_such() -> None:
    truths = [float(n) for n in range(30)]
    rng = random.Random(2)
    wrong = rng.sample(truths, 30)

    def points(values: list[float]) -> list[Point]:
        rows = enumerate(zip(values, truths, strict=True))
        return [Point(v, f"v{n}", truth=t, item=f"i{n}") for n, (v, t) in rows]

    found = paired_difference(points(wrong), points(truths), Bootstrap(300, 1), "spearman")
    assert found is not None
    expected = 1 - float(spearmanr(wrong, truths).statistic)
    assert found.difference == pytest.approx(expected)
    assert found.p < 0.05
    assert found.low <= found.difference <= found.high
    same = paired_difference(points(wrong), points(wrong), Bootstrap(300, 1), "spearman")
    assert same is not None
    assert (same.difference, same.p) == (0, 1)


def test_a_correlation_that_does_not_exist_is_no_comparison() -> None:
    flat = [Point(1.0, f"v{n}", truth=float(n), item=f"i{n}") for n in range(5)]
    assert paired_difference(flat, flat, Bootstrap(100, 0), "spearman") is None
