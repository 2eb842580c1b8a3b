"""Verifiers: one table from label kind to the function that judges it, and `judge` over all labels.

A verifier is pure and never raises on any text. What it must know of the data set besides the
label, such as the names of all classes, is prepared once as a `Known`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from video_star.domain import Answer, Label, LabelVerdict, Verdict, VideoSample
from video_star.params import VerifyParams
from video_star.verifiers.classes import ClassIndex, verify_class
from video_star.verifiers.echo import is_echo

__all__ = ["VERIFIERS", "Judgement", "Known", "judge", "judge_answer"]


@dataclass(frozen=True)
class Known:
    """What verifiers know of a data set."""

    classes: ClassIndex

    @classmethod
    def of(cls, samples: Iterable[VideoSample]) -> Known:
        """From all samples of a manifest, train and test."""
        labels = {label for sample in samples for label in sample.labels}
        return cls(ClassIndex.of(label for label in labels if label.kind == "class"))


Verifier: TypeAlias = Callable[[Label, str, Sequence[Label], VerifyParams, Known], LabelVerdict]
"""(label, answer, all labels of the sample, parameters, knowledge of the data set) to verdict."""


def _class(
    label: Label, text: str, siblings: Sequence[Label], params: VerifyParams, known: Known
) -> LabelVerdict:
    return verify_class(label, text, siblings, params, known.classes)


VERIFIERS: dict[str, Verifier] = {"class": _class}


@dataclass(frozen=True)
class Judgement:
    """One text against all labels of a sample."""

    passed: bool
    reason: str
    """ "match", or the first failed label's reason."""
    labels: tuple[LabelVerdict, ...]


def judge(labels: Sequence[Label], text: str, params: VerifyParams, known: Known) -> Judgement:
    """Judge a text; it passes when every label is found in it."""
    verdicts = tuple(VERIFIERS[label.kind](label, text, labels, params, known) for label in labels)
    reason = next((verdict.reason for verdict in verdicts if not verdict.passed), "match")
    return Judgement(reason == "match", reason, verdicts)


def judge_answer(
    sample: VideoSample, answer: Answer, params: VerifyParams, known: Known
) -> Verdict:
    """Judge an answer of the loop: its labels, and for a rationalized one that it explains."""
    judgement = judge(sample.labels, answer.text, params, known)
    reason = judgement.reason
    if judgement.passed and answer.origin == "rationalized":
        echo = is_echo(sample.question, sample.labels, answer.text)
        reason = "echo" if echo else reason
    return Verdict(
        sample_id=answer.sample_id,
        attempt=answer.attempt,
        origin=answer.origin,
        passed=reason == "match",
        reason=reason,
        labels=judgement.labels,
    )
