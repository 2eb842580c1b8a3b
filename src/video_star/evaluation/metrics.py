"""Means and rank correlations with intervals, and the file that keeps them: pure arithmetic.

Items about one video are not independent, so the 95 % interval comes from a bootstrap over clusters
(videos): whole clusters are drawn with replacement, the statistic is taken again, and the interval
spans the 2.5th to the 97.5th percentile. Seeded, and independent of the order of the items.
scipy.stats (bootstrap, spearmanr) draws the same resamples, but rounds fractions otherwise, ranks
resamples ten times more slowly, and takes a second to import.

Where a statistic does not exist there is no number, never 0: `undefined` has the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from video_star.core.labels import Record
from video_star.core.records import MetricValue, PairedDifference

Floats = NDArray[np.float64]
INTERVAL = (2.5, 97.5)
"""Percentiles of the resampled statistic: a 95 % interval."""
Statistic: TypeAlias = Literal["mean", "spearman"]
"""spearman: the rank correlation of values and truths; equal ones share their mean rank."""
Bounds: TypeAlias = tuple[float, float]
CORRELATION: Bounds = (-1.0, 1.0)


class RoundMetrics(Record):
    """rounds/rK/metrics.json: metrics by "<benchmark>/<metric>", and each by slice."""

    round: str
    metrics: dict[str, MetricValue]
    slices: dict[str, dict[str, MetricValue]]
    undefined: dict[str, str] = Field(default_factory=dict)
    """Metrics that have no value this time, and why."""
    comparisons: dict[str, dict[str, PairedDifference]] = Field(default_factory=dict)
    """Metric to the rounds that it is compared with: r0 and the one before; empty for r0."""
    scores_sha256: str = ""
    """Digest of the scores of all items: it changes for the rounds that compare with this one."""


@dataclass(frozen=True)
class Point:
    """The value of one item."""

    value: float
    cluster: str
    group: str = ""
    """Only matters for a mean of group means."""
    truth: float | None = None
    """What the value should be; only a correlation needs it."""
    item: str = ""
    """Id of the item; comparisons of two models join by it."""


@dataclass(frozen=True)
class Undefined:
    """A statistic that does not exist for these items."""

    reason: str


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are drawn."""

    resamples: int
    seed: int


def summarise(
    points: Sequence[Point],
    bootstrap: Bootstrap,
    statistic: Statistic = "mean",
    bounds: Bounds = (0.0, 1.0),
) -> MetricValue | Undefined:
    """A statistic of the items with its 95 % interval; `bounds` are those of the values of a mean.

    Undefined without any item, for a correlation where all values or all truths are equal, and for
    a mean over a single cluster whose values have no finite bounds: it has no interval.
    """
    if not points:
        return Undefined("no scored item")
    if statistic == "spearman":
        return _spearman_with_interval(points, bootstrap)
    if not np.isfinite(bounds).all() and len({point.cluster for point in points}) == 1:
        return Undefined("items of a single video")
    return mean_with_interval(points, bootstrap, bounds)


def mean_with_interval(
    points: Sequence[Point], bootstrap: Bootstrap, bounds: Bounds = (0.0, 1.0)
) -> MetricValue:
    """The mean over groups of each group's mean (one group: the plain mean) and its 95 % interval.

    Values lie within `bounds`. ValueError without any point.
    """
    if not points:
        raise ValueError("no scored item to take a mean of")
    sums, counts = _cluster_tables(points)
    mean = float((sums.sum(axis=0) / counts.sum(axis=0)).mean())
    means = resampled_means(times_drawn(len(sums), bootstrap), sums, counts)
    low, high = interval(means, mean, len(sums), bounds)
    return MetricValue(value=mean, low=low, high=high, n=len(points))


def interval(resampled: Floats, value: float, clusters: int, bounds: Bounds) -> Bounds:
    """The 95 % interval of a statistic, from its resamples; NaNs do not count.

    It always contains the value, which percentiles may miss by a rounding error, or where one
    cluster dominates. With a single cluster nothing is known about others: it is `bounds`.
    """
    resampled = resampled[~np.isnan(resampled)]
    low, high = bounds
    if clusters > 1 and len(resampled):
        low, high = (float(end) for end in np.percentile(resampled, INTERVAL))
    return min(low, value), max(high, value)


