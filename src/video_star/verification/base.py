"""What is judged and what comes of it: cases, what is known around them, findings.

A rule reads one part of an answer, its final answer or all of it, and compares the value that it
finds with one label. It never raises on any text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from video_star.core.labels import ClassLabel, Label
from video_star.core.params import VerifyParams
from video_star.core.records import LabelVerdict, Outcome
from video_star.core.thresholds import Thresholds
from video_star.verification.final_answer import Reading, read
from video_star.verification.words import Said

if TYPE_CHECKING:
    from video_star.verification.judge import Judge
    from video_star.verification.names import ClassNames

Embed: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to their embeddings, float32 [n, d], each of length 1."""
Verifier: TypeAlias = "Callable[[Any, Case, VerifyParams, Known], LabelVerdict]"
"""Judges labels of one kind; the signature of the user's own verifiers."""
Place: TypeAlias = tuple[int, int]
"""Start and end of some characters of the answer."""
VERSION = 6
"""Of the rules; goes up when one changes."""


@dataclass(frozen=True)
class Case:
    """One answer to judge."""

    text: str
    question: str
    labels: tuple[Label, ...]
    """All labels of the sample; another label of the same sample is never a contradiction."""
    group: str = ""
    """Whose classes else could have been the answer: a data set and a type of question."""

    @cached_property
    def classes(self) -> set[str]:
        """The names of the classes among its labels."""
        return {label.name for label in self.labels if isinstance(label, ClassLabel)}

    @cached_property
    def reading(self) -> Reading:
        """The answer taken apart."""
        return read(self.text)


@dataclass(frozen=True)
class Known:
    """What rules know besides the case, prepared once for a data set."""

    classes: Mapping[str, ClassNames] = field(default_factory=dict)
    """The classes of each group."""
    embed: Embed | None = None
    judge: Judge | None = None
    """Who decides what is doubtful, where verify.doubtful asks for a judge."""
    own: Mapping[str, Verifier] = field(default_factory=dict)
    """The user's own verifiers by label kind; they go before ours."""


@dataclass(frozen=True)
class Found:
    """What a rule found in a part of an answer."""

    outcome: Outcome
    reason: str
    """One or two words: "match", or why not."""
    score: float = 0.0
    """0..1, higher is closer to the label."""
    place: Place | None = None
    """Characters of the answer that were taken as the value; of one that fails, a single value
    that was read plainly and is not the label's."""
    threshold: float | None = None
    """What the score had to reach, where it is not the threshold of the label's kind."""


@dataclass(frozen=True)
class Asked:
    """What a rule may look at besides the label and the part of the answer."""

    case: Case
    params: VerifyParams
    known: Known
    final: bool
    """Whether the part is a final answer, not a whole text with reasoning."""


Rule: TypeAlias = Callable[[Any, Said, Asked], Found]


def passes(score: float, place: Place | None) -> Found:
    """The label was found."""
    return Found("pass", "match", score, place)


def fails(reason: str, score: float = 0.0, place: Place | None = None) -> Found:
    """The label was not found."""
    return Found("fail", reason, score, place)


def doubtful(reason: str, score: float = 0.0, place: Place | None = None) -> Found:
    """The answer may or may not mean the label."""
    return Found("doubtful", reason, score, place)


def unless(against: str, score: float, place: Place | None) -> Found:
    """The label was found, unless something speaks against it."""
    return doubtful(against, score, place) if against else passes(score, place)


def verdict(
    label: Label,
    case: Case,
    found: Found,
    params: VerifyParams,
    verifier: str = "",
    version: int = VERSION,
) -> LabelVerdict:
    """A finding as it is written to files."""
    place = found.place
    return LabelVerdict(
        kind=label.kind,
        verifier=verifier or f"{params.method}/{label.kind}",
        version=version,
        score=min(1.0, max(0.0, found.score)),
        threshold=(
            _least(label.kind, params.limits) if found.threshold is None else found.threshold
        ),
        extracted=None if place is None else case.text[place[0] : place[1]],
        place=place,
        outcome=found.outcome,
        passed=found.outcome == "pass",
        reason=found.reason,
    )


def _least(kind: str, limits: Thresholds) -> float:
    """The least score of a kind that passes; of differences 0.5 is on the edge."""
    if kind in ("class", "sequence", "set"):
        return limits.class_similarity
    least = {"span": limits.span_iou, "box": limits.box_iou, "text": limits.text_agreement}
    return least.get(kind, 0.5 if kind in ("time", "score") else 1.0)
