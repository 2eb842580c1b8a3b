"""STAR-QA: the multiple-choice questions of STAR, scored as the STAR benchmark scores them.

Items are the manifest's test samples of a data set that have a choice label, as the reader `star`
makes them of STAR_val.json with the question type `choice`; the answers to STAR's own test file are
not public. Right when the choice verifier finds that the right option alone is chosen.

- `accuracy`: over all questions; its slices are the four question types.
- `mean_of_types`: the unweighted mean of the accuracies of the question types there are. EvalAI's
  STAR challenge sorts its board by a column named "Mean"; that it is this mean is our reading of
  the name.

Comparable with multiple-choice accuracies that others report on the same file. Not comparable with
STAR-bench-QA in the paper of Video-STaR: there STAR's questions were asked openly, without options,
and a GPT model judged the answers by yes or no; those test files were never released.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from video_star.core import prompts
from video_star.core.context import StepContext
from video_star.core.errors import DataError
from video_star.core.labels import ChoiceLabel
from video_star.core.records import Score, VideoSample
from video_star.evaluation.benchmarks.base import (
    Benchmark,
    Item,
    Measure,
    overall,
    plain_measures,
    values_of,
)
from video_star.evaluation.benchmarks.held_out import OfDataset, Verified, held_out, item_of
from video_star.verification import case_of, known_of

TYPES = ("Interaction", "Sequence", "Prediction", "Feasibility")
"""Question types: the first part of STAR's question ids."""


class StarQA(Benchmark[Verified]):
    """The benchmark `star_qa`."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.params = OfDataset.model_validate(raw)

    def items(self, context: StepContext) -> list[Item[Verified]]:
        """An item for each test sample with a choice label, by sample id.

        DataError when there is none, or when an id has no question type.
        """
        samples = held_out(
            context, self.params.dataset, "star_qa", "a choice label", _has_choice_alone
        )
        verify = context.params.verify
        known = known_of((), verify, context.workspace.root)
        return [
            item_of(
                sample,
                context.workspace,
                form="",
                prompt=f"{sample.question}\n{prompts.BEST_OPTION}",
                metric="accuracy",
                slices=(f"type={question_type(sample)}",),
                gold=Verified(case_of(sample, ""), verify, known),
            )
            for sample in samples
        ]

    def score(self, item: Item[Verified], text: str) -> Score:
        """1 or 0; an answer that chooses nothing, or several options, is wrong."""
        judgement = item.gold.judgement(text)
        return item.scored(float(judgement.passed), judgement.reason)

    def measures(self, scores: Sequence[Score]) -> list[Measure]:
        """Accuracy over all questions, by type, and the mean over the types."""
        mean = overall("mean_of_types", values_of(scores), "type")
        return [*plain_measures(scores), *mean]


def question_type(sample: VideoSample) -> str:
    """The question type in a sample id such as "star/Interaction_T1_13/choice"; DataError."""
    name = sample.id.removeprefix(f"{sample.dataset}/").partition("_")[0]
    if name not in TYPES:
        raise DataError(
            f"rounds/manifest.jsonl: sample {sample.id} tells no question type of STAR "
            f"({', '.join(TYPES)}) as the start of its id, which benchmark star_qa needs; read the "
            "data set with the reader `star`, or keep STAR's question ids."
        )
    return name


def _has_choice_alone(sample: VideoSample) -> bool:
    return all(isinstance(label, ChoiceLabel) for label in sample.labels)
