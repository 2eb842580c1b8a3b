"""Kinetics-QA, re-built: what is the action of a held-out clip, asked openly and with options.

The questions of the published Kinetics700-QA were never released, so numbers compare between rounds
and with whoever uses the same manifest, not with the paper. The items are the manifest's test
samples that have a class label; the question is the sample's own. Two metrics:

- `open_accuracy`: the bare question; right when the class verifier finds the label in the answer.
- `choice_accuracy`: the label among distractors drawn from the data set's other classes by a stable
  hash; right when exactly the right option is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from pydantic import Field

from video_star import prompts
from video_star.benchmarks.base import BenchmarkParams, Item, Measure, own_params, plain_measures
from video_star.benchmarks.options import named_options
from video_star.context import StepContext
from video_star.domain import Score, VideoSample
from video_star.engines.base import Clip
from video_star.errors import UsageError
from video_star.labels import ClassLabel
from video_star.layout import Workspace
from video_star.manifest import read_manifest
from video_star.params import VerifyParams
from video_star.stable import stable_shuffle
from video_star.verifiers import Case, Known, judge

_LETTER = re.compile(r"\(?([A-Z])(?:[.)]|$)\s*(.*)", re.DOTALL)


class KineticsQAParams(BenchmarkParams):
    options: int = Field(ge=2, le=26)
    """Options of the multiple-choice form."""


@dataclass(frozen=True)
class Open:
    """Marked by the verifiers, against the labels of the sample."""

    case: Case
    """Of the sample, with an empty answer."""
    verify: VerifyParams
    known: Known


@dataclass(frozen=True)
class Choice:
    """Marked by which option is chosen."""

    options: tuple[str, ...]
    answer: int


class KineticsQA:
    """The benchmark `kinetics_qa`."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.params = own_params(KineticsQAParams, "kinetics_qa", raw)

    def items(self, context: StepContext) -> list[Item[Open | Choice]]:
        """Two items for each test sample with a class label, by sample id."""
        samples = read_manifest(context.workspace)
        classes, known = _classes(samples), Known.of(samples, context.params.verify)
        made: list[Item[Open | Choice]] = []
        for sample in samples:
            if sample.split == "test" and _class_labels(sample):
                choice = self._choice(sample, classes[sample.dataset], context.params.seed)
                asked = Case("", sample.question, sample.labels)
                opened = Open(asked, context.params.verify, known)
                made += _both_forms(sample, opened, choice, context.workspace)
        return made

    def _choice(self, sample: VideoSample, classes: Sequence[str], seed: int) -> Choice:
        """The sample's first label among stable-drawn distractors, in a stable order."""
        labels = _class_labels(sample)
        taken = {text.casefold() for label in labels for text in (label.name, *label.synonyms)}
        others = [name for name in classes if name.casefold() not in taken]
        if len(others) < self.params.options - 1:
            raise UsageError(
                f"params.yaml: evaluate.benchmarks.kinetics_qa.options is {self.params.options}, "
                f"but data set {sample.dataset} has only {len(others)} classes besides "
                f"{labels[0].name!r}; lower it or name more classes."
            )
        distractors = stable_shuffle(others, seed, "kinetics-qa-distractors", sample.id)
        options = [labels[0].name, *distractors[: self.params.options - 1]]
        options = stable_shuffle(options, seed, "kinetics-qa-order", sample.id)
        return Choice(tuple(options), options.index(labels[0].name))

    def score(self, item: Item[Open | Choice], text: str) -> Score:
        """1 or 0; an answer that chooses nothing, or several options, is wrong."""
        gold = item.gold
        if isinstance(gold, Open):
            verdict = judge(replace(gold.case, text=text), gold.verify, gold.known)
            return item.scored(float(verdict.passed), verdict.reason)
        chosen = chosen_option(text, gold.options)
        if chosen is None:
            return item.scored(0.0, "no choice")
        return item.scored(
            float(chosen == gold.answer), "match" if chosen == gold.answer else "wrong"
        )

    def measures(self, scores: Sequence[Score]) -> list[Measure]:
        """Open and choice accuracy, overall and by class."""
        return plain_measures(scores)

    def write_predictions(
        self, folder: Path, items: Sequence[Item[Open | Choice]], texts: Mapping[str, str]
    ) -> None:
        """There is no official layout: predictions.jsonl says it all."""


def _both_forms(
    sample: VideoSample, opened: Open, choice: Choice, workspace: Workspace
) -> Iterator[Item[Open | Choice]]:
    """The open and the multiple-choice item of a sample."""
    forms: tuple[tuple[str, str, Open | Choice], ...] = (
        ("open", sample.question, opened),
        ("choice", prompts.multiple_choice(sample.question, choice.options), choice),
    )
    for form, prompt, gold in forms:
        yield Item(
            id=f"{sample.id}/{form}",
            clip=Clip(workspace.video(sample.video), sample.start_s, sample.end_s),
            cluster=f"{sample.dataset}/{sample.source_id}",
            prompt=prompt,
            metric=f"{form}_accuracy",
            slices=tuple(f"class={label.name}" for label in _class_labels(sample)),
            gold=gold,
        )


def chosen_option(text: str, options: Sequence[str]) -> int | None:
    """Index of the option an answer chooses; None when it chooses none or is ambiguous.

    Counted: "B. text", "B", "B.", "B)", "(B)" (followed by nothing or by words that name no other
    option), and one option's text alone, in whole words, upper and lower case alike.
    """
    text = text.strip()
    named = named_options(text, options)
    lettered = _LETTER.match(text)
    if lettered is None:
        return named.pop() if len(named) == 1 else None
    index = ascii_uppercase.index(lettered[1])
    if index >= len(options) or named_options(lettered[2], options) - {index}:
        return None
    return index


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
