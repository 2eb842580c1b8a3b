"""What a label kind is: its fields, how it is said, made of a row, and found in an answer.

A kind reads one part of an answer, the final answer or all of it, and compares the value that it
finds with its own. That never raises, whatever the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from video_star.core.labels.thresholds import Thresholds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from video_star.core.labels.classes import ClassNames
    from video_star.core.labels.words import Said
    from video_star.core.records import Outcome

NAME_LENGTH = 1_000
"""Characters of a name or an option: far more than any has. An answer is compared word by word."""
TEXT_LENGTH = 10_000
"""Characters of a label of sentences; no caption of a public set has as many."""
NAMES = 2_000
"""Names of one label."""

Place: TypeAlias = tuple[int, int]
"""Start and end of some characters of the answer."""
Embed: TypeAlias = "Callable[[Sequence[str]], NDArray[np.float32]]"
"""Texts to their embeddings, float32 [n, d], each of length 1."""
Row: TypeAlias = Mapping[str, Any]
"""A row of a table by our column names; empty values are absent from it."""


def is_visible(text: str) -> bool:
    """Whether a reader sees anything: blanks, controls and joiners alone are nothing."""
    return any(sign.isprintable() and not sign.isspace() for sign in text)


def shown(text: str) -> str:
    """The text; ValueError where nobody sees it."""
    if "\0" in text or not is_visible(text):
        raise ValueError("it holds a NUL character" if "\0" in text else "it shows nothing")
    return text


NameText = Annotated[
    str, StringConstraints(min_length=1, max_length=NAME_LENGTH), AfterValidator(shown)
]


class Record(BaseModel):
    """Base of every record: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Found:
    """What a kind found in a part of an answer."""

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


class Asked(NamedTuple):
    """What a kind may look at besides the part of the answer."""

    question: str
    labels: tuple[BaseLabel, ...]
    """All labels of the sample; another label of the same sample is never a contradiction."""
    limits: Thresholds
    allow_hedge: bool
    final: bool
    """Whether the part is a final answer, not a whole text with reasoning."""
    classes: ClassNames | None
    """The classes of the data set and type of question that could have been the answer."""
    embed: Embed | None


class BaseLabel(Record):
    """Base of the label kinds.

    A kind is a subclass with a `kind` of its own and a place in the union `Label`. Its docstring
    says when an answer passes.
    """

    FORM: ClassVar[str]
    """What follows "Answer:" in the final line that a model is asked for."""
    COLUMNS: ClassVar[tuple[str, ...]] = ("label",)
    """Columns of a table that hold the label."""
    INSTEAD: ClassVar[tuple[str, ...]] = ()
    """Columns that may hold it in another way."""
    OPTIONAL: ClassVar[tuple[str, ...]] = ()
    """Columns that a table may have besides."""
    THRESHOLD: ClassVar[str] = ""
    """Which of the thresholds the score of an answer must reach; without one it must be 1."""
    EMBEDS: ClassVar[bool] = False
    """Whether answers are compared by embedding, so that a model has to be opened."""

    kind: str

    @classmethod
    def of_row(cls, row: Row) -> Self:
        """The label of a row that has its columns; `duration`, if it is one, is always there.

        Raises EmptyLabel where the row has no label, BadRow where it cannot be understood,
        ValidationError.
        """
        raise NotImplementedError

    def say(self) -> str:
        """The label in words, for hints and template answers; `find` accepts them."""
        raise NotImplementedError

    def final_value(self) -> str:
        """The label in the form of `FORM`."""
        return self.say()

    def beside(self, value: str) -> str:
        """A value in a final line that has those of other labels too."""
        return value

    def least(self, limits: Thresholds) -> float:
        """The score that an answer must reach."""
        return getattr(limits, self.THRESHOLD) if self.THRESHOLD else 1.0

    def find(self, said: Said, asked: Asked) -> Found:
        """Whether a part of an answer gives the label."""
        raise NotImplementedError

    def is_contradicted(self, reasoning: Said, asked: Asked) -> bool:
        """Whether the reasoning before a final answer plainly gives another value, or denies it."""
        found = self.find(reasoning, asked)
        return found.reason == "negated" or (found.outcome == "fail" and found.place is not None)
