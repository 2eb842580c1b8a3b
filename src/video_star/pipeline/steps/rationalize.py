"""Step `rationalize`: samples without a passing answer are asked again, with the label given.

Reads the manifest, rounds/rK/verdicts/direct and rounds/r(K-1)/model.
Writes rounds/rK/rationales: shards of Answer with origin "rationalized".
"""

from __future__ import annotations

from video_star.core.context import StepContext, StepResult
from video_star.core.jsonl import read_shards, write_shards
from video_star.core.labels import label_text
from video_star.core.prompts import line_request, with_label
from video_star.core.records import Verdict, VideoSample
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
    """Samples that were answered and did not pass; all where none was answered (generate is off).

    The verdicts say which were: a list of failures may be of a later `generate` that failed.
    """
    passed: dict[str, bool] = {}
    for verdict in read_shards(context.paths.verdicts, Verdict):
        passed[verdict.sample_id] = passed.get(verdict.sample_id, False) or verdict.passed
    samples = training_samples(context.workspace)
    return [sample for sample in samples if not passed.get(sample.id, bool(passed))]
