"""Spans, instants, scores and boxes: which value an answer gives.

One shape: read every value that a part of an answer could mean, then compare. If all of them are
close to the label the answer passes, if none is it fails, otherwise it is doubtful.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from video_star.core.excerpt import excerpt
from video_star.core.labels.base import (
    NAME_LENGTH,
    Asked,
    BaseLabel,
    Found,
    Row,
    doubtful,
    fails,
    unless,
)
from video_star.core.labels.cells import BadRow, length_of, number, one_line, seconds
from video_star.core.labels.numbers import UNIT, Value, numbers_in, times_in
from video_star.core.labels.thresholds import Thresholds
from video_star.core.labels.words import (
    BOUND,
    CONTRAST,
    HAPPENING,
    Said,
    all_words,
    content,
    is_function,
    lemma,
)

NEAR: Final = 60
"""Characters between the start and the end of a span at most."""
CORNERS: Final = ("x1", "y1", "x2", "y2")
_COMMA: Final = re.compile(r"\s*[,;\s]\s*")
_OUT_OF: Final = re.compile(r"(?:/|out of)\s*\Z")
_OR: Final = re.compile(r"\s*(?:to|and|or|[-\u2013\u2014])\s*", re.I)
_RANGE: Final = re.compile(r"\b(?:to|until|till|through|end\w*)\b|[-\u2013\u2014~,]", re.I)
_BETWEEN: Final = re.compile(r"\bbetween\W+(?:\w+\W+){0,3}\Z", re.I)
_BEFORE: Final = re.compile(r"([^\W\d_]+)\s+\Z")
_BEHIND: Final = re.compile(r"[\s-]*([^\W\d_]{3,})")
_TIMED: Final = re.compile(r"[:%.]|\d\s*[a-z]+\Z", re.I)
"""An instant that counts nothing: with a unit, or with a fraction."""
_GROUP: Final = re.compile(r"[\[(]([^\[\]()]{3,120})[\])]")
Part = Annotated[float, Field(ge=0, le=1)]


def say_seconds(time: float) -> str:
    """A time as prompts write it: at most two decimals ("3.0", "0.25")."""
    return f"{time:.1f}" if round(time, 1) == round(time, 2) else f"{time:.2f}"


def say_box(xyxy: Sequence[float]) -> str:
    """A box as prompts write it: "[0.10, 0.20, 0.50, 0.90]"."""
    return f"[{', '.join(f'{part:.2f}' for part in xyxy)}]"


class ValueLabel(BaseLabel):
    """A label that is a value, and how all of them are found."""

    FEW: ClassVar[int | None] = 1
    """Words of its own that a clause with the value may have where no final line gives it."""

    def values(self, said: Said, asked: Asked) -> list[Value]:
        """Every value that a part of an answer could mean."""
        raise NotImplementedError

    def likeness(self, value: Value, limits: Thresholds) -> float:
        """0..1: how close a value is; it must be more than `least`."""
        raise NotImplementedError

    def misused(self, value: Value, around: set[str], said: Said) -> str:
        """Why the unexpected words beside a value make it something else ("5 people")."""
        return ""

    def least(self, limits: Thresholds) -> float:
        return 0.5

    def find(self, said: Said, asked: Asked) -> Found:
        least = self.least(asked.limits)
        scored = [(self.likeness(value, asked.limits), value) for value in self.values(said, asked)]
        if not scored:
            return fails("no value")
        best, value = max(scored, key=lambda one: one[0])
        place = said.characters(value.start, value.end)
        if best <= least:
            single = len({other.numbers for _, other in scored}) == 1
            return fails("other value", best, place if single else None)
        known = all_words(f"{asked.question} {said.text[value.start : value.end]}")
        beside = _beside(value, said)
        against = "" if all(score > least for score, _ in scored) else "several values"
        against = against or ("a bound" if beside & BOUND else "")
        against = against or self.misused(value, beside - {*known}, said)
        against = against or said.doubt(value.start, CONTRAST.union(known))
        if not (against or asked.final or self.FEW is None):
            clauses = said.clauses(value.start, value.end)
            if clauses.others([*known, *HAPPENING]) > self.FEW:
                against = "other words"
        return unless(against, best, place)


def _beside(value: Value, said: Said) -> set[str]:
    """The words before and behind a value."""
    before = _BEFORE.search(said.text[max(0, value.start - NEAR) : value.start])
    behind = _BEHIND.match(said.text, value.end)
    return {match[1].lower() for match in (before, behind) if match}


def _near(value: float, true: float, width: float) -> float:
    """1 where equal, a little over 0.5 at the tolerance, and less beyond it."""
    off = abs(value - true)
    return 1.0 if off <= 1e-9 else max(0.0, 1 - off / (2 * width) + 1e-9) if width else 0.0


class _TimedLabel(ValueLabel):
    """A label of times, which a number with a thing behind it is none of."""

    def misused(self, value: Value, around: set[str], said: Said) -> str:
        if _TIMED.search(said.text, value.start, value.end):
            return ""
        counted = (word for word in around if lemma(word) != "second" and not is_function(word))
        return "other unit" if any(counted) else ""


class SpanLabel(_TimedLabel):
    """An interval in seconds of the clip; passes when the temporal IoU is high enough."""

    FORM = "<start> - <end> seconds"
    COLUMNS = ("label_start", "label_end")
    INSTEAD = ("windows",)
    THRESHOLD = "span_iou"
    OPTIONAL = ("event", "duration")

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

    @classmethod
    def of_row(cls, row: Row) -> Self:
        start, end = (seconds(row[name], name) for name in cls.COLUMNS)
        length = length_of(row, start, "label_start")
        # Annotated ends often lie a little behind the last frame; no answer can see beyond it.
        return cls(start=start, end=min(end, length), duration=length)

    def say(self) -> str:
        return f"from {say_seconds(self.start)} to {say_seconds(self.end)} seconds"

    def final_value(self) -> str:
        return f"{say_seconds(self.start)} - {say_seconds(self.end)} seconds"

    def values(self, said: Said, asked: Asked) -> list[Value]:
        return spans_in(said.text, self.duration, asked.final)

    def likeness(self, value: Value, limits: Thresholds) -> float:
        return iou(value.numbers, (self.start, self.end))


def spans_in(text: str, duration: float | None, final: bool) -> list[Value]:
    """All pairs of instants that read as a range; of a final answer else the last two instants."""
    times = times_in(text, duration)
    pairs = [
        (one, other)
        for one, other in pairwise(times)
        if other.start - one.end <= NEAR
        and one.numbers < other.numbers
        and (
            _RANGE.search(text, one.end, other.start)
            or _BETWEEN.search(text[max(0, one.start - NEAR) : one.start])
        )
    ]
    if not pairs and final and len(times) > 1:
        pairs = [(times[-2], times[-1])]
    return [Value(one.numbers + other.numbers, one.start, other.end) for one, other in pairs]


def iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two stretches (start, end) of time."""
    both = min(one[1], other[1]) - max(one[0], other[0])
    return max(0.0, both) / max(max(one[1], other[1]) - min(one[0], other[0]), 1e-9)


