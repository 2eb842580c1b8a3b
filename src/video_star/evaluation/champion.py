"""The round to keep: the best one that is known to be better, not the last one.

The first measured round is champion. A later one takes its place only if it is better on the
champion metric, over the very same held-out items, and the paired test says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from video_star.core.context import StepContext
from video_star.core.jsonl import read_record
from video_star.core.records import PairedDifference
from video_star.evaluation.comparisons import bootstrap_of, difference_between
from video_star.evaluation.metrics import RoundMetrics
from video_star.evaluation.significance import SURE


@dataclass(frozen=True)
class Champion:
    """The round to keep, and how much better it is than the champion before it."""

    round: str
    before: str | None = None
    better: PairedDifference | None = None


def champion_of(context: StepContext, rounds: tuple[str, ...]) -> Champion | None:
    """The champion among the rounds, in order; None when none has the champion metric."""
    metric = context.params.publish.champion_metric
    champion: Champion | None = None
    for name in rounds:
        path = context.workspace.round(name).metrics
        if not path.exists() or metric not in read_record(path, RoundMetrics).metrics:
            continue
        if champion is None:
            champion = Champion(name)
            continue
        pair = _pair(context, metric, champion.round, name)
        if pair is not None and pair.difference > 0 and pair.p < SURE:
            champion = Champion(name, champion.round, pair)
    return champion


def _pair(context: StepContext, metric: str, before: str, after: str) -> PairedDifference | None:
    """As the round's evaluation found it, or else anew from the predictions of both."""
    measured = read_record(context.workspace.round(after).metrics, RoundMetrics)
    known = measured.comparisons.get(metric, {}).get(before)
    return known or difference_between(context, metric, before, after, bootstrap_of(context.params))
