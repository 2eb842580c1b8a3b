"""Step `rationalize`: samples without a passing answer are asked again, with the label given.

Reads the manifest, rounds/rK/verdicts/direct, the failures of generate and rounds/r(K-1)/model.
Writes rounds/rK/rationales: shards of Answer with origin "rationalized".
"""

from __future__ import annotations

from video_star.core.context import StepContext, StepResult
from video_star.core.jsonl import read_records, read_shards, write_shards
from video_star.core.labels import label_text
from video_star.core.prompts import line_request, with_label
from video_star.core.records import Failure, Verdict, VideoSample
from video_star.data.manifest import training_samples
from video_star.pipeline.steps.generate import (
    Questions,
    ask_questions,
    build_report,
)


def run_rationalize(context: StepContext) -> StepResult:
    """Ask for an explanation of the label of each sample without a passing direct answer."""
    sampling = context.params.rationalize
    samples = _unsolved(context) if sampling.enabled else []
    line = context.params.prompts.final_line
    questions = Questions(
        *("rationalize", "rationalized", sampling, samples),
        lambda sample: with_label(
            sample.question, label_text(sample.labels), line_request(sample.labels, line)
        ),
    )
    answers, failures = ask_questions(context, questions)
    report = build_report(context, questions, answers, failures)
    context.refuse_failures(report, failures)
    write_shards(context.paths.rationales, answers, lambda answer: answer.sample_id)
    return StepResult(report, tuple(failures))


def _unsolved(context: StepContext) -> list[VideoSample]:
    """Samples without a passing verdict, except those whose video generate could not use."""
    verdicts = read_shards(context.paths.verdicts, Verdict)
    solved = {verdict.sample_id for verdict in verdicts if verdict.passed}
    failed: set[str] = set()
    noted = context.paths.failures("generate")
    if noted.is_file():
        failed = {failure.sample_id for failure in read_records(noted, Failure)}
    return [s for s in training_samples(context.workspace) if s.id not in solved | failed]