class TimeLabel(_TimedLabel):
    """An instant in seconds of the clip; passes when the difference is within tolerance."""

    FORM = "<time> seconds"
    COLUMNS = ("label_at",)
    OPTIONAL = ("event", "duration")
    FEW = 0

    kind: Literal["time"] = "time"
    at: float = Field(ge=0)
    duration: float | None = Field(default=None, gt=0)

    @classmethod
    def of_row(cls, row: Row) -> Self:
        at = seconds(row["label_at"], "label_at")
        return cls(at=at, duration=length_of(row, at, "label_at"))

    def say(self) -> str:
        return f"at {self.final_value()}"

    def final_value(self) -> str:
        return f"{say_seconds(self.at)} seconds"

    def values(self, said: Said, asked: Asked) -> list[Value]:
        return times_in(said.text, self.duration)

    def likeness(self, value: Value, limits: Thresholds) -> float:
        return _near(value.numbers[0], self.at, limits.time_tolerance * (self.duration or self.at))


class ScoreLabel(ValueLabel):
    """A number; passes when the number that the answer gives as this score is close to it."""

    FORM = "<number>"
    OPTIONAL = ("low", "high", "name")
    FEW = None

    kind: Literal["score"] = "score"
    value: float
    low: float | None = None
    high: float | None = None
    """Ends of the scale, where they are known."""
    name: str = Field(default="score", max_length=NAME_LENGTH)
    """What the number measures, as answers call it: "score", "difficulty"."""

    @classmethod
    def of_row(cls, row: Row) -> Self:
        ends = {name: number(row[name], name) for name in ("low", "high") if name in row}
        named = {"name": one_line(row["name"], "name")} if "name" in row else {}
        value = number(row["label"], "label")
        low, high = ends.get("low", value), ends.get("high", value)
        if not low <= value <= high:
            raise BadRow(f"label is {value:g}, not between {low:g} and {high:g}; correct the row.")
        return cls.model_validate({"value": value, **ends, **named})

    def say(self) -> str:
        return f"a {self.name} of {self.value:g}"

    def final_value(self) -> str:
        return f"{self.value:g}"

    def beside(self, value: str) -> str:
        return f"{self.name} {value}"

    def is_contradicted(self, reasoning: Said, asked: Asked) -> bool:
        return False  # numbers before a score are steps to it

    def values(self, said: Said, asked: Asked) -> list[Value]:
        return self.given(said, asked.question, asked.labels, asked.final)

    def given(
        self, said: Said, question: str, labels: Sequence[BaseLabel], final: bool
    ) -> list[Value]:
        """The numbers that a part of an answer gives as this score, in order; of "8 out of 10" the
        first.

        Where the answer names the score, the number that follows the name ("a difficulty of 3.2");
        one that follows the name of another score of the sample is none of this one. A text that
        reasons gives the last of its numbers that the question does not have.
        """
        text = said.text
        values = [
            v for v in numbers_in(text) if not _OUT_OF.search(text[max(0, v.start - 9) : v.start])
        ]
        scores = [other.name for other in labels if isinstance(other, ScoreLabel)]
        named = {name: _named(name, said, values) for name in scores}
        mine = named.pop(self.name, [])
        if mine or named:
            others = [value for own in named.values() for value in own]
            return mine or [value for value in values if final and value not in others]
        if final or self.low is not None or self.high is not None:
            return values
        known = {value.numbers for value in numbers_in(question)}
        new = [value for value in values if value.numbers not in known]
        figures = [value for value in new if text[value.start : value.end].lower() != "one"]
        return (figures or new or values)[-1:]

    def likeness(self, value: Value, limits: Thresholds) -> float:
        return _near(value.numbers[0], self.value, limits.score_tolerance * abs(self.value))

    def misused(self, value: Value, around: set[str], said: Said) -> str:
        return "other unit" if any(map(UNIT.match, around)) else ""


