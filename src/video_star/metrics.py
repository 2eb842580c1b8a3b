"""Means with intervals, and the file that keeps them: pure arithmetic, no input or output.

Items about one video are not independent, so the 95 % interval comes from a bootstrap over clusters
(videos): whole clusters are drawn with replacement, the mean is taken again, and the interval spans
the 2.5th to the 97.5th percentile. Seeded, and independent of the order of the items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from video_star.domain import MetricValue
from video_star.labels import Record

Floats = NDArray[np.float64]
INTERVAL = (2.5, 97.5)
"""Percentiles of the resampled means: a 95 % interval."""


class RoundMetrics(Record):
    """rounds/rK/metrics.json: metrics by "<benchmark>/<metric>", and each by slice."""

    round: str
    metrics: dict[str, MetricValue]
    slices: dict[str, dict[str, MetricValue]]


@dataclass(frozen=True)
class Point:
    """The mark of one item; `group` only matters for a mean of group means."""

    value: float
    cluster: str
    group: str = ""


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are drawn."""

    resamples: int
    seed: int


def mean_with_interval(points: Sequence[Point], bootstrap: Bootstrap) -> MetricValue:
    """The mean over groups of each group's mean (one group: the plain mean) and its 95 % interval.

    The interval always contains the mean. Values lie in 0..1; with a single cluster nothing is
    known about other videos, so the interval is all of 0..1. ValueError without any point.
    """
    if not points:
        raise ValueError("no scored item to take a mean of")
    sums, counts = _cluster_tables(points)
    mean = float((sums.sum(axis=0) / counts.sum(axis=0)).mean())
    if len(sums) == 1:
        return MetricValue(value=mean, low=0.0, high=1.0, n=len(points))
    means = _resampled_means(sums, counts, bootstrap)
    low, high = (float(value) for value in np.percentile(means, INTERVAL))
    # A percentile interval may miss the mean by a rounding error, or when one cluster dominates.
    return MetricValue(value=mean, low=min(low, mean), high=max(high, mean), n=len(points))


def _cluster_tables(points: Sequence[Point]) -> tuple[Floats, Floats]:
    """Sum of values and number of items, each float64 [clusters, groups], clusters by name."""
    # Sorted first, so that sums of fractions round the same way whatever the order was.
    ordered = sorted((point.cluster, point.group, point.value) for point in points)
    cluster_names, cluster = np.unique([row[0] for row in ordered], return_inverse=True)
    group_names, group = np.unique([row[1] for row in ordered], return_inverse=True)
    shape = (len(cluster_names), len(group_names))
    cell = cluster * shape[1] + group
    values = np.array([row[2] for row in ordered], dtype=np.float64)
    size = shape[0] * shape[1]
    sums = np.bincount(cell, weights=values, minlength=size).reshape(shape)
    counts = np.bincount(cell, minlength=size).reshape(shape)
    return sums.astype(np.float64), counts.astype(np.float64)


def _resampled_means(sums: Floats, counts: Floats, bootstrap: Bootstrap) -> Floats:
    """The mean of each resample of clusters, float64 [resamples]."""
    clusters = len(sums)
    rng = np.random.default_rng(bootstrap.seed)
    drawn = rng.integers(0, clusters, size=(bootstrap.resamples, clusters))
    cell = drawn + np.arange(bootstrap.resamples)[:, None] * clusters
    times = np.bincount(cell.ravel(), minlength=bootstrap.resamples * clusters)
    weights = times.reshape(bootstrap.resamples, clusters).astype(np.float64)
    numbers = weights @ counts
    # A resample can miss a small group altogether; its mean is then over the groups it has.
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Floats = np.nanmean((weights @ sums) / numbers, axis=1)
    return means
