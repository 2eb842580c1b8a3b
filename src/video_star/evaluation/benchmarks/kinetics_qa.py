"""Kinetics-QA, re-built: what is the action of a held-out clip, asked openly and with options.

The field has no such questions: those of the paper's Kinetics700-QA were never released. So numbers
compare between rounds and with others on the same manifest and seed, not with the paper.
What makes the items, all of it:

- split: every test sample of the manifest that has a class label;
- question: the sample's own, which ingest drew from its templates by seed and sample id;
- right option: the sample's first class label; options in an order drawn by seed and sample id;
- wrong options: other classes of the data set, none of which is a label of the sample or a synonym
  of one, drawn by seed and sample id: out of the nearest names, twice as many as are needed
  (`distractors: 2`), or out of all (`any`).

The likeness of two names is the share of lemmas that both have (of all lemmas of the two) plus the
cosine of their sentence embeddings, rounded to three digits; equally like ones go by alphabet.
Lemmas bring together what differs in the object ("playing guitar", "tapping guitar"), embeddings
what differs in every word ("yawning", "sleeping").

Metrics:

- `open_accuracy`: the question, as generation asks it where `prompts.final_line` is on, else bare;
  right when the class rule finds the label in the answer, a doubtful answer is wrong;
- `choice_accuracy`: right when exactly the right option is chosen;
- with a judge, `judged_accuracy`, `judged_score` (0..5) and `judged_share` of the open answers, by
  Video-ChatGPT's protocol (video_chatgpt.py), as the paper measures its Kinetics700-QA.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from video_star.core import prompts
from video_star.core.context import StepContext
from video_star.core.errors import UsageError
from video_star.core.hashing import stable_shuffle
from video_star.core.labels import ClassLabel, label_text
from video_star.core.labels.base import Embed
from video_star.core.labels.words import content, lemmas
from video_star.core.records import Score, VideoSample
from video_star.data.manifest import read_manifest
from video_star.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkParams,
    Item,
    Measure,
    plain_measures,
)
from video_star.evaluation.benchmarks.held_out import Verified, item_of
from video_star.evaluation.benchmarks.judging import JudgeParams
from video_star.evaluation.benchmarks.video_chatgpt import PROTOCOL, Answer, judged, with_bounds
from video_star.verification import (
    Judgement,
    case_of,
    judge_all,
    known_of_samples,
    option_chosen,
)
from video_star.verification.embeddings import open_embedder


class KineticsQAParams(BenchmarkParams):
    options: int = Field(ge=2, le=26)
    """Options of the multiple-choice form."""
    distractors: Annotated[int, Field(ge=1)] | Literal["any"]
    """Wrong options are drawn from so many times as many classes with the nearest names, or any."""
    judge: JudgeParams | None
    """Judges the open answers as well."""


@dataclass(frozen=True)
class Choice:
    """Scored by which option is chosen."""

    options: tuple[str, ...]
    answer: int


class KineticsQA(Benchmark[Verified | Choice]):
    """The benchmark `kinetics_qa`."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.params = KineticsQAParams.model_validate(raw)

    def items(self, context: StepContext) -> list[Item[Verified | Choice]]:
        """Two items for each test sample with a class label, by sample id."""
        samples = read_manifest(context.workspace)
        verify, settings = context.params.verify, context.params.settings
        known = known_of_samples(samples, verify, context.workspace.root, settings.device)
        others = self._others(context, _classes(samples))
        made: list[Item[Verified | Choice]] = []
        for sample in samples:
            if sample.split == "test" and _class_labels(sample):
                name = _class_labels(sample)[0].name
                choice = self._choice(sample, others[sample.dataset][name], context.params.seed)
                opened = Verified(case_of(sample, ""), verify, known)
                request = prompts.line_request(sample.labels, context.params.prompts.final_line)
                forms: tuple[tuple[str, str, Verified | Choice], ...] = (
                    ("open", prompts.held_out(sample.question, request), opened),
                    ("choice", prompts.multiple_choice(sample.question, choice.options), choice),
                )
                slices = tuple(f"class={label.name}" for label in _class_labels(sample))
                made += [
                    item_of(
                        sample, context.workspace, form, prompt, f"{form}_accuracy", slices, gold
                    )
                    for form, prompt, gold in forms
                ]
        return made

    def _others(
        self, context: StepContext, classes: Mapping[str, Sequence[str]]
    ) -> dict[str, dict[str, list[str]]]:
        """The other classes of each class of each data set, the likeliest distractors first."""
        if self.params.distractors == "any":
            return {
                dataset: {name: [other for other in names if other != name] for name in names}
                for dataset, names in classes.items()
            }
        device = context.params.settings.device
        embed = open_embedder(
            context.params.verify.embedding_model,
            context.workspace.root,
            None if device == "auto" else device,
        )
        return {dataset: nearest(own, embed) for dataset, own in classes.items() if own}

    def _choice(self, sample: VideoSample, ranked: Sequence[str], seed: int) -> Choice:
        """The sample's first label among distractors drawn from `ranked`, in a stable order."""
        labels = _class_labels(sample)
        taken = {text.casefold() for label in labels for text in (label.name, *label.synonyms)}
        others = [name for name in ranked if name.casefold() not in taken]
        wrong = self.params.options - 1
        if len(others) < wrong:
            raise UsageError(
                f"params.yaml: evaluate.benchmarks.kinetics_qa.options is {self.params.options}, "
                f"but data set {sample.dataset} has only {len(others)} classes besides "
                f"{labels[0].name!r}; lower it or name more classes."
            )
        if self.params.distractors != "any":
            others = others[: self.params.distractors * wrong]
        distractors = stable_shuffle(others, seed, "kinetics-qa-distractors", sample.id)[:wrong]
        options = stable_shuffle(
            [labels[0].name, *distractors], seed, "kinetics-qa-order", sample.id
        )
        return Choice(tuple(options), options.index(labels[0].name))

    def score(self, item: Item[Verified | Choice], text: str) -> Score:
        """1 or 0; an answer that chooses nothing, or several options, is wrong."""
        gold = item.gold
        if isinstance(gold, Verified):
            return _scored(item, gold.judgement(text))
        chosen = option_chosen(text, gold.options)
        if chosen is None:
            return item.scored(0.0, "no choice")
        right = chosen == gold.answer
        return item.scored(float(right), "match" if right else "wrong")

    def score_all(
        self,
        context: StepContext,
        items: Sequence[Item[Verified | Choice]],
        texts: Mapping[str, str],
    ) -> list[Score]:
        """Scores of all, and the judge's of the open ones where there is a judge."""
        opened = [(item, item.gold) for item in items if isinstance(item.gold, Verified)]
        cases = [gold.case_with(texts[item.id]) for item, gold in opened]
        judgements = judge_all(cases, opened[0][1].verify, opened[0][1].known) if opened else []
        made = {
            item.id: _scored(item, judgement)
            for (item, _), judgement in zip(opened, judgements, strict=True)
        }
        scores = [made.get(item.id) or self.score(item, texts[item.id]) for item in items]
        if self.params.judge is not None:
            rated = [item for item, _ in opened]
            answers = [
                Answer(item.id, case.question, label_text(case.labels), case.text)
                for item, case in zip(rated, cases, strict=True)
            ]
            judge = PROTOCOL.from_params(self.params.judge, context.workspace)
            scores += judged(rated, answers, judge)
        return scores

    def measures(self, scores: Sequence[Score]) -> list[Measure]:
        """Open and choice accuracy and the judge's numbers, overall and by class."""
        return with_bounds(plain_measures(scores))


