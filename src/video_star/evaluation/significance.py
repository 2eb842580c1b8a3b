"""Whether one model is better than another on the very same items: difference, interval, test.

Items about one video are not independent, so both look at clusters (videos): the 95 % interval is
a bootstrap over clusters of the difference; p is a sign-flip permutation test, which asks how often
a difference this large comes up when each cluster's two models are exchanged by the toss of a coin.
Seeded, and independent of the order of the items. Pure arithmetic. scipy.stats.permutation_test
gives other p values: it doubles the smaller tail, and flips clusters without a difference too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from video_star.core.records import PairedDifference
from video_star.evaluation.metrics import (
    CORRELATION,
    Bootstrap,
    Bounds,
    Floats,
    Point,
    Statistic,
    interval,
    resampled_means,
    spearman,
    table,
    times_drawn,
)

SURE = 0.05
"""p below which a difference is taken for one."""
_ROUNDING = 1e-9
"""Sums of fractions round: flips this much nearer to 0 than the observed ones still count."""


@dataclass(frozen=True)
class _Pairs:
    """Compared items in the order of cluster and item; arrays have one entry per item."""

    before: Floats
    after: Floats
    truths: Floats
    cluster: NDArray[np.int64]
    """Number of the item's cluster, counted from 0."""
    group: NDArray[np.int64]

    @property
    def clusters(self) -> int:
        return int(self.cluster.max()) + 1


def paired_difference(
    before: Sequence[Point],
    after: Sequence[Point],
    bootstrap: Bootstrap,
    statistic: Statistic = "mean",
    bounds: Bounds = (0.0, 1.0),
) -> PairedDifference | None:
    """Compare the points of a measure, joined by item; `bounds` are those of the values of a mean.

    The mean is that of `metrics.mean_with_interval`: over groups of each group's mean. None when no
    item has two points, when the statistic does not exist, or for a mean over a single cluster
    whose values have no finite bounds; ValueError when one side has two points of an item.
    """
    first, second = _by_item(before), _by_item(after)
    common = first.keys() & second.keys()
    if not common:
        return None
    pairs = _pairs(first, second)
    compare = _difference_of_rhos if statistic == "spearman" else _difference_of_means
    flips, exact = _flips(pairs, bootstrap)
    drawn = times_drawn(pairs.clusters, bootstrap)
    observed, flipped, resampled = compare(pairs, flips, drawn)
    if np.isnan(observed):
        return None
    lowest, highest = CORRELATION if statistic == "spearman" else bounds
    most = highest - lowest
    low, high = interval(resampled, observed, pairs.clusters, (-most, most))
    if not np.isfinite((low, high)).all():
        return None
    return PairedDifference(
        difference=observed,
        low=low,
        high=high,
        p=_p_value(observed, flipped, exact),
        n=len(common),
        clusters=pairs.clusters,
        left_out=len(first.keys() | second.keys()) - len(common),
    )


def _by_item(points: Sequence[Point]) -> Mapping[str, Point]:
    found = {point.item: point for point in points}
    if len(found) < len(points):
        raise ValueError("an item has two points")
    return found


def _pairs(first: Mapping[str, Point], second: Mapping[str, Point]) -> _Pairs:
    rows = sorted((old.cluster, item, old) for item, old in first.items() if item in second)
    _, cluster = np.unique([row[0] for row in rows], return_inverse=True)
    _, group = np.unique([row[2].group for row in rows], return_inverse=True)
    return _Pairs(
        before=np.array([old.value for *_, old in rows], dtype=np.float64),
        after=np.array([second[item].value for _, item, _ in rows], dtype=np.float64),
        truths=np.array([old.truth or 0.0 for *_, old in rows], dtype=np.float64),
        cluster=cluster.astype(np.int64),
        group=group.astype(np.int64),
    )


def _flips(pairs: _Pairs, bootstrap: Bootstrap) -> tuple[NDArray[np.bool_], bool]:
    """Which clusters' models are exchanged, bool [flips, clusters], and whether these are all.

    Clusters without a difference are never flipped, as that changes nothing.
    """
    differs = np.zeros(pairs.clusters, dtype=bool)
    np.logical_or.at(differs, pairs.cluster, pairs.before != pairs.after)
    moved = np.flatnonzero(differs)
    exact = 2 ** len(moved) <= bootstrap.resamples
    if exact:
        toss = (np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved))) & 1
    else:
        rng = np.random.default_rng(bootstrap.seed)
        toss = rng.integers(0, 2, size=(bootstrap.resamples, len(moved)))
    flips = np.zeros((len(toss), pairs.clusters), dtype=bool)
    flips[:, moved] = toss.astype(bool)
    return flips, exact


def _difference_of_means(
    pairs: _Pairs, flips: NDArray[np.bool_], drawn: Floats
) -> tuple[float, Floats, Floats]:
    """Observed, flipped and resampled differences of the mean of group means."""
    change, counts = table(pairs.cluster, pairs.group, pairs.after - pairs.before)
    totals = counts.sum(axis=0)
    observed = float((change.sum(axis=0) / totals).mean())
    signs = np.where(flips, -1.0, 1.0)
    flipped = ((signs @ change) / totals).mean(axis=1)
    return observed, flipped, resampled_means(drawn, change, counts)


def _difference_of_rhos(
    pairs: _Pairs, flips: NDArray[np.bool_], drawn: Floats
) -> tuple[float, Floats, Floats]:
    """Observed, flipped and resampled differences of the rank correlation with the truths."""
    once = np.ones((1, len(pairs.truths)))

    def change(old: Floats, new: Floats, times: Floats) -> Floats:
        return spearman(new, pairs.truths, times) - spearman(old, pairs.truths, times)

    observed = float(change(pairs.before, pairs.after, once)[0])
    swaps = flips[:, pairs.cluster]
    flipped = np.concatenate(
        [
            change(
                np.where(swap, pairs.after, pairs.before),
                np.where(swap, pairs.before, pairs.after),
                once,
            )
            for swap in swaps
        ]
    )
    resampled = change(pairs.before, pairs.after, drawn[:, pairs.cluster])
    return observed, flipped, resampled


def _p_value(observed: float, flipped: Floats, exact: bool) -> float:
    """Share of flips that are as far from 0. Of drawn ones the observed is one: p is never 0."""
    flipped = flipped[~np.isnan(flipped)]
    extreme = int((np.abs(flipped) >= abs(observed) * (1 - _ROUNDING) - 1e-12).sum())
    return extreme / len(flipped) if exact else (extreme + 1) / (len(flipped) + 1)
