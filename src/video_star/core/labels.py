"""The kinds of labels, a frozen record each.

Times are seconds of the clip, boxes are fractions of its width and height (corners x1 y1 x2 y2).
The field names here are the field names of the JSON in manifests and everywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

NAME_LENGTH = 1_000
"""Characters of a name or an option: far more than any has. An answer is compared word by word."""
TEXT_LENGTH = 10_000
"""Characters of a label of sentences; no caption of a public set has as many."""
NAMES = 2_000
"""Names of one label."""

MARKED = re.compile(
    r"[(\[]?(?P<mark>[A-Za-z]|\d\d?)(?:[.:)\]\uff0e\uff1a\uff09\u3001]|\s[-\u2013])\s*(?P<text>\S.*)"
)
"""An option with a letter or a number of its own: "A. Apples.", "(b) berries", "3) three"; Chinese
sets write the marks at full width."""


def is_visible(text: str) -> bool:
    """Whether a reader sees anything: blanks, controls and joiners alone are nothing."""
    return any(sign.isprintable() and not sign.isspace() for sign in text)


def _shown(text: str) -> str:
    if "\0" in text or not is_visible(text):
        raise ValueError("it holds a NUL character" if "\0" in text else "it shows nothing")
    return text


def mark_of(option: str) -> str:
    """The letter or number that an option brings, or nothing."""
    found = MARKED.fullmatch(option)
    return found["mark"].upper() if found else ""


def without_letters(options: tuple[str, ...]) -> tuple[str, ...]:
    """The options without their letters where they bring A, B, C ...; others are no letters."""
    if tuple(map(mark_of, options)) != tuple(ascii_uppercase[: len(options)]):
        return options
    return tuple(MARKED.sub(r"\g<text>", option) for option in options)


Name = Annotated[
    str, StringConstraints(min_length=1, max_length=NAME_LENGTH), AfterValidator(_shown)
]
Part = Annotated[float, Field(ge=0, le=1)]


class Record(BaseModel):
    """Base of every record: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ClassLabel(Record):
    """An action or object class; passes when each content word of a name is found."""

    kind: Literal["class"] = "class"
    name: Name
    synonyms: tuple[Annotated[str, StringConstraints(max_length=NAME_LENGTH)], ...] = Field(
        default=(), max_length=NAMES
    )


class SequenceLabel(Record):
    """Named steps; passes when each is found, in order."""

    kind: Literal["sequence"] = "sequence"
    names: tuple[Name, ...] = Field(min_length=1, max_length=NAMES)


class SetLabel(Record):
    """Names in any order; passes when each is found."""

    kind: Literal["set"] = "set"
    names: tuple[Name, ...] = Field(min_length=1, max_length=NAMES)


class SpanLabel(Record):
    """An interval in seconds of the clip; passes when the temporal IoU is high enough."""

    kind: Literal["span"] = "span"
    start: float = Field(ge=0)
    end: float
    duration: float | None = Field(default=None, gt=0)
    """Length of the clip, for answers in fractions of it."""

    @model_validator(mode="after")
    def _is_ordered(self) -> SpanLabel:
        if self.end <= self.start:
            raise ValueError(f"end {self.end} must be after start {self.start}")
        return self


class TimeLabel(Record):
    """An instant in seconds of the clip; passes when the difference is within tolerance."""

    kind: Literal["time"] = "time"
    at: float = Field(ge=0)
    duration: float | None = Field(default=None, gt=0)


class ScoreLabel(Record):
    """A number; passes when the number that the answer gives as this score is close to it."""

    kind: Literal["score"] = "score"
    value: float
    low: float | None = None
    high: float | None = None
    """Ends of the scale, where they are known."""
    name: str = Field(default="score", max_length=NAME_LENGTH)
    """What the number measures, as answers call it: "score", "difficulty"."""


