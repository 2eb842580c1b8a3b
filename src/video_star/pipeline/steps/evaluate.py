"""Step `evaluate`: the round's model answers the items of every benchmark, which are then scored.

Reads model/model.json, data/ and the manifest. Writes predictions/<benchmark>/predictions.jsonl and
scores.jsonl (and the benchmark's own layout, if it has one), and metrics.json.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from video_star.core.context import StepContext, StepResult
from video_star.core.engine import Outcome, Reply, Request, Sampling, Unusable
from video_star.core.errors import DataError
from video_star.core.jsonl import dump_json, write_records, write_text
from video_star.core.model_paths import read_ref
from video_star.core.records import Failure, MetricValue, Prediction, Score, StepReport
from video_star.core.urls import engine_shown
from video_star.evaluation.benchmarks import open_benchmark
from video_star.evaluation.benchmarks.base import Benchmark, Item, Measure, ScoresTogether
from video_star.evaluation.comparisons import (
    bootstrap_of,
    compare,
    digest_scores,
    refuse_unmeasured,
)
from video_star.evaluation.metrics import Bootstrap, RoundMetrics, Undefined, summarise
from video_star.pipeline.asking import SHARD, ask_all
from video_star.pipeline.executor import cut
from video_star.video.cache import open_frames

Replies = Mapping[str, Outcome]


@dataclass(frozen=True)
class Exam:
    """One benchmark with its items."""

    name: str
    benchmark: Benchmark[Any]
    items: Sequence[Item[Any]]

    def key(self, item: Item[Any]) -> str:
        """The request key of an item, unique over all benchmarks."""
        return f"{self.name}/{item.id}"


@dataclass(frozen=True)
class Scored:
    """The result of one benchmark."""

    scores: Sequence[Score]
    failures: Sequence[Failure]
    measures: Sequence[Measure]


def run_evaluate(context: StepContext) -> StepResult:
    """Measure this round's model; DataError when a benchmark has no item or nothing is scored."""
    refuse_unmeasured(context)
    exams = list(_open_exams(context))
    replies = _ask(context, exams)
    results = {exam.name: _score(context, exam, replies) for exam in exams}
    failures = tuple(failure for done in results.values() for failure in done.failures)
    metrics = _summarise(context, results)
    clips = [item.clip for exam in exams for item in exam.items]
    notes = open_frames(context.workspace, context.params).notes(clips, context.workspace.data)
    report = _report(context, results, metrics).model_copy(update={"notes": notes})
    context.refuse_failures(report, failures)
    # metrics.json never outlives the scores that it sums up.
    context.paths.metrics.unlink(missing_ok=True)
    shutil.rmtree(context.paths.predictions, ignore_errors=True)
    for exam in exams:
        folder = context.paths.predictions / exam.name
        _write(folder, exam, replies, results[exam.name])
    scored = {exam.name: (exam.benchmark, results[exam.name].scores) for exam in exams}
    metrics = metrics.model_copy(
        update={
            "comparisons": compare(context, scored, bootstrap_of(context.params)),
            "scores_sha256": digest_scores(context.paths),
        }
    )
    write_text(context.paths.metrics, dump_json(metrics.model_dump(mode="json")))
    return StepResult(report, failures)


def _open_exams(context: StepContext) -> Iterator[Exam]:
    """All benchmarks are opened and read before any model is loaded."""
    for name, raw in context.params.evaluate.benchmarks.items():
        benchmark = open_benchmark(name, raw, context.workspace.root)
        items = benchmark.items(context)
        if not items:
            raise DataError(
                f"Benchmark {name} has no item to ask about; give it held-out videos or remove it "
                "from evaluate.benchmarks in params.yaml."
            )
        yield Exam(name, benchmark, items)


def _ask(context: StepContext, exams: Sequence[Exam]) -> Replies:
    """The reply to every item, greedy; benchmarks are asked together, so that they share clips."""
    ref = read_ref(context.paths.model_json, context.workspace.root)
    sampling = Sampling(
        temperature=0.0, top_p=1.0, max_new_tokens=context.params.evaluate.max_new_tokens
    )
    requests = [
        Request(exam.key(item), item.clip, item.prompt, sampling, seed=0)
        for exam in exams
        for item in exam.items
    ]
    requests.sort(key=lambda request: str(request.clip))
    outcome_of = ask_all(context, "evaluate", ref, cut(requests, SHARD), len(requests))
    return {request.key: outcome_of(request) for request in requests}


