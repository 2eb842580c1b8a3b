"""Step `rationalize`: samples without a passing answer are asked again, with the label given.

Reads the manifest, rounds/rK/verdicts/direct and rounds/r(K-1)/model.
Writes rounds/rK/rationales: shards of Answer with origin "rationalized".
"""

from __future__ import annotations

from collections.abc import Iterator

from video_star.core.context import StepContext, StepResult
from video_star.core.jsonl import read_shards
from video_star.core.labels import label_text
from video_star.core.prompts import line_request, with_label
from video_star.core.records import Verdict, VideoSample
from video_star.data.by_sample import BySample
from video_star.data.manifest import samples_of, training_samples
from video_star.pipeline.steps.generate import Questions, answer_questions


def run_rationalize(context: StepContext) -> StepResult:
    """Ask for an explanation of the label of each sample without a passing direct answer."""
    sampling = context.params.rationalize
    line = context.params.prompts.final_line
    questions = Questions(
        *("rationalize", "rationalized", sampling),
        lambda: _unsolved(context) if sampling.enabled else (),
        lambda sample: with_label(
            sample.question, label_text(sample.labels), line_request(sample.labels, line)
        ),
    )
    return answer_questions(context, questions, context.paths.rationales)


def _unsolved(context: StepContext) -> Iterator[VideoSample]:
    """Samples that were answered and did not pass; all where none was answered (generate is off).

    The verdicts say which were: a list of failures may be of a later `generate` that failed.
    """
    if next(read_shards(context.paths.verdicts, Verdict), None) is None:
        yield from training_samples(context.workspace)
        return
    verdicts = BySample(context.paths.verdicts, Verdict)
    for sample in samples_of(context.workspace):
        found = verdicts.of(sample.id)
        if found and not any(verdict.passed for verdict in found):
            yield sample
    verdicts.finish()
