"""Verifiers: one table from label kind to the function that judges it, and `judge` over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from video_star.chat import ask_all
from video_star.domain import Answer, LabelVerdict, Verdict, VideoSample
from video_star.labels import ClassLabel, TextLabel
from video_star.params import VerifyParams
from video_star.verifiers.base import Case, Known, Verifier
from video_star.verifiers.boxes import verify_box
from video_star.verifiers.choices import verify_choice
from video_star.verifiers.classes import verify_class
from video_star.verifiers.echo import copies_prompt, hint_in, is_echo
from video_star.verifiers.judging import question_to_judge, verify_by_judge
from video_star.verifiers.meaning import texts_of, verify_text
from video_star.verifiers.names import verify_sequence, verify_set
from video_star.verifiers.sameness import verify_same
from video_star.verifiers.scores import verify_score
from video_star.verifiers.text import aloud
from video_star.verifiers.times import verify_span, verify_time

__all__ = [
    "VERIFIERS",
    "Case",
    "Judgement",
    "Known",
    "judge",
    "judge_answer",
    "judge_answers",
    "prepare",
    "verifier_of",
]


def _class(label: ClassLabel, case: Case, params: VerifyParams, known: Known) -> LabelVerdict:
    siblings = [other for other in case.labels if other.kind == "class"]
    return verify_class(label, case.text, siblings, params, known.classes, case.question)


VERIFIERS: dict[str, Verifier] = {
    "class": _class,
    "sequence": verify_sequence,
    "set": verify_set,
    "span": verify_span,
    "time": verify_time,
    "score": verify_score,
    "box": verify_box,
    "choice": verify_choice,
    "same": verify_same,
    "text": verify_text,
}
"""Label kind to the rule that judges it."""


def verifier_of(kind: str, params: VerifyParams, known: Known) -> Verifier:
    """Who judges a kind: the user's own verifier, else the judge model, else our rule."""
    if kind in known.own:
        return known.own[kind]
    if params.judge is not None and kind in params.judge.kinds:
        return verify_by_judge
    return VERIFIERS[kind]


def prepare(cases: Sequence[Case], params: VerifyParams, known: Known) -> None:
    """Embed all sentences, and ask the judge all questions, that these cases need, in batches.

    Changes no verdict: judging some hundred cases after it is faster than without it.
    """
    texts: list[str] = []
    questions = []
    for case in map(_aloud, cases):
        for label in case.labels:
            verifier = verifier_of(label.kind, params, known)
            if verifier is verify_text and isinstance(label, TextLabel):
                texts += texts_of(label, case.text)
            elif verifier is verify_by_judge and case.text.strip():
                questions.append(question_to_judge(label, case))
    if texts and known.embed is not None:
        known.embed(texts)
    if questions and known.chat is not None:
        ask_all(known.chat, questions)


def _aloud(case: Case) -> Case:
    """The case without what the model only thought; most answers show no thinking."""
    return replace(case, text=aloud(case.text)) if "</think>" in case.text else case


@dataclass(frozen=True)
class Judgement:
    """One text against all labels of a sample."""

    passed: bool
    reason: str
    """ "match", or the first failed label's reason."""
    labels: tuple[LabelVerdict, ...]


def judge(case: Case, params: VerifyParams, known: Known) -> Judgement:
    """Judge an answer; it passes when every label is found in it."""
    case = _aloud(case)
    verdicts = tuple(
        verifier_of(label.kind, params, known)(label, case, params, known) for label in case.labels
    )
    reason = next((verdict.reason for verdict in verdicts if not verdict.passed), "match")
    if copies_prompt(case.question, case.text):
        reason = "copied prompt"
    return Judgement(reason == "match", reason, verdicts)


def judge_answer(
    sample: VideoSample, answer: Answer, params: VerifyParams, known: Known
) -> Verdict:
    """Judge an answer of the loop: its labels, and for a rationalized one that it explains."""
    judgement = judge(Case(answer.text, sample.question, sample.labels), params, known)
    reason = judgement.reason
    told = answer.origin == "rationalized" and reason != "copied prompt"
    if told and (judgement.passed or hint_in(sample.labels, answer.text)):
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


def judge_answers(
    pairs: Sequence[tuple[VideoSample, Answer]], params: VerifyParams, known: Known
) -> list[Verdict]:
    """Judge some hundred answers of the loop at once, in order."""
    cases = [Case(answer.text, sample.question, sample.labels) for sample, answer in pairs]
    prepare(cases, params, known)
    return [judge_answer(sample, answer, params, known) for sample, answer in pairs]
