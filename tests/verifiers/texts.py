"""The real small embedding model, opened once, and cases of text labels judged with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from asked import verify_params

from video_star.domain import LabelVerdict
from video_star.labels import Label, TextLabel
from video_star.params import VerifyParams
from video_star.verifiers import Case, Known
from video_star.verifiers.meaning import verify_text


@dataclass(frozen=True)
class Sample:
    """What has labels."""

    labels: tuple[Label, ...]


@cache
def known() -> Known:
    """With the embedding model that params.yaml names."""
    return Known.of([Sample((TextLabel(text="text"),))], verify_params())


@cache
def similarity(value: float | None = None) -> VerifyParams:
    """The parameters, with another threshold where one is given."""
    return verify_params({} if value is None else {"text_similarity": value})


def verdict(label: str, text: str, threshold: float | None = None) -> LabelVerdict:
    """One text label against one answer."""
    wanted = TextLabel(text=label)
    case = Case(text, "What happens?", (wanted,))
    return verify_text(wanted, case, similarity(threshold), known())