def _scored(item: Item[Verified | Choice], judgement: Judgement) -> Score:
    """1 where the answer passes; what is doubtful is wrong."""
    return item.scored(float(judgement.passed), judgement.reason)


def _class_labels(sample: VideoSample) -> list[ClassLabel]:
    return [label for label in sample.labels if isinstance(label, ClassLabel)]


def _classes(samples: Sequence[VideoSample]) -> dict[str, list[str]]:
    """The class names of each data set, sorted."""
    names: dict[str, set[str]] = {}
    for sample in samples:
        names.setdefault(sample.dataset, set()).update(
            label.name for label in _class_labels(sample)
        )
    return {dataset: sorted(own) for dataset, own in names.items()}


def nearest(names: Sequence[str], embed: Embed) -> dict[str, list[str]]:
    """Each class to the other ones, the one most like it first."""
    vectors, lemmas_of = embed(list(names)), [_lemmas(name) for name in names]
    found = {}
    for own, name in enumerate(names):
        both = zip(lemmas_of, vectors @ vectors[own], strict=True)
        like = [round(_shared(lemmas_of[own], other) + float(cosine), 3) for other, cosine in both]
        order = np.lexsort((list(names), [-value for value in like]))
        found[name] = [names[place] for place in order if place != own]
    return found


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of all lemmas of two names that both have; Jaccard's index, 0..1."""
    return len(one & other) / len(one | other) if one | other else 0.0


def _lemmas(name: str) -> frozenset[str]:
    """The shortest lemma of each content word: one word, one element."""
    return frozenset(
        min(lemmas(word), key=lambda lemma: (len(lemma), lemma)) for word in content(name)
    )