def _cluster_tables(points: Sequence[Point]) -> tuple[Floats, Floats]:
    """Sum of values and number of items, each float64 [clusters, groups], clusters by name."""
    # Sorted first, so that sums of fractions round the same way whatever the order was.
    ordered = sorted((point.cluster, point.group, point.value) for point in points)
    _, cluster = np.unique([row[0] for row in ordered], return_inverse=True)
    _, group = np.unique([row[1] for row in ordered], return_inverse=True)
    return table(cluster, group, np.array([row[2] for row in ordered], dtype=np.float64))


def table(
    cluster: NDArray[np.int64], group: NDArray[np.int64], values: Floats
) -> tuple[Floats, Floats]:
    """Sum and number of the values of each cluster and group, each float64 [clusters, groups].

    All are [items]; clusters and groups are numbered from 0.
    """
    shape = (int(cluster.max()) + 1, int(group.max()) + 1)
    cell = cluster * shape[1] + group
    size = shape[0] * shape[1]
    sums = np.bincount(cell, weights=values, minlength=size).reshape(shape)
    counts = np.bincount(cell, minlength=size).reshape(shape)
    return sums.astype(np.float64), counts.astype(np.float64)


def resampled_means(times: Floats, sums: Floats, counts: Floats) -> Floats:
    """The mean of each resample of clusters, float64 [resamples]; `times` as of `times_drawn`."""
    # A resample can miss a small group altogether; its mean is then over the groups it has.
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Floats = np.nanmean((times @ sums) / (times @ counts), axis=1)
    return means


def times_drawn(clusters: int, bootstrap: Bootstrap) -> Floats:
    """How often each resample holds each cluster, float64 [resamples, clusters]."""
    rng = np.random.default_rng(bootstrap.seed)
    drawn = rng.integers(0, clusters, size=(bootstrap.resamples, clusters))
    cell = drawn + np.arange(bootstrap.resamples)[:, None] * clusters
    times = np.bincount(cell.ravel(), minlength=bootstrap.resamples * clusters)
    return times.reshape(bootstrap.resamples, clusters).astype(np.float64)


def _spearman_with_interval(
    points: Sequence[Point], bootstrap: Bootstrap
) -> MetricValue | Undefined:
    """Resamples whose values or truths are all equal have no correlation and are left out."""
    ordered = sorted((point.cluster, point.value, _truth(point)) for point in points)
    names, cluster = np.unique([row[0] for row in ordered], return_inverse=True)
    values, truths = (np.array([row[i] for row in ordered], dtype=np.float64) for i in (1, 2))
    for what, found in (("values", values), ("truths", truths)):
        if len(np.unique(found)) == 1:
            return Undefined(f"one item only, or all {what} are equal")
    rho = float(spearman(values, truths, np.ones((1, len(values))))[0])
    resampled = spearman(values, truths, times_drawn(len(names), bootstrap)[:, cluster])
    low, high = interval(resampled, rho, len(names), CORRELATION)
    return MetricValue(value=rho, low=low, high=high, n=len(points))


def _truth(point: Point) -> float:
    if point.truth is None:
        raise ValueError("a correlation needs the truth of each item")
    return point.truth


def spearman(values: Floats, truths: Floats, times: Floats) -> Floats:
    """Rank correlation, float64 [rows], of items of which row r holds item i `times[r, i]` times.

    The values and truths are float64 [items], `times` holds whole numbers, float64 [rows, items].
    NaN where all values, or all truths, of a row are equal.
    """
    first, second = _centred_ranks(values, times), _centred_ranks(truths, times)
    common = (times * first * second).sum(axis=1)
    spread = (times * first**2).sum(axis=1) * (times * second**2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rho: Floats = common / np.sqrt(spread)
    return np.clip(rho, *CORRELATION)


def _centred_ranks(values: Floats, times: Floats) -> Floats:
    """Ranks less their mean, float64 [rows, items]; equal values share the mean of their ranks."""
    order = np.argsort(values, kind="stable")
    distinct, starts = np.unique(values[order], return_index=True)
    sizes = np.add.reduceat(times[:, order], starts, axis=1)
    # Whole and half numbers, so that equal values have a spread of exactly 0.
    ranks = np.cumsum(sizes, axis=1) - (sizes - 1) / 2
    centred: Floats = ranks - (times.sum(axis=1, keepdims=True) + 1) / 2
    return centred[:, np.searchsorted(distinct, values)]
