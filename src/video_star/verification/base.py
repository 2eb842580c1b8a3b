"""What is judged and what is known around it: cases, data sets, verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from video_star.core.labels import Label
from video_star.core.labels.base import Embed, Found
from video_star.core.labels.classes import ClassNames
from video_star.core.params import VerifyParams
from video_star.core.records import LabelVerdict
from video_star.verification.final_answer import Reading, read

if TYPE_CHECKING:
    from video_star.verification.judge import Judge

Verifier: TypeAlias = "Callable[[Any, Case, VerifyParams, Known], LabelVerdict]"
"""Judges labels of one kind; the signature of the user's own verifiers."""
VERSION = 7
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
    def reading(self) -> Reading:
        """The answer taken apart."""
        return read(self.text)


@dataclass(frozen=True)
class Known:
    """What is known besides the case, prepared once for a data set."""

    classes: Mapping[str, ClassNames] = field(default_factory=dict)
    """The classes of each group."""
    embed: Embed | None = None
    judge: Judge | None = None
    """Who decides what is doubtful, where verify.doubtful asks for a judge."""
    own: Mapping[str, Verifier] = field(default_factory=dict)
    """The user's own verifiers by label kind; they go before ours."""


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
        threshold=label.least(params.limits) if found.threshold is None else found.threshold,
        extracted=None if place is None else case.text[place[0] : place[1]],
        place=place,
        outcome=found.outcome,
        passed=found.outcome == "pass",
        reason=found.reason,
    )
