"""The evaluation set of the verifiers: answers with the right verdict, and how many come out right.

`cases/development.jsonl` may be looked at while a verifier is written; `cases/held_out.jsonl` is
only ever counted. `cases/classes.txt` holds the class names of the data set that the answers are
about, one a line, so that an answer that hedges between classes can be told from one that does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from video_star.domain import VideoSample
from video_star.labels import ClassLabel, Label, Record
from video_star.params import VerifyParams
from video_star.verifiers import Case, Known, judge

Half = Literal["development", "held_out"]
HALVES: tuple[Half, ...] = get_args(Half)
FOLDER = Path(__file__).parent / "cases"


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
    cases: Iterable[JudgedAnswer], params: VerifyParams
) -> Iterator[tuple[JudgedAnswer, bool]]:
    """Each case with the verifiers' verdict on it."""
    cases = tuple(cases)
    known = Known.of(_samples(cases), params)
    for case in cases:
        judged = judge(Case(case.answer, case.question, case.labels), params, known)
        yield case, judged.passed


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


def _samples(cases: Iterable[JudgedAnswer]) -> Iterator[VideoSample]:
    """The data set that the cases would come from: theirs, and one sample of each class."""
    for case in cases:
        yield _sample(case.id, case.question, case.labels)
    for index, name in enumerate(read_classes()):
        yield _sample(f"of-class-{index}", "What is happening?", (ClassLabel(name=name),))


def _sample(sample_id: str, question: str, labels: tuple[Label, ...]) -> VideoSample:
    return VideoSample(
        id=sample_id,
        dataset="cases",
        video=f"{sample_id}.mp4",
        source_id=sample_id,
        split="train",
        question=question,
        question_template="case/0",
        labels=labels,
    )
