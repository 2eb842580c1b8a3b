"""Invented answers with the right verdict, and how many are judged right.

They are harder than answers of models: most of those that are wrong name the label nevertheless.
Wrong verdicts of both halves have been read while rules were written, so they test and measure
nothing. `cases/classes.txt` holds the class names of the data set that they are about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from video_star.core.labels import ClassLabel, Label, Record
from video_star.core.params import VerifyParams
from video_star.verification import Case, judge_all, known_of

Half = Literal["development", "held_out"]
HALVES: tuple[Half, ...] = get_args(Half)
FOLDER = Path(__file__).parent / "cases"
GROUP = "cases/class"


class JudgedAnswer(Record):
    """One line of the set: an answer, what it was asked, and whether it is right."""

    id: str
    kind: str
    """The label kind that the case is about; it may have labels of other kinds beside it."""
    question: str
    labels: tuple[Label, ...] = Field(min_length=1)
    answer: str
    passed: bool
    """The right verdict: whether all labels are in the answer."""
    note: str
    """What makes the case worth having, in a few words."""


@dataclass(frozen=True)
class Quality:
    """How right the verdicts on some cases are."""

    n: int
    precision: float | None
    """Share of the answers let through that are right; None when none was let through."""
    recall: float | None
    """Share of the right answers that were let through; None when no answer is right."""


def read_half(half: Half) -> tuple[JudgedAnswer, ...]:
    """All cases of one half, in the order of the file."""
    lines = (FOLDER / f"{half}.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(JudgedAnswer.model_validate_json(line) for line in lines)


def read_classes() -> tuple[str, ...]:
    """The class names of the data set that the answers are about."""
    return tuple((FOLDER / "classes.txt").read_text(encoding="utf-8").split("\n")[:-1])


def verdicts(
    cases: Sequence[JudgedAnswer], params: VerifyParams
) -> list[tuple[JudgedAnswer, bool]]:
    """Each case with whether its answer passes."""
    classes = tuple(ClassLabel(name=name) for name in read_classes())
    labelled = [(GROUP, classes), *((GROUP, case.labels) for case in cases)]
    known = known_of(labelled, params, device="cpu")
    answers = [Case(case.answer, case.question, case.labels, GROUP) for case in cases]
    made = judge_all(answers, params, known)
    return [(case, judgement.passed) for case, judgement in zip(cases, made, strict=True)]


def quality(judged: Iterable[tuple[JudgedAnswer, bool]]) -> Quality:
    """Precision and recall of the answers that passed."""
    pairs = [(case.passed, passed) for case, passed in judged]
    right = sum(truth and passed for truth, passed in pairs)
    return Quality(
        n=len(pairs),
        precision=_share(right, sum(passed for _, passed in pairs)),
        recall=_share(right, sum(truth for truth, _ in pairs)),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
