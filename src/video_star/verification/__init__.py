"""Whether an answer gives the labels of its sample: pass, fail or doubtful.

One idea: a model is asked to end with a final line in the form of its label's kind; that line is
read, parsed to the label's type and compared (`final_answer`, then `find` of the label's kind). An
answer without one is read as a whole. Whatever is ambiguous, denied, hedged or contradicted by the
reasoning before it is doubtful: it is rejected, or a judge model decides.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from video_star.core import prompts
from video_star.core.labels import ClassLabel, Label, ScoreLabel
from video_star.core.labels.base import Asked, Found, doubtful
from video_star.core.labels.choice import choose
from video_star.core.labels.classes import ClassNames
from video_star.core.labels.words import Said
from video_star.core.params import VerifyParams
from video_star.core.records import Answer, LabelVerdict, Outcome, Verdict, VideoSample
from video_star.verification import released
from video_star.verification.base import Case as Case
from video_star.verification.base import Known as Known
from video_star.verification.base import Verifier as Verifier
from video_star.verification.base import verdict
from video_star.verification.echo import copies_prompt, hint_in, is_echo
from video_star.verification.embeddings import open_embedder
from video_star.verification.final_answer import MOST, read
from video_star.verification.judge import Judge, question_to_judge, read_verdict
from video_star.verification.own import own_verifiers


@dataclass(frozen=True)
class Judgement:
    """One answer against all labels of a sample."""

    outcome: Outcome
    reason: str
    """ "match", or the reason of the first label that does not pass."""
    has_line: bool
    labels: tuple[LabelVerdict, ...]

    @property
    def passed(self) -> bool:
        """Whether every label was found."""
        return self.outcome == "pass"


def group_of(sample: VideoSample) -> str:
    """The data set and the type of the question of a sample."""
    return f"{sample.dataset}/{sample.question_template.partition('/')[0]}"


def case_of(sample: VideoSample, text: str) -> Case:
    """An answer to the question of a sample."""
    return Case(text, sample.question, sample.labels, group_of(sample))


def known_of(
    labelled: Iterable[tuple[str, Sequence[Label]]],
    params: VerifyParams,
    home: Path = Path(),
    device: str = "auto",
    judge: Judge | None = None,
) -> Known:
    """What rules need to know of a data set: groups with their labels, read once and not kept.

    Looks for verifiers and models below `home`, the workspace. Loads no model yet, but UsageError
    says what is not there. Without a judge what is doubtful stays so.
    """
    classes: dict[str, set[ClassLabel]] = defaultdict(set)
    embeds = False
    for group, labels in labelled:
        for label in labels:
            if isinstance(label, ClassLabel):
                classes[group].add(label)
            embeds = embeds or label.EMBEDS
    where = None if device == "auto" else device
    return Known(
        {group: ClassNames(own) for group, own in classes.items()},
        open_embedder(params.embedding_model, home, where) if embeds else None,
        judge,
        own_verifiers(params.verifiers, home),
    )


def known_of_samples(
    samples: Iterable[VideoSample],
    params: VerifyParams,
    home: Path = Path(),
    device: str = "auto",
    judge: Judge | None = None,
) -> Known:
    """`known_of` for the samples of a manifest, train and test."""
    return known_of(((group_of(s), s.labels) for s in samples), params, home, device, judge)


def option_chosen(text: str, options: Sequence[str]) -> int | None:
    """Index of the option that an answer chooses; None when it chooses none or is ambiguous."""
    reading = read(text)
    chosen = choose(tuple(options), [reading.visible, *reading.finals][-1], "")
    return chosen.option if chosen and not chosen.against else None


def scores_given(label: ScoreLabel, case: Case) -> set[float]:
    """The numbers that an answer gives as a score."""
    said = _part(label, [case.reading.visible, *case.reading.finals][-1], case)
    given = label.given(said, case.question, case.labels, bool(case.reading.finals))
    return {value.numbers[0] for value in given}


def verify(label: Label, case: Case, params: VerifyParams, known: Known) -> LabelVerdict:
    """The verdict of the rules on one label of an answer; no judge is asked."""
    if label.kind in known.own:
        return known.own[label.kind](label, case, params, known)
    find = released.verify if params.method == "released" else _found
    return verdict(label, case, find(label, case, params, known), params)


def _found(label: Label, case: Case, params: VerifyParams, known: Known) -> Found:
    """The last final answer decides, if the others and the reasoning agree; else all of it."""
    reading = case.reading
    asked = Asked(
        question=case.question,
        labels=case.labels,
        limits=params.limits,
        allow_hedge=params.allow_hedge,
        final=bool(reading.finals),
        classes=known.classes.get(case.group),
        embed=known.embed,
    )
    if not reading.finals:
        return label.find(reading.visible, asked)
    if len(reading.finals) > MOST:
        return doubtful("several final answers")
    made = [label.find(_part(label, said, case), asked) for said in reading.finals]
    if len(made) > 1:
        made = [one for one in made if one.reason != "no value"] or made
    found = made[-1]
    if any(one.outcome != found.outcome for one in made):
        return doubtful("several final answers", found.score, found.place)
    if found.outcome == "pass" and reading.reasoning.text.strip():
        before = asked._replace(final=False, embed=None)
        if label.is_contradicted(reading.reasoning, before):
            return doubtful("contradicted", found.score, found.place)
    return found


def _part(label: Label, said: Said, case: Case) -> Said:
    """What a final answer says of one of several labels ("a, then b; score 65.6")."""
    if len(case.labels) < 2:
        return said
    parts = said.split(prompts.BETWEEN_LABELS.strip())
    if len(parts) != len(case.labels):
        return said
    return parts[next(n for n, other in enumerate(case.labels) if other == label)]


def judge_all(cases: Sequence[Case], params: VerifyParams, known: Known) -> list[Judgement]:
    """Judge some hundred answers at once, in order: embeddings and the judge work in batches."""
    collects = gc.isenabled()
    gc.disable()  # rules make no cycles, and walking through all that is loaded takes a fifth
    try:
        verdicts = _verdicts(cases, params, known)
    finally:
        if collects:
            gc.enable()
    if known.judge is not None and params.judge is not None:
        _ask_judge(cases, verdicts, params, known)
    return [_judgement(case, made) for case, made in zip(cases, verdicts, strict=True)]


class _Later(Exception):
    """Raised instead of embedding: the texts of all answers are embedded together."""


def _verdicts(
    cases: Sequence[Case], params: VerifyParams, known: Known
) -> list[list[LabelVerdict]]:
    """The verdicts of the rules; those that need embeddings come when all texts are known."""
    texts: list[str] = []

    def collect(asked: Sequence[str]) -> NDArray[np.float32]:
        texts.extend(asked)
        raise _Later

    collecting = known if known.embed is None else replace(known, embed=collect)

    def early(label: Label, case: Case) -> LabelVerdict | None:
        try:
            return verify(label, case, params, known if label.kind in known.own else collecting)
        except _Later:
            return None

    made = [[early(label, case) for label in case.labels] for case in cases]
    if texts and known.embed is not None:
        known.embed(texts)  # keeps them
    return [
        [
            one or verify(label, case, params, known)
            for one, label in zip(own, case.labels, strict=True)
        ]
        for own, case in zip(made, cases, strict=True)
    ]


def judge(case: Case, params: VerifyParams, known: Known) -> Judgement:
    """Judge one answer; it passes when every label is found in it."""
    return judge_all([case], params, known)[0]


def judge_answers(
    pairs: Sequence[tuple[VideoSample, Answer]], params: VerifyParams, known: Known
) -> list[Verdict]:
    """Judge answers of the loop: their labels, and of rationalized ones that they explain."""
    cases = [case_of(sample, answer.text) for sample, answer in pairs]
    judged = judge_all(cases, params, known)
    return [
        _verdict(sample, answer, judgement)
        for (sample, answer), judgement in zip(pairs, judged, strict=True)
    ]


def _verdict(sample: VideoSample, answer: Answer, judgement: Judgement) -> Verdict:
    outcome, reason = judgement.outcome, judgement.reason
    hinted = answer.origin == "rationalized" and reason != "copied prompt"
    hinted &= judgement.passed or hint_in(sample.labels, answer.text)
    if hinted and is_echo(sample.question, sample.labels, answer.text):
        outcome, reason = "fail", "echo"
    return Verdict(
        sample_id=answer.sample_id,
        attempt=answer.attempt,
        origin=answer.origin,
        outcome=outcome,
        passed=outcome == "pass",
        has_line=judgement.has_line,
        reason=reason,
        labels=judgement.labels,
    )


def _judgement(case: Case, verdicts: Sequence[LabelVerdict]) -> Judgement:
    """All labels must pass; one that fails weighs more than one in doubt."""
    wrong = [made for made in verdicts if made.outcome != "pass"]
    worst = next((made for made in wrong if made.outcome == "fail"), wrong[0] if wrong else None)
    outcome, reason = (worst.outcome, worst.reason) if worst else ("pass", "match")
    if copies_prompt(case.question, case.labels, case.text):
        outcome, reason = "fail", "copied prompt"
    return Judgement(outcome, reason, bool(case.reading.finals), tuple(verdicts))


def _ask_judge(
    cases: Sequence[Case],
    verdicts: Sequence[list[LabelVerdict]],
    params: VerifyParams,
    known: Known,
) -> None:
    """Let the judge decide the doubtful labels, or all of them, in place."""
    assert known.judge is not None
    assert params.judge is not None
    everything = params.judge.decides == "all"
    open_ones = [
        (case, made, number)
        for case, made in zip(cases, verdicts, strict=True)
        for number, one in enumerate(made)
        if (everything or one.outcome == "doubtful") and case.text.strip()
    ]
    questions = [question_to_judge(case.labels[n], case) for case, _, n in open_ones]
    replies = known.judge.replies(questions) if questions else []
    for (_, made, number), reply in zip(open_ones, replies, strict=True):
        correct = read_verdict(reply)
        outcome: Outcome = "doubtful" if correct is None else "pass" if correct else "fail"
        reason = {"pass": "match", "fail": "judged incorrect", "doubtful": "judge unclear"}[outcome]
        made[number] = made[number].model_copy(
            update={
                "verifier": f"judge:{known.judge.name}",
                "outcome": outcome,
                "passed": outcome == "pass",
                "reason": reason,
            }
        )
