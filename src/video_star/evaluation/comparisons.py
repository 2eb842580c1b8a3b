"""A round's measures against r0 and the round before, on the same items.

Scores of other rounds are read from their predictions/<benchmark>/scores.jsonl, so nothing is asked
again; a benchmark that is new in this round is not compared. An item whose prompt differs between
the two rounds is not the same item. Both rounds are measured anew on the
items they share, so that what depends on all items (a scale, a group) is the same for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from video_star.core.context import StepContext
from video_star.core.errors import DataError
from video_star.core.hashing import sha256_files, stable_seed
from video_star.core.jsonl import read_records
from video_star.core.params import Params
from video_star.core.paths import RoundPaths
from video_star.core.records import PairedDifference, Prediction, Score
from video_star.evaluation.benchmarks import open_benchmark
from video_star.evaluation.benchmarks.base import Benchmark, Measure
from video_star.evaluation.metrics import Bootstrap
from video_star.evaluation.significance import paired_difference

Scored = Mapping[str, tuple[Benchmark[Any], Sequence[Score]]]
"""Benchmark name to the benchmark and this round's scores of its items."""


@dataclass(frozen=True)
class Side:
    """One benchmark in one round."""

    scores: Sequence[Score]
    prompts: Mapping[str, str]
    """By item id, of the answered items."""

    @classmethod
    def of(cls, paths: RoundPaths, benchmark: str) -> Side:
        """What is written of a round; empty where nothing is."""
        return cls(_scores(paths, benchmark), _prompts(paths, benchmark))

    def only(self, items: frozenset[str]) -> list[Score]:
        return [score for score in self.scores if score.item_id in items]


def compared_rounds(context: StepContext) -> tuple[str, ...]:
    """r0 and the round before; nothing for r0."""
    if context.round == "r0":
        return ()
    return tuple(dict.fromkeys(("r0", context.params.previous(context.round))))


def refuse_unmeasured(context: StepContext) -> None:
    """DataError, before anything is asked, when a round to compare with is not evaluated."""
    for name in compared_rounds(context):
        paths = context.workspace.round(name)
        if not paths.metrics.exists() or not paths.predictions.is_dir():
            raise DataError(
                f"{context.round} is compared with {name}, which is not evaluated yet; run "
                f"`video-star evaluate {name}` first."
            )


def bootstrap_of(params: Params) -> Bootstrap:
    """One seed for all: metrics of the same videos are then resampled alike."""
    return Bootstrap(params.evaluate.bootstrap, stable_seed(params.seed, "bootstrap"))


def compare(
    context: StepContext, scored: Scored, bootstrap: Bootstrap
) -> dict[str, dict[str, PairedDifference]]:
    """Metric name to round to the paired difference of this round minus that one.

    The round's own predictions must be written already.
    """
    found: dict[str, dict[str, PairedDifference]] = {}
    for name, (benchmark, scores) in scored.items():
        after = Side(scores, _prompts(context.paths, name))
        for other in compared_rounds(context):
            paths = context.workspace.round(other)
            before = Side.of(paths, name)
            for metric, pair in differences(benchmark, before, after, bootstrap):
                found.setdefault(f"{name}/{metric}", {})[other] = pair
    return found


def difference_between(
    context: StepContext, metric: str, before: str, after: str, bootstrap: Bootstrap
) -> PairedDifference | None:
    """A metric of a round minus that of another, from the predictions of both.

    None when they are not there, are not about the same items, or are not of this benchmark.
    """
    name, _, measured = metric.partition("/")
    raw = context.params.evaluate.benchmarks.get(name)
    if raw is None:
        return None
    benchmark = open_benchmark(name, raw, context.workspace.root)
    old, new = (Side.of(context.workspace.round(each), name) for each in (before, after))
    return dict(differences(benchmark, old, new, bootstrap)).get(measured)


def differences(
    benchmark: Benchmark[Any], before: Side, after: Side, bootstrap: Bootstrap
) -> Iterator[tuple[str, PairedDifference]]:
    """Each metric that both rounds have on the items that they share."""
    shared = same_items(before, after)
    if not shared:
        return
    old, new = (
        {measure.name: measure for measure in benchmark.measures(side.only(shared))}
        for side in (before, after)
    )
    everything = _items_of(benchmark, (before, after))
    for name, measure in new.items():
        if name not in old:
            continue
        pair = paired_difference(
            old[name].points, measure.points, bootstrap, measure.statistic, measure.bounds
        )
        if pair is not None:
            yield name, pair.model_copy(update={"left_out": len(everything[name]) - pair.n})


def same_items(before: Side, after: Side) -> frozenset[str]:
    """Ids that both rounds have, less those that were asked in other words."""
    shared = {s.item_id for s in before.scores} & {s.item_id for s in after.scores}
    asked = before.prompts.keys() & after.prompts.keys()
    return frozenset(shared - {key for key in asked if before.prompts[key] != after.prompts[key]})


def _items_of(benchmark: Benchmark[Any], sides: Sequence[Side]) -> dict[str, set[str]]:
    """By metric, all items that count for it in any of the rounds."""
    found: dict[str, set[str]] = {}
    for side in sides:
        measures: Sequence[Measure] = benchmark.measures(side.scores)
        for measure in measures:
            found.setdefault(measure.name, set()).update(point.item for point in measure.points)
    return found


def _scores(paths: RoundPaths, benchmark: str) -> list[Score]:
    path = paths.predictions / benchmark / "scores.jsonl"
    return list(read_records(path, Score)) if path.exists() else []


def _prompts(paths: RoundPaths, benchmark: str) -> dict[str, str]:
    path = paths.predictions / benchmark / "predictions.jsonl"
    if not path.exists():
        return {}
    return {own.item_id: own.prompt for own in read_records(path, Prediction)}


def digest_scores(paths: RoundPaths) -> str:
    """sha256 over the scores of all benchmarks of a round."""
    return sha256_files(paths.predictions.rglob("scores.jsonl"), paths.predictions)
