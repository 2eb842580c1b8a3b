"""Verifiers: one table from label kind to the function that judges it, and `judge` over them."""

from __future__ import annotations

from dataclasses import dataclass

from video_star.domain import Answer, LabelVerdict, Verdict, VideoSample
from video_star.labels import ClassLabel
from video_star.params import VerifyParams
from video_star.verifiers.base import Case, Known, Verifier
from video_star.verifiers.classes import verify_class
from video_star.verifiers.echo import is_echo

__all__ = ["VERIFIERS", "Case", "Judgement", "Known", "judge", "judge_answer"]


def _class(label: ClassLabel, case: Case, params: VerifyParams, known: Known) -> LabelVerdict:
    siblings = [other for other in case.labels if isinstance(other, ClassLabel)]
    return verify_class(label, case.text, siblings, params, known.classes)


VERIFIERS: dict[str, Verifier] = {
    "class": _class,
}


@dataclass(frozen=True)
class Judgement:
    """One text against all labels of a sample."""

    passed: bool
    reason: str
    """ "match", or the first failed label's reason."""
    labels: tuple[LabelVerdict, ...]


def judge(case: Case, params: VerifyParams, known: Known) -> Judgement:
    """Judge an answer; it passes when every label is found in it."""
    verdicts = tuple(VERIFIERS[label.kind](label, case, params, known) for label in case.labels)
    reason = next((verdict.reason for verdict in verdicts if not verdict.passed), "match")
    return Judgement(reason == "match", reason, verdicts)


def judge_answer(
    sample: VideoSample, answer: Answer, params: VerifyParams, known: Known
) -> Verdict:
    """Judge an answer of the loop: its labels, and for a rationalized one that it explains."""
    judgement = judge(Case(answer.text, sample.question, sample.labels), params, known)
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
