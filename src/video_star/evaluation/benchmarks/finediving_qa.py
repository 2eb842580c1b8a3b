"""FineDiving-QA, re-built: the score and the steps of held-out dives, measured as numbers.

Items are the manifest's test samples of a data set, as the reader `finediving` makes them with the
question types `score`, `assessment` and `sequence`; the question is the sample's own, as
generation asks it where `prompts.final_line` is on, else bare. A sample with
a score label named "score" is an item of the score, one with a sequence label an item of the steps;
an assessment is both, asked once.

- `spearman`: Spearman's rank correlation of the scores that the answers give with the true ones.
- `r_l2`: mean of ((predicted - true) / (greatest - least true score of all items))^2, less is
  better. Papers often print it times 100.
- `unparsable`: share of the answers that give no score.
- `score_accuracy`: share of the answers whose score is within the tolerance of the score verifier.
- `sequence_accuracy`: share of the answers with all steps in order, by its verifier.

The first two are the metrics of FineDiving's own evaluation (action quality assessment), over the
answers that give a score: their n says how many, and `unparsable` must be read beside them. The
score of an answer is the number that the score rule reads; an answer that leaves open which of
several it is gives none. Where all given scores,
or all true ones, are equal there is no correlation: the metric is left out and named as undefined.
The greatest and least true score are those of all items, so they depend on no answer.

Split, scores and steps are FineDiving's official ones. Questions are ours: FineDiving-QA of the
paper of Video-STaR was never released, and a GPT model judged its answers by yes or no, so nothing
here compares with the paper's table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from video_star.core import prompts
from video_star.core.context import StepContext
from video_star.core.labels import ScoreLabel, SequenceLabel
from video_star.core.paths import Workspace
from video_star.core.records import Score, VideoSample
from video_star.evaluation.benchmarks.base import (
    Benchmark,
    Item,
    Measure,
    measure,
    plain_measures,
)
from video_star.evaluation.benchmarks.held_out import OfDataset, Verified, held_out, item_of
from video_star.verification import Case, case_of, known_of, scores_given, verify

NAME = "score"
"""Of the score label that counts; a dive's difficulty is a score label too."""
NO_SCORE, ALL_EQUAL = "no answer gives a score", "all true scores are equal"


@dataclass(frozen=True)
class Gold(Verified):
    """Scored by the verifier of one of the sample's labels."""

    label: ScoreLabel | SequenceLabel


class FineDivingQA(Benchmark[Gold]):
    """The benchmark `finediving_qa`."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.params = OfDataset.model_validate(raw)

    def items(self, context: StepContext) -> list[Item[Gold]]:
        """Items of the score and of the steps, by sample id; DataError when there is none."""
        samples = held_out(
            context,
            self.params.dataset,
            "finediving_qa",
            "a sequence label or a score label named score",
            lambda sample: any(True for _ in _asked(sample)),
        )
        params, line = context.params.verify, context.params.prompts.final_line
        known = known_of((), params, context.workspace.root)
        made = []
        for sample in samples:
            for label in _asked(sample):
                gold = Gold(case_of(sample, ""), params, known, label)
                made.append(_item(sample, gold, context.workspace, line))
        return made

    def score(self, item: Item[Gold], text: str) -> Score:
        """1 or 0 by the label's verifier, with the score that the answer gives, if it gives one."""
        gold = item.gold
        case = gold.case_with(text)
        verdict = verify(gold.label, case, gold.verify, gold.known)
        given = given_score(gold.label, case) if isinstance(gold.label, ScoreLabel) else None
        return item.scored(float(verdict.passed), verdict.reason, given)

    def measures(self, scores: Sequence[Score]) -> list[Measure]:
        """Both accuracies, and of the scores what is parsed and how it agrees with the truth."""
        made = plain_measures(scores)
        truths = [score.truth for score in scores if score.truth is not None]
        answered = [s for s in scores if s.truth is not None and s.value is not None]
        if not answered:
            return made
        given = [
            (score, score.predicted, score.truth)
            for score in answered
            if score.predicted is not None and score.truth is not None
        ]
        missing = "" if given else NO_SCORE
        rho = measure("spearman", [(score, number) for score, number, _ in given])
        made += [
            measure("unparsable", [(score, float(score.predicted is None)) for score in answered]),
            replace(rho, statistic="spearman", missing=missing),
        ]
        width = max(truths) - min(truths)
        if not width:
            return [*made, Measure("r_l2", (), {}, missing=missing or ALL_EQUAL)]
        errors = [(score, ((number - true) / width) ** 2) for score, number, true in given]
        return [*made, replace(measure("r_l2", errors), bounds=(0.0, inf), missing=missing)]


def given_score(label: ScoreLabel, case: Case) -> float | None:
    """The one number that an answer gives as this score; None where it gives none or several."""
    values = scores_given(label, case)
    return values.pop() if len(values) == 1 else None


def _asked(sample: VideoSample) -> Iterator[ScoreLabel | SequenceLabel]:
    """The first score and the first sequence among the labels, in their order."""
    seen = set()
    for label in sample.labels:
        if isinstance(label, SequenceLabel) or (
            isinstance(label, ScoreLabel) and label.name == NAME
        ):
            if label.kind not in seen:
                yield label
            seen.add(label.kind)


def _item(sample: VideoSample, gold: Gold, workspace: Workspace, line: bool) -> Item[Gold]:
    label, request = gold.label, prompts.line_request(sample.labels, line)
    return item_of(
        sample,
        workspace,
        form=label.kind,
        prompt=prompts.held_out(sample.question, request),
        metric=f"{label.kind}_accuracy",
        slices=(f"question={sample.question_template.partition('/')[0]}",),
        gold=gold,
        truth=label.value if isinstance(label, ScoreLabel) else None,
    )
