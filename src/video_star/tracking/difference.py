"""What changed between two rounds: samples that newly pass or fail, items newly right or wrong.

Samples are read as they stand in the files, so memory does not grow with their number; examples are
drawn by a hash, evenly over the label kinds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from heapq import nsmallest
from typing import Any, TypeAlias

from video_star.core.context import StepContext
from video_star.core.errors import DataError
from video_star.core.hashing import stable_hash
from video_star.core.jsonl import has_field, read_record, read_records
from video_star.core.paths import RoundPaths
from video_star.core.records import Prediction, Score, StepReport, Verdict, VideoSample
from video_star.data.by_sample import BySample
from video_star.data.manifest import samples_of
from video_star.evaluation.benchmarks import open_benchmark
from video_star.evaluation.comparisons import Side, bootstrap_of, differences, same_items
from video_star.evaluation.metrics import RoundMetrics
from video_star.tracking.life import lived
from video_star.tracking.lives import (
    PASSING,
    Difference,
    ItemChange,
    KindChange,
    MetricChange,
    Moved,
    SampleChanges,
    Standing,
    standing_of,
)

Rounds: TypeAlias = tuple[RoundPaths, RoundPaths]
"""The one before, the one after."""


def difference(context: StepContext, before: str, after: str, examples: int) -> Difference:
    """What changed from one round to another, with so many examples of each change.

    DataError when neither the samples nor the scores of both rounds are there.
    """
    rounds = context.workspace.round(before), context.workspace.round(after)
    judged = all(paths.rationale_verdicts.is_dir() for paths in rounds)
    scored = all(paths.metrics.is_file() for paths in rounds)
    if not judged and not scored:
        lacking = next(paths for paths in rounds if not paths.metrics.is_file())
        raise DataError(
            f"{lacking.folder} has no scores yet, and rounds are compared that both have scores or "
            f"verdicts of all answers; run `video-star evaluate {lacking.name}`."
        )
    metrics: list[MetricChange] = []
    right: list[ItemChange] = []
    wrong: list[ItemChange] = []
    for name, raw in context.params.evaluate.benchmarks.items() if scored else ():
        exam = _Exam(context, rounds, name, raw)
        metrics += exam.metrics()
        right += exam.examples(1, examples)
        wrong += exam.examples(-1, examples)
    return Difference(
        before=before,
        after=after,
        samples=_samples(context, rounds, examples) if judged else None,
        metrics=tuple(metrics),
        newly_right=tuple(right),
        newly_wrong=tuple(wrong),
    )


class _Standings:
    """How each sample stands in a round, in the order of the manifest."""

    def __init__(self, paths: RoundPaths) -> None:
        self._direct = BySample(paths.verdicts, Verdict)
        self._rationalized = BySample(paths.rationale_verdicts, Verdict)

    def of(self, sample_id: str) -> Standing:
        return standing_of(self._direct.of(sample_id), self._rationalized.of(sample_id))


class _Drawn:
    """A few samples of each kind, drawn by a hash."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._kept: dict[str, list[tuple[int, str, VideoSample]]] = defaultdict(list)

    def add(self, sample: VideoSample) -> None:
        kept = self._kept[sample.labels[0].kind]
        kept.append((stable_hash("difference", sample.id), sample.id, sample))
        kept.sort()
        del kept[self._wanted :]

    def drawn(self) -> list[VideoSample]:
        """The first of each kind, then the second, until there are enough."""
        turns = [
            (place, kind, sample)
            for kind, kept in self._kept.items()
            for place, (*_, sample) in enumerate(kept)
        ]
        turns.sort(key=lambda turn: turn[:2])
        return [sample for *_, sample in turns[: self._wanted]]