class BoxLabel(Record):
    """A box as fractions of width and height, corners x1 y1 x2 y2; passes by its IoU."""

    kind: Literal["box"] = "box"
    xyxy: tuple[Part, Part, Part, Part]
    at: float | None = None
    """When the box holds, in seconds of the clip."""

    @model_validator(mode="after")
    def _has_an_area(self) -> BoxLabel:
        x1, y1, x2, y2 = self.xyxy
        if x2 <= x1 or y2 <= y1:
            raise ValueError(f"xyxy {self.xyxy} must be x1 y1 x2 y2 with x1 < x2 and y1 < y2")
        return self


class TextLabel(Record):
    """One or more sentences; passes when the answer means the same."""

    kind: Literal["text"] = "text"
    text: Annotated[
        str, StringConstraints(min_length=1, max_length=TEXT_LENGTH), AfterValidator(_shown)
    ]


class ChoiceLabel(Record):
    """One of several options; passes when it alone is chosen, by its letter or its text."""

    kind: Literal["choice"] = "choice"
    options: tuple[Name, ...] = Field(min_length=2, max_length=26)
    answer: int = Field(ge=0)
    """Index of the right option; the first one is A."""

    @field_validator("options")
    @classmethod
    def _takes_off_letters(cls, options: tuple[str, ...]) -> tuple[str, ...]:
        return without_letters(options)  # questions write letters of their own before them

    @model_validator(mode="after")
    def _answer_is_an_option(self) -> ChoiceLabel:
        if self.answer >= len(self.options):
            raise ValueError(f"answer {self.answer} is not one of {len(self.options)} options")
        return self


class SameLabel(Record):
    """Whether two things are the same one; passes when the answer agrees."""

    kind: Literal["same"] = "same"
    same: bool


Label: TypeAlias = Annotated[
    ClassLabel
    | SequenceLabel
    | SetLabel
    | SpanLabel
    | TimeLabel
    | ScoreLabel
    | BoxLabel
    | TextLabel
    | ChoiceLabel
    | SameLabel,
    Field(discriminator="kind"),
]
"""A union on `kind`; each kind has one rule in `video_star.verification`."""

KINDS: tuple[str, ...] = tuple(
    one.model_fields["kind"].default for one in get_args(get_args(Label)[0])
)
"""All label kinds."""


def say_seconds(seconds: float) -> str:
    """A time as prompts write it: at most two decimals ("3.0", "0.25")."""
    return f"{seconds:.1f}" if round(seconds, 1) == round(seconds, 2) else f"{seconds:.2f}"


def say_box(xyxy: Sequence[float]) -> str:
    """A box as prompts write it: "[0.10, 0.20, 0.50, 0.90]"."""
    return f"[{', '.join(f'{part:.2f}' for part in xyxy)}]"


def option_line(options: Sequence[str], index: int) -> str:
    """The full line of one option, as TempCompass writes its answers ("B. text")."""
    return f"{ascii_uppercase[index]}. {options[index]}"


def say(label: Label) -> str:
    """One label in words; its own verifier accepts them."""
    match label:
        case ClassLabel():
            return label.name
        case SequenceLabel():
            return ", then ".join(label.names)
        case SetLabel():
            return " and ".join([", ".join(label.names[:-1]), label.names[-1]]).removeprefix(
                " and "
            )
        case SpanLabel():
            return f"from {say_seconds(label.start)} to {say_seconds(label.end)} seconds"
        case TimeLabel():
            return f"at {say_seconds(label.at)} seconds"
        case ScoreLabel():
            return f"a {label.name} of {label.value:g}"
        case BoxLabel():
            return say_box(label.xyxy)
        case TextLabel():
            return label.text.strip().rstrip(".")
        case ChoiceLabel():
            return option_line(label.options, label.answer)
        case SameLabel():
            return "they are the same" if label.same else "they are not the same"


def label_text(labels: Sequence[Label]) -> str:
    """The labels of a sample in words, for the hint of a rationalization prompt."""
    plain = all(label.kind == "class" for label in labels)
    return (", " if plain else "; ").join(say(label) for label in labels)
