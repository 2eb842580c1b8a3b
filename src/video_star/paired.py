"""Whether one model is better than another on the very same items: difference, interval, test.

Items about one video are not independent, so both look at clusters (videos): the 95 % interval is
a bootstrap over clusters of the mean difference; p is a sign-flip permutation test, which asks how
often a difference this large comes up when each cluster's two models are exchanged by the toss of a
coin. Seeded, and independent of the order of the items. Pure arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from video_star.domain import Score
from video_star.labels import Record
from video_star.metrics import INTERVAL, Bootstrap

Floats: TypeAlias = NDArray[np.float64]


class PairedDifference(Record):
    """Mean of after minus before over the items that both models have scored, in -1..1."""

    difference: float
    low: float
    high: float
    """Ends of the 95 % interval."""
    p: float
    """Two-sided p-value: of all sign flips where these are few, else of drawn ones."""
    n: int
    """Compared items."""
    clusters: int
    left_out: int
    """Items that only one side has, or that one side left unscored."""


@dataclass(frozen=True)
class _Table:
    """By cluster, in the order of their names: sum of differences and number of items."""

    sums: Floats
    counts: Floats


def paired_difference(
    before: Sequence[Score], after: Sequence[Score], resamples: int, seed: int
) -> PairedDifference | None:
    """Compare marks of the same items, joined by item id; None when no item has two marks.

    ValueError when an item has two scores on one side.
    """
    first, second = _by_id(before), _by_id(after)
    rows = sorted(
        (old.cluster, new.value - old.value)
        for name, old in first.items()
        if (new := second.get(name)) and old.value is not None and new.value is not None
    )
    if not rows:
        return None
    table = _table(rows)
    difference = float(table.sums.sum() / table.counts.sum())
    low, high = _interval(table, difference, Bootstrap(resamples, seed))
    return PairedDifference(
        difference=difference,
        low=low,
        high=high,
        p=_sign_flip(table.sums, resamples, seed),
        n=len(rows),
        clusters=len(table.sums),
        left_out=len(first.keys() | second.keys()) - len(rows),
    )


def _by_id(scores: Sequence[Score]) -> Mapping[str, Score]:
    found = {score.item_id: score for score in scores}
    if len(found) < len(scores):
        raise ValueError("an item has two scores")
    return found


def _table(rows: Sequence[tuple[str, float]]) -> _Table:
    _, cluster = np.unique([name for name, _ in rows], return_inverse=True)
    sums = np.bincount(cluster, weights=np.array([value for _, value in rows], dtype=np.float64))
    return _Table(sums.astype(np.float64), np.bincount(cluster).astype(np.float64))


def _interval(table: _Table, difference: float, bootstrap: Bootstrap) -> tuple[float, float]:
    """The interval contains the difference; of one cluster nothing is known: all of -1..1."""
    clusters = len(table.sums)
    if clusters == 1:
        return -1.0, 1.0
    rng = np.random.default_rng(bootstrap.seed)
    drawn = rng.integers(0, clusters, size=(bootstrap.resamples, clusters))
    means = table.sums[drawn].sum(axis=1) / table.counts[drawn].sum(axis=1)
    low, high = (float(value) for value in np.percentile(means, INTERVAL))
    return min(low, difference), max(high, difference)


def _sign_flip(sums: Floats, resamples: int, seed: int) -> float:
    """Share of sign flips of the clusters' sums whose total is at least as far from 0.

    Clusters without a difference do not count, as flipping them changes nothing. All flips are
    taken where there are at most `resamples`; else as many are drawn, and the observed one counts
    with them, so that p is never 0.
    """
    moved = sums[sums != 0]
    least = abs(moved.sum()) - 1e-9 * np.abs(moved).sum()  # sums of fractions round
    exact = 2 ** len(moved) <= resamples
    if exact:
        bits = np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved))
        flips = bits & 1
    else:
        rng = np.random.default_rng(seed)
        flips = rng.integers(0, 2, size=(resamples, len(moved)))
    totals = moved.sum() - 2 * (flips @ moved)
    extreme = int((np.abs(totals) >= least).sum())
    return extreme / len(flips) if exact else (extreme + 1) / (resamples + 1)
