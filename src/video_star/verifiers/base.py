"""What every verifier gets and gives: the case to judge, what is known around it, the verdict.

A verifier is a pure function `(label, case, params, known) -> LabelVerdict`: it reads the answer of
the case, never raises on any text, and says what it took as the value and where that stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from video_star.chat import Chat
from video_star.domain import LabelVerdict
from video_star.embeddings import open_embedder
from video_star.labels import ClassLabel, Label, TextLabel
from video_star.params import VerifyParams
from video_star.verifiers.classes import ClassIndex
from video_star.verifiers.own import own_verifiers

Embed: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to their embeddings, float32 [n, d], each of length 1."""

__all__ = ["Case", "Chat", "Embed", "Known", "Labelled", "Verifier", "verdict"]


class Labelled(Protocol):
    """What has labels: a sample of a manifest, a line of a file to judge."""

    @property
    def labels(self) -> tuple[Label, ...]:
        """All its labels."""


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
    own: Mapping[str, Verifier] = field(default_factory=dict)
    """The user's own verifiers by label kind; they go before the judge and before ours."""

    @classmethod
    def of(
        cls,
        samples: Iterable[Labelled],
        params: VerifyParams,
        home: Path = Path(),
        device: str = "auto",
    ) -> Known:
        """From all samples of a manifest, train and test, which are read once and not kept.

        Looks for verifiers and models below `home`, the workspace, and keeps the judge's replies
        there. Loads no model yet, but UsageError and DataError say what cannot be loaded.
        """
        from video_star.verifiers.judging import open_judge  # which is made of what stands here

        classes: set[ClassLabel] = set()
        texts = False
        for sample in samples:
            for label in sample.labels:
                if isinstance(label, ClassLabel):
                    classes.add(label)
                texts = texts or isinstance(label, TextLabel)
        own = own_verifiers(params.verifiers, home)
        where = None if device == "auto" else device
        embed = open_embedder(params.embedding_model, home, where) if texts else None
        chat = open_judge(params.judge, home) if params.judge else None
        return cls(ClassIndex.of(classes), embed, chat, own)


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
