"""One answer judged against labels, with the parameters of the project and its embedding model."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import tiny

from video_star.core.labels import (
    BoxLabel,
    ChoiceLabel,
    ClassLabel,
    Label,
    SameLabel,
    ScoreLabel,
    SequenceLabel,
    SetLabel,
    SpanLabel,
    TextLabel,
    TimeLabel,
)
from video_star.core.labels.base import Embed
from video_star.core.params import VerifyParams, load_params
from video_star.verification import Case, Judgement, Known, judge, known_of

GROUP = "data/class"
QUESTION = "What happens in the video?"

ONE_OF_EACH: tuple[Label, ...] = (
    ClassLabel(name="playing guitar", synonyms=("strumming",)),
    SequenceLabel(names=("Forward", "2.5 Soms.Pike", "Entry")),
    SetLabel(names=("cup", "table")),
    SpanLabel(start=3, end=7.5, duration=20),
    TimeLabel(at=4.2, duration=20),
    ScoreLabel(value=65.6, name="score"),
    BoxLabel(xyxy=(0.1, 0.2, 0.5, 0.9)),
    TextLabel(text="A person opens the door."),
    ChoiceLabel(options=("a cup", "a box", "a chair"), answer=1),
    SameLabel(same=True),
)
"""A label of each kind."""

OTHERS: tuple[Label, ...] = (
    ClassLabel(name="riding a horse"),
    SequenceLabel(names=("Entry", "2.5 Soms.Pike", "Forward")),
    SetLabel(names=("cup", "chair")),
    SpanLabel(start=12, end=19, duration=20),
    TimeLabel(at=14, duration=20),
    ScoreLabel(value=20),
    BoxLabel(xyxy=(0.6, 0.6, 0.9, 0.9)),
    TextLabel(text="A dog sleeps on the grass."),
    ChoiceLabel(options=("a cup", "a box", "a chair"), answer=2),
    SameLabel(same=False),
)
"""Another label of each kind: an answer that gives it is wrong for the first."""


@cache
def _section() -> dict[str, Any]:
    return load_params(tiny.ROOT / "params.yaml").verify.model_dump()


def verify_params(thresholds: dict[str, float] | None = None, **changes: Any) -> VerifyParams:
    """The `verify` section of params.yaml with other thresholds and values."""
    return VerifyParams.model_validate({**_section(), "thresholds": thresholds or {}, **changes})


PARAMS = verify_params()


@cache
def embed() -> Embed:
    """The embedding model that params.yaml names, opened once."""
    made = known_of([("", (TextLabel(text="text"),))], PARAMS, tiny.ROOT, "cpu").embed
    assert made is not None
    return made


@cache
def known_with(labels: tuple[Label, ...]) -> Known:
    """What is known of a data set with these labels."""
    return replace(known_of([(GROUP, labels)], PARAMS, tiny.ROOT, "cpu"), embed=embed())


def judged(
    labels: Label | tuple[Label, ...],
    text: str,
    question: str = QUESTION,
    others: tuple[str, ...] = (),
    params: VerifyParams = PARAMS,
) -> Judgement:
    """One answer against labels, in a data set that has other classes as well."""
    wanted = labels if isinstance(labels, tuple) else (labels,)
    known = known_with((*wanted, *(ClassLabel(name=name) for name in others)))
    return judge(Case(text, question, wanted, GROUP), params, known)


def outcome(
    labels: Label | tuple[Label, ...],
    text: str,
    question: str = QUESTION,
    others: tuple[str, ...] = (),
) -> str:
    """pass, fail or doubtful."""
    return judged(labels, text, question, others).outcome
