"""Means and rank correlations with their intervals, and statistics that do not exist."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from video_star.core.records import MetricValue
from video_star.evaluation.metrics import (
    Bootstrap,
    Point,
    Undefined,
    mean_with_interval,
    spearman,
    summarise,
)

BOOTSTRAP = Bootstrap(resamples=200, seed=3)
PAIRS = st.lists(
    st.builds(
        Point,
        value=st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6)),
        truth=st.one_of(st.integers(0, 4).map(float), st.floats(-1e6, 1e6)),
        cluster=st.sampled_from("abcdefgh"),
    ),
    min_size=1,
    max_size=25,
)


def _points(values: list[float], truths: list[float], clusters: list[str] | None = None) -> Any:
    names = clusters or [f"v{i}" for i in range(len(values))]
    return [Point(v, c, truth=t) for v, t, c in zip(values, truths, names, strict=True)]


def _rho(values: Any, truths: Any) -> float:
    found = summarise(_points(list(values), list(truths)), BOOTSTRAP, "spearman")
    assert isinstance(found, MetricValue)
    return found.value


@pytest.mark.parametrize("levels", [3, 10, 10_000])
def test_rho_is_that_of_scipy_with_and_without_ties(levels: int) -> None:
    rng = np.random.default_rng(levels)
    for n in (3, 20, 300):
        truths = rng.integers(0, levels, n).astype(float)
        values = truths + rng.integers(0, levels, n)
        assert _rho(values, truths) == pytest.approx(spearmanr(values, truths).statistic, abs=1e-12)


def test_repeated_items_count_as_often_as_they_are_drawn() -> None:
    rng = np.random.default_rng(4)
    values, truths = rng.integers(0, 6, (2, 30)).astype(float)
    times = rng.integers(0, 4, (50, 30)).astype(float)
    found = spearman(values, truths, times)
    for row, rho in zip(times.astype(int), found, strict=True):
        wanted = spearmanr(np.repeat(values, row), np.repeat(truths, row)).statistic
        assert rho == pytest.approx(wanted, abs=1e-12)


def test_interval_is_the_percentiles_of_scipys_rho_over_resampled_videos() -> None:
    rng = np.random.default_rng(8)
    truths = rng.normal(size=40)
    values = truths + rng.normal(size=40)
    names = [f"v{i // 2:02}" for i in range(40)]
    found = summarise(_points(list(values), list(truths), names), Bootstrap(300, 9), "spearman")
    drawn = np.random.default_rng(9).integers(0, 20, size=(300, 20))
    rhos = []
    for videos in drawn:
        items = np.concatenate([[2 * v, 2 * v + 1] for v in videos])
        rhos.append(spearmanr(values[items], truths[items]).statistic)
    assert isinstance(found, MetricValue)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(rhos, (2.5, 97.5))))


def test_a_monotone_relation_is_one_and_a_reversed_one_minus_one() -> None:
    truths = [1.0, 2.0, 30.0, 400.0, 5000.0]
    assert _rho([math.log(t) for t in truths], truths) == 1
    assert _rho([-t for t in truths], truths) == -1


@given(PAIRS)
def test_interval_contains_rho_and_stays_in_range(points: list[Point]) -> None:
    found = summarise(points, BOOTSTRAP, "spearman")
    if isinstance(found, MetricValue):
        assert -1 <= found.low <= found.value <= found.high <= 1
        assert found.n == len(points)
    else:
        assert 1 in (len({p.value for p in points}), len({p.truth for p in points}))


@given(PAIRS, st.randoms(use_true_random=False))
def test_order_of_items_changes_no_correlation(points: list[Point], random: Any) -> None:
    shuffled = list(points)
    random.shuffle(shuffled)
    assert summarise(points, BOOTSTRAP, "spearman") == summarise(shuffled, BOOTSTRAP, "spearman")


@given(PAIRS)
def test_only_ranks_count(points: list[Point]) -> None:
    order = sorted({point.value for point in points})
    ranked = [Point(order.index(p.value) ** 3.0, p.cluster, truth=p.truth) for p in points]
    assert summarise(ranked, BOOTSTRAP, "spearman") == summarise(points, BOOTSTRAP, "spearman")


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ([], "no scored item"),
        (_points([1], [2]), "one item only, or all values are equal"),
        (_points([7, 7, 7], [1, 2, 3]), "one item only, or all values are equal"),
        (_points([1, 2, 3], [7, 7, 7]), "one item only, or all truths are equal"),
    ],
)
def test_a_correlation_that_does_not_exist_is_no_number(points: list[Point], reason: str) -> None:
    assert summarise(points, BOOTSTRAP, "spearman") == Undefined(reason)


def test_resamples_without_a_correlation_are_left_out() -> None:
    # Most resamples of these miss the one video that differs, or hold nothing else.
    found = summarise(_points([1, 1, 1, 5], [1, 1, 1, 9]), BOOTSTRAP, "spearman")
    assert found == MetricValue(value=1, low=1, high=1, n=4)


def test_one_video_says_nothing_about_others() -> None:
    points = _points([1, 2, 3], [1, 3, 2], ["only"] * 3)
    found = summarise(points, BOOTSTRAP, "spearman")
    assert isinstance(found, MetricValue)
    assert (found.value, found.low, found.high) == (pytest.approx(0.5), -1, 1)
    assert summarise(points, BOOTSTRAP, bounds=(0.0, math.inf)) == Undefined(
        "items of a single video"
    )
    assert summarise(points, BOOTSTRAP, bounds=(0.0, 5.0)) == MetricValue(
        value=2, low=0, high=5, n=3
    )


def test_values_without_an_upper_end_are_not_cut_to_one() -> None:
    points = _points([0.5, 40.0, 90.0], [0, 0, 0])
    found = summarise(points, BOOTSTRAP, bounds=(0.0, math.inf))
    assert isinstance(found, MetricValue)
    assert found.value == pytest.approx(43.5)
    assert 0.5 <= found.low < found.value < found.high <= 90


def test_an_item_without_a_truth_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the truth"):
        summarise([Point(1.0, "a"), Point(2.0, "b")], BOOTSTRAP, "spearman")


GROUPED = st.lists(
    st.builds(
        Point,
        value=st.floats(0, 1),
        cluster=st.sampled_from(["a", "b", "c", "d"]),
        group=st.sampled_from(["", "x"]),
    ),
    min_size=1,
    max_size=30,
)


def _draws(n: int, per_cluster: int, seed: int = 0) -> list[Point]:
    """n right-or-wrong items; all items of a cluster share one value."""
    values = np.random.default_rng(seed).integers(0, 2, n // per_cluster)
    return [Point(float(values[i // per_cluster]), f"v{i // per_cluster}") for i in range(n)]


@given(GROUPED)
def test_interval_contains_the_mean_and_stays_in_range(points: list[Point]) -> None:
    metric = mean_with_interval(points, BOOTSTRAP)
    assert -1e-9 <= metric.low <= metric.value <= metric.high <= 1 + 1e-9
    assert metric.n == len(points)


@given(GROUPED, st.randoms(use_true_random=False))
def test_order_of_items_changes_no_mean(points: list[Point], random: object) -> None:
    shuffled = list(points)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert mean_with_interval(points, BOOTSTRAP) == mean_with_interval(shuffled, BOOTSTRAP)


def test_correlated_items_widen_the_interval() -> None:
    clustered = mean_with_interval(_draws(400, per_cluster=20), BOOTSTRAP)
    alone = [Point(point.value, str(i)) for i, point in enumerate(_draws(400, per_cluster=20))]
    independent = mean_with_interval(alone, BOOTSTRAP)
    assert clustered.value == independent.value
    assert clustered.high - clustered.low > 2 * (independent.high - independent.low)


def test_interval_agrees_with_theory_for_independent_items() -> None:
    metric = mean_with_interval(_draws(1000, per_cluster=1), Bootstrap(2000, 1))
    half = 1.96 * np.sqrt(metric.value * (1 - metric.value) / 1000)
    assert metric.low == pytest.approx(metric.value - half, abs=0.004)
    assert metric.high == pytest.approx(metric.value + half, abs=0.004)


def test_one_cluster_says_nothing_about_other_videos() -> None:
    metric = mean_with_interval([Point(1.0, "only"), Point(0.0, "only")], BOOTSTRAP)
    assert (metric.value, metric.low, metric.high, metric.n) == (0.5, 0.0, 1.0, 2)


def test_mean_of_groups_weighs_a_small_group_like_a_large_one() -> None:
    points = [Point(1.0, f"v{i}", "large") for i in range(9)] + [Point(0.0, "w", "small")]
    assert mean_with_interval(points, BOOTSTRAP).value == 0.5


def test_same_seed_gives_the_same_interval() -> None:
    points = _draws(60, per_cluster=3)
    assert mean_with_interval(points, BOOTSTRAP) == mean_with_interval(points, BOOTSTRAP)
    assert mean_with_interval(points, BOOTSTRAP) != mean_with_interval(points, Bootstrap(200, 4))


def test_no_point_is_refused() -> None:
    with pytest.raises(ValueError, match="no scored item"):
        mean_with_interval([], BOOTSTRAP)
