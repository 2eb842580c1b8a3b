"""Steps `verify` and `verify-rationales`: judge stored answers against the labels.

No model is asked but for a judge (verify.doubtful: judge).
`verify` reads rounds/rK/answers and writes verdicts/direct; `verify-rationales` reads rationales
and writes verdicts/rationalized, and stops a round in which a label kind yields nothing. Both can
run again alone after a change of thresholds or verifiers.

Answers stream through, so memory does not grow with their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np

from video_star.core.context import StepContext, StepResult
from video_star.core.errors import DataError, ZeroYield
from video_star.core.jsonl import read_shards, write_shards
from video_star.core.labels import KINDS
from video_star.core.records import Answer, Outcome, StepReport, Verdict, VideoSample
from video_star.data.sample_index import SampleIndex
from video_star.pipeline.steps.zero_yield import zero_yield
from video_star.verification import Known, judge_answers, known_of_samples
from video_star.verification.judge import open_judge

CHUNK = 512
"""Answers that are judged together: their sentences share batches, their judge is asked at once."""


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
    """Reasons of the verdicts, and which samples were asked and passed: two bytes per sample."""

    def __init__(self, index: SampleIndex) -> None:
        self.index = index
        self.reasons: Counter[str] = Counter()
        self.outcomes: Counter[tuple[str, Outcome]] = Counter()
        """Of single labels, by kind."""
        self.lines = 0
        self.asked = np.zeros(len(index), bool)
        self.passed = np.zeros(len(index), bool)

    def add(self, number: int, verdict: Verdict) -> None:
        """Count one verdict of a sample."""
        self.reasons[verdict.reason] += 1
        self.outcomes.update((label.kind, label.outcome) for label in verdict.labels)
        self.lines += verdict.has_line
        self.asked[number] = True
        self.passed[number] |= verdict.passed

    def metrics(self) -> dict[str, float]:
        """The yields, the share of answers with a final line, and the outcomes of labels by kind
        ("doubtful/span": 12)."""
        answers = sum(self.reasons.values())
        counts = {f"{outcome}/{kind}": n for (kind, outcome), n in sorted(self.outcomes.items())}
        lines = {"line_share": self.lines / answers} if answers else {}
        return {**self.yields(), **lines, **counts}

    def yields(self) -> dict[str, float]:
        """Share of asked samples with a passing answer: of all, and of those with each kind."""
        everything = np.ones(len(self.index), bool)
        groups = {"yield": everything}
        for bit, kind in enumerate(KINDS):
            groups[f"yield/{kind}"] = (self.index.kinds >> bit & 1).astype(bool)
        shares = {}
        for name, group in groups.items():
            asked = int((self.asked & group).sum())
            if asked or name == "yield":
                shares[name] = int((self.passed & group).sum()) / max(asked, 1)
        return shares


def _verify(
    context: StepContext, step: str, answers: Path, verdicts: Path, may_be_empty: bool
) -> StepResult:
    params, settings = context.params.verify, context.params.settings
    with closing(SampleIndex(context.workspace.manifest)) as index:
        known = known_of_samples(
            index.scan(),
            params,
            context.workspace.root,
            settings.device,
            open_judge(context.params, context.workspace, context.progress),
        )
        tally = _Tally(index)
        total = _count_lines(answers)
        if not may_be_empty and not total:
            raise DataError(f"{answers} holds no answer; run the step that writes it.")
        judged = _judged(context, answers, total, known, tally)
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
    context: StepContext, answers: Path, total: int, known: Known, tally: _Tally
) -> Iterator[Verdict]:
    """The verdicts in the order of the answers, counted as they come."""
    done = 0
    for chunk in _chunks(read_shards(answers, Answer)):
        found = [_find(answer, tally.index, answers) for answer in chunk]
        pairs = [(sample, answer) for (_, sample), answer in zip(found, chunk, strict=True)]
        verdicts = judge_answers(pairs, context.params.verify, known)
        for (number, _), verdict in zip(found, verdicts, strict=True):
            tally.add(number, verdict)
            yield verdict
        done += len(chunk)
        context.progress.update(done, total, "answers")


def _chunks(answers: Iterable[Answer]) -> Iterator[list[Answer]]:
    rest = iter(answers)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _find(answer: Answer, index: SampleIndex, folder: Path) -> tuple[int, VideoSample]:
    found = index.find(answer.sample_id)
    if found is None:
        raise DataError(
            f"{folder} answers {answer.sample_id}, which the manifest does not have; "
            "run the step that wrote it again."
        )
    return found


def _count_lines(folder: Path) -> int:
    """Lines of the shards that exist; reading reports those that do not."""
    n = 0
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as file:
            n += sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    return n
