"""Means and their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_star.evaluation.metrics import Bootstrap, Point, mean_with_interval

BOOTSTRAP = Bootstrap(resamples=200, seed=3)
POINTS = st.lists(
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


@given(POINTS)
def test_interval_contains_the_mean_and_stays_in_range(points: list[Point]) -> None:
    metric = mean_with_interval(points, BOOTSTRAP)
    assert -1e-9 <= metric.low <= metric.value <= metric.high <= 1 + 1e-9
    assert metric.n == len(points)


@given(POINTS, st.randoms(use_true_random=False))
def test_order_of_items_changes_nothing(points: list[Point], random: object) -> None:
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
