"""Steps `verify` and `verify-rationales`: judge stored answers against the labels; no model.

`verify` reads rounds/rK/answers and writes verdicts/direct; `verify-rationales` reads rationales
and writes verdicts/rationalized, and stops a round in which a label kind yields nothing. Both can
run again alone after a change of thresholds or verifiers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from video_star.context import StepContext
from video_star.domain import Answer, StepReport, Verdict, VideoSample
from video_star.errors import DataError, ZeroYield
from video_star.manifest import read_manifest
from video_star.records import read_shards, write_shards
from video_star.runner import StepResult
from video_star.verifiers import Known, judge_answer

EXAMPLES = 3
"""How many answers a zero-yield error shows."""


def run_verify(context: StepContext) -> StepResult:
    """Judge the direct answers of a round."""
    return _verify(context, "verify", context.paths.answers, context.paths.verdicts)


def run_verify_rationales(context: StepContext) -> StepResult:
    """Judge the explanations of a round; ZeroYield when a label kind has no passing answer."""
    paths = context.paths
    result = _verify(context, "verify-rationales", paths.rationales, paths.rationale_verdicts)
    if context.params.verify.zero_yield == "stop":
        _refuse_zero_yield(context)
    return result


def _verify(context: StepContext, step: str, answers: Path, verdicts: Path) -> StepResult:
    everything = read_manifest(context.workspace)
    samples = {sample.id: sample for sample in everything}
    counts: Counter[str] = Counter()
    asked: set[str] = set()
    passed: set[str] = set()

    def judged() -> Iterator[Verdict]:
        known = Known.of(everything, context.params.verify)
        for answer in read_shards(answers, Answer):
            sample = _sample_of(answer, samples, answers)
            verdict = judge_answer(sample, answer, context.params.verify, known)
            counts[verdict.reason] += 1
            asked.add(answer.sample_id)
            if verdict.passed:
                passed.add(answer.sample_id)
            yield verdict

    written = write_shards(verdicts, judged(), lambda verdict: verdict.sample_id)
    matches = counts.pop("match", 0)
    report = StepReport(
        step=step,
        round=context.round,
        read=written,
        written=written,
        rejected=written - matches,
        reasons=dict(sorted(counts.items())),
        metrics={"yield": len(passed) / len(asked) if asked else 0.0},
    )
    return StepResult(report)


def _sample_of(answer: Answer, samples: dict[str, VideoSample], folder: Path) -> VideoSample:
    if answer.sample_id not in samples:
        raise DataError(
            f"{folder} answers {answer.sample_id}, which the manifest does not have; "
            "run the step that wrote it again."
        )
    return samples[answer.sample_id]


def _refuse_zero_yield(context: StepContext) -> None:
    """Both steps together decide, so this looks once rationales are judged."""
    samples = {sample.id: sample for sample in read_manifest(context.workspace, "train")}
    kinds: dict[str, set[str]] = defaultdict(set)
    for sample in samples.values():
        for label in sample.labels:
            kinds[label.kind].add(sample.id)
    passed: set[str] = set()
    rejected: dict[str, Verdict] = {}
    for folder in (context.paths.verdicts, context.paths.rationale_verdicts):
        for verdict in read_shards(folder, Verdict):
            if verdict.passed:
                passed.add(verdict.sample_id)
            else:
                rejected[verdict.sample_id] = verdict
    for kind, ids in sorted(kinds.items()):
        if rejected.keys() & ids and not passed & ids:
            raise ZeroYield(_zero_yield(context, kind, ids, rejected))


def _zero_yield(
    context: StepContext, kind: str, ids: set[str], rejected: dict[str, Verdict]
) -> str:
    shown = [rejected[name] for name in sorted(ids & rejected.keys())][:EXAMPLES]
    texts = {
        (answer.sample_id, answer.origin): answer.text
        for folder in (context.paths.answers, context.paths.rationales)
        for answer in read_shards(folder, Answer)
    }
    examples = "; ".join(
        f"{v.sample_id}: {' '.join(texts[(v.sample_id, v.origin)].split())!r} ({v.reason})"
        for v in shown
    )
    threshold = next(v.threshold for v in shown[0].labels if v.kind == kind)
    return (
        f"No answer of {context.round} passes for labels of kind {kind} (threshold {threshold:g}), "
        f"for instance {examples}; change the threshold in `verify`, or set verify.zero_yield to "
        "continue."
    )
