"""What every verifier gets and gives: the case to judge, what is known around it, the verdict.

A verifier is a pure function `(label, case, params, known) -> LabelVerdict`: it reads the answer of
the case, never raises on any text, and says what it took as the value and where that stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from video_star.domain import LabelVerdict, VideoSample
from video_star.labels import ClassLabel, Label
from video_star.params import VerifyParams
from video_star.verifiers.classes import ClassIndex

Embed: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to their embeddings, float32 [n, d], each of length 1."""


class Chat(Protocol):
    """A chat model behind a server, or recorded replies of one."""

    @property
    def name(self) -> str:
        """The model's name and version, for reports."""

    def reply(self, messages: Sequence[dict[str, str]]) -> str:
        """Its answer to messages of {"role", "content"}; ServiceError when there is none."""


@dataclass(frozen=True)
class Case:
    """One answer to judge."""

    text: str
    question: str
    labels: tuple[Label, ...]
    """All labels of the sample; another label of the same sample is never a contradiction."""


@dataclass(frozen=True)
class Known:
    """What verifiers know besides the case, prepared once for a data set."""

    classes: ClassIndex
    embed: Embed | None = None
    """For `text` labels; None where no label needs it."""
    chat: Chat | None = None
    """The judge model, where verify.judge names one."""

    @classmethod
    def of(cls, samples: Iterable[VideoSample], params: VerifyParams) -> Known:
        """From all samples of a manifest, train and test; loads no model yet."""
        labels = {label for sample in samples for label in sample.labels}
        classes = ClassIndex.of(label for label in labels if isinstance(label, ClassLabel))
        return cls(classes)


Verifier: TypeAlias = Callable[[Any, Case, VerifyParams, Known], LabelVerdict]
"""Judges labels of one kind."""


def verdict(
    label: Label,
    case: Case,
    verifier: tuple[str, int],
    score: float,
    threshold: float,
    place: tuple[int, int] | None,
    reason: str,
) -> LabelVerdict:
    """A LabelVerdict; `verifier` is its name and version, reason "match" means that it passed."""
    return LabelVerdict(
        kind=label.kind,
        verifier=verifier[0],
        version=verifier[1],
        score=score,
        threshold=threshold,
        extracted=None if place is None else case.text[place[0] : place[1]],
        place=place,
        passed=reason == "match",
        reason=reason,
    )