def _samples(context: StepContext, rounds: Rounds, examples: int) -> SampleChanges:
    first, second = map(_Standings, rounds)
    samples: Counter[str] = Counter()
    passing: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    gained: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    pairs: Counter[tuple[Standing, Standing]] = Counter()
    new, gone = _Drawn(examples), _Drawn(examples)
    for sample in samples_of(context.workspace):
        pair = first.of(sample.id), second.of(sample.id)
        if sample.split != "train":
            continue
        was, now = (standing in PASSING for standing in pair)
        kinds = {"", *(label.kind for label in sample.labels)}
        pairs[pair] += 1
        samples.update(kinds)
        passing[0].update(kinds if was else ())
        passing[1].update(kinds if now else ())
        if now and not was:
            gained.update(kinds)
            new.add(sample)
        elif was and not now:
            lost.update(kinds)
            gone.add(sample)
    standings: dict[Standing, dict[Standing, int]] = defaultdict(dict)
    for (was_so, is_so), n in sorted(pairs.items()):
        standings[was_so][is_so] = n
    before, after = rounds
    return SampleChanges(
        kinds=tuple(
            KindChange(
                kind=kind,
                samples=samples[kind],
                passing=(passing[0][kind], passing[1][kind]),
                newly_passing=gained[kind],
                newly_failing=lost[kind],
            )
            for kind in sorted(samples)
        ),
        standings=dict(standings),
        learned_from=(_learned_from(before), _learned_from(after)),
        newly_passing=tuple(_moved(context, rounds, sample) for sample in new.drawn()),
        newly_failing=tuple(_moved(context, rounds, sample) for sample in gone.drawn()),
    )


def _learned_from(paths: RoundPaths) -> int | None:
    report = paths.report("curate")
    return int(read_record(report, StepReport).metrics["kept"]) if report.is_file() else None


def _moved(context: StepContext, rounds: Rounds, sample: VideoSample) -> Moved:
    before, after = (lived(context, paths.name, sample) for paths in rounds)
    return Moved(sample=sample, before=before, after=after)


class _Exam:
    """One benchmark in both rounds."""

    def __init__(
        self, context: StepContext, rounds: Rounds, name: str, raw: Mapping[str, Any]
    ) -> None:
        self._context, self._rounds, self._name = context, rounds, name
        self._benchmark = open_benchmark(name, raw, context.workspace.root)
        self._sides = Side.of(rounds[0], name), Side.of(rounds[1], name)
        shared = same_items(*self._sides)
        before, after = (
            {
                (score.item_id, score.metric): score
                for score in side.scores
                if score.item_id in shared and score.value is not None
            }
            for side in self._sides
        )
        self._pairs = {key: (old, after[key]) for key, old in before.items() if key in after}

    def metrics(self) -> Iterator[MetricChange]:
        """Each metric that one of the rounds has."""
        before, after = (read_record(paths.metrics, RoundMetrics).metrics for paths in self._rounds)
        found = dict(differences(self._benchmark, *self._sides, bootstrap_of(self._context.params)))
        turned = Counter((metric, _sign(pair)) for (_, metric), pair in self._pairs.items())
        for key in sorted(before.keys() | after.keys()):
            benchmark, _, metric = key.partition("/")
            if benchmark == self._name:
                yield MetricChange(
                    benchmark=benchmark,
                    metric=metric,
                    before=before.get(key),
                    after=after.get(key),
                    difference=found.get(metric),
                    items=sum(turned[metric, sign] for sign in (1, 0, -1)),
                    newly_right=turned[metric, 1],
                    newly_wrong=turned[metric, -1],
                )

    def examples(self, sign: int, wanted: int) -> Iterator[ItemChange]:
        """Some items whose scores rose (1) or fell (-1)."""
        changed = [key for key, pair in self._pairs.items() if _sign(pair) == sign]
        chosen = nsmallest(wanted, changed, key=lambda key: (stable_hash("difference", *key), key))
        ids = {item: has_field("item_id", item) for item, _ in chosen}
        if not ids:
            return
        before, after = (
            {
                own.item_id: own
                for own in read_records(
                    paths.predictions / self._name / "predictions.jsonl", Prediction, *ids.values()
                )
                if own.item_id in ids
            }
            for paths in self._rounds
        )
        for item, metric in chosen:
            if item in before and item in after:
                yield ItemChange(
                    benchmark=self._name,
                    item_id=item,
                    metric=metric,
                    prompt=after[item].prompt,
                    texts=(before[item].text, after[item].text),
                    scores=self._pairs[item, metric],
                )


def _sign(pair: tuple[Score, Score]) -> int:
    """1 where the score rose, -1 where it fell."""
    old, new = (score.value or 0.0 for score in pair)
    return (new > old) - (new < old)
