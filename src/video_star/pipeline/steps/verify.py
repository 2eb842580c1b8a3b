"""Steps `verify` and `verify-rationales`: judge stored answers against the labels.

No model is asked but for a judge (verify.doubtful: judge).
`verify` reads rounds/rK/answers and writes verdicts/direct; `verify-rationales` reads rationales
and writes verdicts/rationalized, and stops a round in which a label kind yields nothing. Both can
run again alone after a change of thresholds or verifiers.

Answers stream through in the order of the manifest, so memory does not grow with their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TypeAlias

from video_star.core.context import StepContext, StepResult
from video_star.core.errors import DataError, ZeroYield
from video_star.core.jsonl import write_shards
from video_star.core.labels import KINDS
from video_star.core.records import Answer, Outcome, StepReport, Verdict, VideoSample
from video_star.data.by_sample import BySample
from video_star.data.manifest import samples_of
from video_star.pipeline.executor import Worker, cut, run_shards
from video_star.pipeline.steps.zero_yield import zero_yield
from video_star.verification import judge_answers, known_of_samples
from video_star.verification.judge import open_judge

CHUNK = 512
"""Answers that are judged together: their sentences share batches, their judge is asked at once."""
SHARD = 4 * CHUNK
"""Answers that go to one worker."""
Pair: TypeAlias = tuple[VideoSample, Answer]


def run_verify(context: StepContext) -> StepResult:
    """Judge the direct answers of a round; DataError when generate should have given some."""
    paths, asked = context.paths, context.params.generate.enabled
    return _verify(context, "verify", paths.answers, paths.verdicts, may_be_empty=not asked)


def run_verify_rationales(context: StepContext) -> StepResult:
    """Judge the explanations of a round; ZeroYield when a label kind has no passing answer.

    With zero_yield: continue, that is a note and the round goes on.
    """
    paths = context.paths
    result = _verify(
        *(context, "verify-rationales", paths.rationales, paths.rationale_verdicts),
        may_be_empty=True,  # every sample may have passed before
    )
    # A kind may pass in either step, so this is checked after the second.
    if problem := zero_yield(paths):
        if context.params.zero_yield == "stop":
            raise ZeroYield(
                f"{problem}; change the threshold in `verify`, or set zero_yield to continue."
            )
        context.progress.note(f"{problem}; the round goes on.")
    return result


class _Tally:
    """Counts of the verdicts, and of the samples that were asked and passed, by label kind."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self.outcomes: Counter[tuple[str, Outcome]] = Counter()
        """Of single labels, by kind."""
        self.lines = 0
        self.asked: Counter[str] = Counter()
        """Samples with a label of each kind, and all of them under ""."""
        self.passed: Counter[str] = Counter()

    def add(self, verdicts: Iterable[Verdict]) -> None:
        """Count the verdicts of one sample."""
        groups, passed = {""}, False
        for verdict in verdicts:
            self.reasons[verdict.reason] += 1
            self.outcomes.update((label.kind, label.outcome) for label in verdict.labels)
            self.lines += verdict.has_line
            groups |= {label.kind for label in verdict.labels}
            passed |= verdict.passed
        self.asked.update(groups)
        self.passed.update(groups if passed else ())

    def metrics(self) -> dict[str, float]:
        """The yields, the share of answers with a final line, and the outcomes of labels by kind
        ("doubtful/span": 12)."""
        answers = sum(self.reasons.values())
        counts = {f"{outcome}/{kind}": n for (kind, outcome), n in sorted(self.outcomes.items())}
        lines = {"line_share": self.lines / answers} if answers else {}
        return {**self.yields(), **lines, **counts}

    def yields(self) -> dict[str, float]:
        """Share of asked samples with a passing answer: of all, and of those with each kind."""
        kinds = {f"yield/{kind}": kind for kind in KINDS if self.asked[kind]}
        return {
            name: self.passed[kind] / max(self.asked[kind], 1)
            for name, kind in {"yield": "", **kinds}.items()
        }


def _verify(
    context: StepContext, step: str, answers: Path, verdicts: Path, may_be_empty: bool
) -> StepResult:
    total = _count_lines(answers)
    if not may_be_empty and not total:
        raise DataError(f"{answers} holds no answer; run the step that writes it.")
    tally = _Tally()
    judged = _judged(context, step, answers, total, tally)
    written = write_shards(verdicts, judged, lambda verdict: verdict.sample_id)
    metrics = tally.metrics()
    matches = tally.reasons.pop("match", 0)
    report = StepReport(
        step=step,
        round=context.round,
        read=written,
        written=written,
        rejected=written - matches,
        reasons=dict(sorted(tally.reasons.items())),
        metrics=metrics,
    )
    return StepResult(report)


def _judged(
    context: StepContext, step: str, answers: Path, total: int, tally: _Tally
) -> Iterator[Verdict]:
    """The verdicts in the order of the samples, counted as they come."""
    shards = cut(_pairs(context, answers), SHARD)
    verdicts = run_shards(context, f"{step}-{context.round}", open_judging, shards)
    done = 0
    for _, group in groupby(verdicts, attrgetter("sample_id")):
        found = list(group)
        tally.add(found)
        yield from found
        done += len(found)
        if done % CHUNK < len(found) or done == total:
            context.progress.update(done, total, "answers")


def open_judging(context: StepContext) -> Worker[list[Pair], Verdict]:
    """A worker that judges answers; it reads once what rules need to know of all samples."""
    params = context.params.verify
    known = known_of_samples(
        samples_of(context.workspace),
        params,
        context.workspace.root,
        context.params.settings.device,
        open_judge(context.params, context.workspace, context.progress),
    )

    def judge(pairs: list[Pair]) -> Iterator[Verdict]:
        for chunk in cut(pairs, CHUNK):
            yield from judge_answers(chunk, params, known)

    return judge


def _pairs(context: StepContext, answers: Path) -> Iterator[Pair]:
    """Every answer with its sample, in the order of the manifest."""
    by_sample = BySample(answers, Answer)
    for sample in samples_of(context.workspace):
        for answer in by_sample.of(sample.id):
            yield sample, answer
    by_sample.finish()


def _count_lines(folder: Path) -> int:
    """Lines of the shards that exist; reading reports those that do not."""
    n = 0
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as file:
            n += sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    return n
