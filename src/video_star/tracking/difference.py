"""What changed between two rounds: samples that newly pass or fail, items newly right or wrong.

Samples are read as they stand in the files, so memory does not grow with their number; examples are
drawn by a hash, evenly over the label kinds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from heapq import nsmallest
from itertools import zip_longest
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


class _Drawn:
    """A few samples of each kind, drawn by a hash."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._kept: dict[str, list[VideoSample]] = defaultdict(list)

    def add(self, sample: VideoSample) -> None:
        kind = sample.labels[0].kind
        first = nsmallest(self._wanted, [*self._kept[kind], sample], key=_drawn_by)
        self._kept[kind] = first

    def drawn(self) -> list[VideoSample]:
        """The first of each kind, then the second, until there are enough."""
        turns = zip_longest(*(self._kept[kind] for kind in sorted(self._kept)))
        return [sample for turn in turns for sample in turn if sample is not None][: self._wanted]


def _drawn_by(sample: VideoSample) -> tuple[int, str]:
    return stable_hash("difference", sample.id), sample.id


def _samples(context: StepContext, rounds: Rounds, examples: int) -> SampleChanges:
    verdicts = [
        (BySample(paths.verdicts, Verdict), BySample(paths.rationale_verdicts, Verdict))
        for paths in rounds
    ]
    standings: defaultdict[Standing, Counter[Standing]] = defaultdict(Counter)
    passing: Counter[tuple[str, bool, bool]] = Counter()
    """Samples by label kind (all under "") and whether they pass before and after."""
    moved = {(False, True): _Drawn(examples), (True, False): _Drawn(examples)}
    for sample in samples_of(context.workspace):
        before, after = (standing_of(a.of(sample.id), b.of(sample.id)) for a, b in verdicts)
        if sample.split != "train":
            continue
        standings[before][after] += 1
        turn = before in PASSING, after in PASSING
        passing.update((kind, *turn) for kind in {"", *(label.kind for label in sample.labels)})
        if turn in moved:
            moved[turn].add(sample)
    gained, lost = (
        tuple(_moved(context, rounds, sample) for sample in own.drawn()) for own in moved.values()
    )
    return SampleChanges(
        kinds=tuple(_kind(kind, passing) for kind in sorted({kind for kind, *_ in passing})),
        standings={was: dict(sorted(own.items())) for was, own in sorted(standings.items())},
        learned_from=(_learned_from(rounds[0]), _learned_from(rounds[1])),
        newly_passing=gained,
        newly_failing=lost,
    )


def _kind(kind: str, passing: Counter[tuple[str, bool, bool]]) -> KindChange:
    both, neither = passing[kind, True, True], passing[kind, False, False]
    gained, lost = passing[kind, False, True], passing[kind, True, False]
    return KindChange(
        kind=kind,
        samples=both + gained + lost + neither,
        passing=(both + lost, both + gained),
        newly_passing=gained,
        newly_failing=lost,
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