def _named(name: str, said: Said, values: Sequence[Value]) -> list[Value]:
    """The first number behind each mention of a score's name in its sentence, and "or" the next."""
    starts, named = [value.start for value in values], []
    for word in said.at(lemma((content(name) or ("",))[-1])):
        at = bisect_right(starts, said.spans[word][0])
        sentence = said.sentence_of(word)
        own = [value for value in values[at : at + 2] if said.sentence_at(value.start) == sentence]
        if len(own) == 2 and not _OR.fullmatch(said.text, own[0].end, own[1].start):
            own.pop()
        named += own
    return named


class BoxLabel(ValueLabel):
    """A box as fractions of width and height, corners x1 y1 x2 y2; passes by its IoU."""

    FORM = "[<x1>, <y1>, <x2>, <y2>]"
    INSTEAD = CORNERS
    THRESHOLD = "box_iou"
    OPTIONAL = ("object", "label_at")

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

    @classmethod
    def of_row(cls, row: Row) -> Self:
        value = [row[name] for name in CORNERS] if "x1" in row else row["label"]
        if isinstance(value, str):
            value = _COMMA.split(value.strip("[]() "))
        if not isinstance(value, list | tuple) or len(value) != len(CORNERS):
            raise BadRow(f"label is {excerpt(value)}; write a box as x1, y1, x2, y2.")
        corners = [number(part, name) for part, name in zip(value, CORNERS, strict=True)]
        at = seconds(row["label_at"], "label_at") if "label_at" in row else None
        return cls.model_validate({"xyxy": corners, "at": at})

    def say(self) -> str:
        return say_box(self.xyxy)

    def values(self, said: Said, asked: Asked) -> list[Value]:
        return boxes_in(said.text)

    def likeness(self, value: Value, limits: Thresholds) -> float:
        return box_iou(value.numbers, self.xyxy)

    def find(self, said: Said, asked: Asked) -> Found:
        pixels = [value for value in boxes_in(said.text) if max(value.numbers) > 1]
        if pixels:
            return doubtful("no fractions", 0.0, said.characters(pixels[0].start, pixels[0].end))
        return super().find(said, asked)


def boxes_in(text: str) -> list[Value]:
    """All groups of four numbers in brackets; without brackets the only four numbers."""
    groups = [(m.span(), numbers_in(m[1])) for m in _GROUP.finditer(text)]
    boxes = [(span, inside) for span, inside in groups if len(inside) == 4]
    alone = numbers_in(text) if not boxes else []
    if len(alone) == 4:
        boxes = [((alone[0].start, alone[-1].end), alone)]
    return [Value(tuple(v.numbers[0] for v in inside), *span) for span, inside in boxes]


def box_iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes x1 y1 x2 y2; 0 where one has no area."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if min(wide, high) <= 0 or one[2] <= one[0] or one[3] <= one[1]:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / (areas - wide * high)