def _score(context: StepContext, exam: Exam, replies: Replies) -> Scored:
    """Scores of all items in order; items without an answer are failures without a score."""
    texts = _texts(exam, replies)
    by_item = _scores(context, exam, texts)
    scores: list[Score] = []
    failures: list[Failure] = []
    for item in exam.items:
        reply = replies[exam.key(item)]
        if isinstance(reply, Unusable):
            scores.append(item.scored(None, reply.error))
            failures.append(reply.failure("evaluate", exam.key(item)))
        else:
            scores += by_item[item.id]
    return Scored(scores, failures, exam.benchmark.measures(scores))


def _scores(context: StepContext, exam: Exam, texts: Mapping[str, str]) -> dict[str, list[Score]]:
    """The scores of each answered item: all at once if the benchmark can, else one by one."""
    answered = [item for item in exam.items if item.id in texts]
    if isinstance(exam.benchmark, ScoresTogether):
        scores = exam.benchmark.score_all(context, answered, texts)
    else:
        scores = [exam.benchmark.score(item, texts[item.id]) for item in answered]
    by_item: dict[str, list[Score]] = {item.id: [] for item in answered}
    for score in scores:
        by_item[score.item_id].append(score)
    return by_item


def _texts(exam: Exam, replies: Replies) -> dict[str, str]:
    """The answers by item id; items whose video cannot be used have none."""
    return {
        item.id: reply.text
        for item in exam.items
        if isinstance(reply := replies[exam.key(item)], Reply)
    }


def _write(folder: Path, exam: Exam, replies: Replies, scored: Scored) -> None:
    texts = _texts(exam, replies)
    write_records(
        folder / "predictions.jsonl",
        (
            Prediction(item_id=item.id, prompt=item.prompt, text=texts[item.id])
            for item in exam.items
            if item.id in texts
        ),
    )
    write_records(folder / "scores.jsonl", scored.scores)
    exam.benchmark.write_predictions(folder, exam.items, texts)


def _summarise(context: StepContext, results: Mapping[str, Scored]) -> RoundMetrics:
    """Means with intervals of everything that was measured."""
    bootstrap = bootstrap_of(context.params)
    metrics: dict[str, MetricValue] = {}
    slices: dict[str, dict[str, MetricValue]] = {}
    undefined: dict[str, str] = {}
    for name, done in results.items():
        for measure in done.measures:
            key = f"{name}/{measure.name}"
            whole, parts = _numbers(measure, bootstrap)
            if isinstance(whole, Undefined):
                undefined[key] = measure.missing or whole.reason
                context.progress.note(f"{key} has no value: {undefined[key]}.")
                continue
            metrics[key] = whole
            if parts:
                slices[key] = parts
    if not metrics:
        reasons = Counter(score.reason for done in results.values() for score in done.scores)
        raise DataError(
            f"evaluate {context.round}: not one answer could be scored (most often: "
            f"{reasons.most_common(1)[0][0]}); look at the videos of the benchmarks."
        )
    return RoundMetrics(round=context.round, metrics=metrics, slices=slices, undefined=undefined)


def _numbers(
    measure: Measure, bootstrap: Bootstrap
) -> tuple[MetricValue | Undefined, dict[str, MetricValue]]:
    """The number of a measure, and those of its slices that have one."""
    whole, *parts = (
        summarise(points, bootstrap, measure.statistic, measure.bounds)
        for points in (measure.points, *measure.slices.values())
    )
    pairs = zip(measure.slices, parts, strict=True)
    return whole, {name: part for name, part in pairs if isinstance(part, MetricValue)}


def _report(
    context: StepContext, results: Mapping[str, Scored], metrics: RoundMetrics
) -> StepReport:
    scores = [score for done in results.values() for score in done.scores]
    failed = sum(len(done.failures) for done in results.values())
    unscored = Counter(score.reason for score in scores if score.value is None)
    return StepReport(
        step="evaluate",
        round=context.round,
        read=len(scores),
        written=sum(score.value is not None for score in scores),
        rejected=sum(unscored.values()) - failed,
        failed=failed,
        reasons=dict(sorted(unscored.items())),
        metrics={name: value.value for name, value in metrics.metrics.items()},
        engine=engine_shown(context.params.settings.engine),
    )
