"""Numbers, times, spans, scores, boxes and sameness: which value an answer gives.

One shape: read every value that a part of an answer could mean, then compare. If all of them are
close to the label the answer passes, if none is it fails, otherwise it is doubtful.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

from video_star.core.labels import BoxLabel, SameLabel, ScoreLabel, SpanLabel, TimeLabel
from video_star.data.questions import TEMPLATES
from video_star.verification.base import Asked, Case, Found, doubtful, fails, unless
from video_star.verification.words import (
    BOUND,
    CONTRAST,
    Said,
    all_words,
    content,
    is_function,
    lemma,
    mark_of,
)

_NUMBER: Final = re.compile(
    r"(?<![\w.])[-+\u2212]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?"
    r"|(?<![\w.])[-+\u2212]?\.\d+"
)
_CLOCK: Final = re.compile(r"(?<![\d:.])(?:(\d{1,2}):)?(\d{1,3}):(\d{2}(?:\.\d+)?)(?![\d:])")
_UNIT: Final = re.compile(
    r"[\s-]*(?:(s|secs?|seconds?)|(m|mins?|minutes?)|(h|hours?)|(%|percent))(?![a-z])", re.I
)
_OUT_OF: Final = re.compile(r"(?:/|out of)\s*\Z")
_OR: Final = re.compile(r"\s*(?:to|and|or|[-\u2013\u2014])\s*", re.I)
_RANGE: Final = re.compile(r"\b(?:to|until|till|through|end\w*)\b|[-\u2013\u2014~,]", re.I)
_BETWEEN: Final = re.compile(r"\bbetween\W+(?:\w+\W+){0,3}\Z", re.I)
_WORDS: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*|\d+(?:\.\d+)?|[^\w\s]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_BEFORE: Final = re.compile(r"([^\W\d_]+)\s+\Z")
_BEHIND: Final = re.compile(r"[\s-]*([^\W\d_]{3,})")
_TIMED: Final = re.compile(r"[:%.]|\d\s*[a-z]+\Z", re.I)
"""An instant that counts nothing: with a unit, or with a fraction."""
_GROUP: Final = re.compile(r"[\[(]([^\[\]()]{3,120})[\])]")
NEAR: Final = 60
"""Characters between the start and the end of a span at most."""
_SAME: Final = {"same": True, "identical": True, "different": False, "distinct": False}
POLAR: Final = ("yes", "no")
ValueLabel: TypeAlias = SpanLabel | TimeLabel | ScoreLabel | BoxLabel


class Value(NamedTuple):
    """A number, or several, and where they stand in the part of the answer."""

    numbers: tuple[float, ...]
    start: int
    end: int


class _Word:
    """A token for text2num."""

    def __init__(self, match: re.Match[str]) -> None:
        self.match = match

    def text(self) -> str:
        return self.match[0].lower()

    def nt_separated(self, previous: _Word) -> bool:
        return False

    def not_a_number_part(self) -> bool:
        return False


def numbers_in(text: str) -> list[Value]:
    """All numbers in figures ("1,200.5") and in words ("twenty-five"), in order.

    Ordinals in words and "no one" are none.
    """
    from text_to_num import find_numbers

    found = [
        Value((float(m[0].replace(",", "").replace("\u2212", "-")),), *m.span())
        for m in _NUMBER.finditer(text)
    ]
    words = [_Word(match) for match in _WORDS.finditer(text)] if _LETTER.search(text) else []
    for one in find_numbers(words, "en", 0):
        start, end = words[one.start].match.start(), words[one.end - 1].match.end()
        denied = one.start and mark_of(words[one.start - 1].text())
        if text[start].isalpha() and not one.is_ordinal and not denied:
            found.append(Value((float(one.value),), start, end))
    return sorted(found, key=lambda value: value.start)


def times_in(text: str, duration: float | None) -> list[Value]:
    """All instants in seconds, in order: 1:02.5, "2 minutes 5 seconds", "40 %" of the duration.

    A bare number is taken for seconds.
    """
    clocks = [
        Value((3600 * float(m[1] or 0) + 60 * float(m[2]) + float(m[3]),), *m.span())
        for m in _CLOCK.finditer(text)
    ]
    starts = [clock.start for clock in clocks]
    found: list[tuple[Value, int]] = [(clock, 0) for clock in clocks]
    for number in numbers_in(text):
        nearest = bisect_right(starts, number.start) - 1
        if nearest >= 0 and number.start < clocks[nearest].end:
            continue
        unit = _UNIT.match(text, number.end)
        size, (value,) = (unit.lastindex or 0) if unit else 0, number.numbers
        value *= {2: 60, 3: 3600, 4: (duration or 100) / 100}.get(size, 1)
        end = unit.end() if unit else number.end
        last, larger = found[-1] if found else (number, 0)
        if 1 <= size < larger < 4 and not text[last.end : number.start].strip(" ,and"):
            found[-1] = (Value((last.numbers[0] + value,), last.start, end), size)
        else:
            found.append((Value((value,), number.start, end), size))
    return sorted((value for value, _ in found), key=lambda value: value.start)


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


def boxes_in(text: str) -> list[Value]:
    """All groups of four numbers in brackets; without brackets the only four numbers."""
    groups = [(m.span(), numbers_in(m[1])) for m in _GROUP.finditer(text)]
    boxes = [(span, inside) for span, inside in groups if len(inside) == 4]
    alone = numbers_in(text) if not boxes else []
    if len(alone) == 4:
        boxes = [((alone[0].start, alone[-1].end), alone)]
    return [Value(tuple(v.numbers[0] for v in inside), *span) for span, inside in boxes]


def scores_in(label: ScoreLabel, said: Said, case: Case, final: bool) -> list[Value]:
    """The numbers that a part of an answer gives as a score, in order; of "8 out of 10" the first.

    Where the answer names the score, the number that follows the name ("a difficulty of 3.2"); one
    that follows the name of another score of the sample is none of this one. A text that reasons
    gives the last of its numbers that the question does not have.
    """
    text = said.text
    values = [
        v for v in numbers_in(text) if not _OUT_OF.search(text[max(0, v.start - 9) : v.start])
    ]
    scores = [other.name for other in case.labels if isinstance(other, ScoreLabel)]
    named = {name: _named(name, said, values) for name in scores}
    mine = named.pop(label.name, [])
    if mine or named:
        return mine or [v for v in values if final and not any(v in own for own in named.values())]
    if final or label.low is not None or label.high is not None:
        return values
    known = {value.numbers for value in numbers_in(case.question)}
    new = [value for value in values if value.numbers not in known]
    figures = [value for value in new if text[value.start : value.end].lower() != "one"]
    return (figures or new or values)[-1:]


def _named(name: str, said: Said, values: Sequence[Value]) -> list[Value]:
    """The first number behind each mention of a score's name in its sentence, and "or" the next."""
    starts, named = [value.start for value in values], []
    for number in said.at(lemma((content(name) or ("",))[-1])):
        at = bisect_right(starts, said.spans[number][0])
        sentence = said.sentence_of(number)
        own = [value for value in values[at : at + 2] if said.sentence_at(value.start) == sentence]
        if len(own) == 2 and not _OR.fullmatch(said.text, own[0].end, own[1].start):
            own.pop()
        named += own
    return named


def verify_value(label: ValueLabel, said: Said, asked: Asked) -> Found:
    """Which time, stretch of time, number or box an answer gives."""
    least, scored = _scored(label, said, asked)
    if not scored:
        return fails("no value")
    outside = [v for _, v in scored if label.kind == "box" and max(v.numbers) > 1]
    if outside:
        return doubtful("no fractions", 0.0, said.characters(outside[0].start, outside[0].end))
    best, value = max(scored, key=lambda one: one[0])
    place = said.characters(value.start, value.end)
    if best <= least:
        single = len({other.numbers for _, other in scored}) == 1
        return fails("other value", best, place if single else None)
    known = all_words(f"{asked.case.question} {said.text[value.start : value.end]}")
    counts = label.kind == "score"
    against = "" if all(score > least for score, _ in scored) else "several values"
    against = against or _beside(label.kind, value, said, known)
    against = against or said.doubt(value.start, CONTRAST.union(known) if counts else known)
    if not (against or asked.final or counts):
        expected, allowed = [*known, *_question_words(label.kind)], 0 if label.kind == "time" else 1
        if said.clauses(value.start, value.end).others(expected) > allowed:
            against = "other words"
    return unless(against, best, place)


def _scored(label: ValueLabel, said: Said, asked: Asked) -> tuple[float, list[tuple[float, Value]]]:
    """The score that a value must exceed, and the values of an answer with their scores."""
    limits, text = asked.params.limits, said.text
    match label:
        case SpanLabel():
            spans = spans_in(text, label.duration, asked.final)
            true = (label.start, label.end)
            return limits.span_iou, [(iou(value.numbers, true), value) for value in spans]
        case BoxLabel():
            boxes = boxes_in(text)
            return limits.box_iou, [(box_iou(value.numbers, label.xyxy), value) for value in boxes]
        case TimeLabel():
            values, at = times_in(text, label.duration), label.at
            width = limits.time_tolerance * (label.duration or at)
        case ScoreLabel():
            values, at = scores_in(label, said, asked.case, asked.final), label.value
            width = limits.score_tolerance * abs(at)
    return 0.5, [(_near(value.numbers[0], at, width), value) for value in values]


def _near(value: float, true: float, width: float) -> float:
    """1 where equal, a little over 0.5 at the tolerance, and less beyond it."""
    off = abs(value - true)
    return 1.0 if off <= 1e-9 else max(0.0, 1 - off / (2 * width) + 1e-9) if width else 0.0


@cache
def _question_words(kind: str) -> tuple[str, ...]:
    """The words that questions for a kind are asked with."""
    asked = TEMPLATES[kind] if kind in ("span", "time") else ()
    return all_words(" ".join(asked).replace("{event}", ""))


def _beside(kind: str, value: Value, said: Said, known: Sequence[str]) -> str:
    """Why the words beside a value make it something else ("after 5 s", "5 people")."""
    before = _BEFORE.search(said.text[max(0, value.start - NEAR) : value.start])
    behind = _BEHIND.match(said.text, value.end)
    beside = {match[1].lower() for match in (before, behind) if match}
    if beside & BOUND:
        return "a bound"
    if kind == "score" and any(_UNIT.match(word) for word in beside - {*known}):
        return "other unit"
    if kind in ("score", "box") or _TIMED.search(said.text, value.start, value.end):
        return ""
    counted = (w for w in beside - {*known} if lemma(w) != "second" and not is_function(w))
    return "other unit" if any(counted) else ""


def iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two stretches (start, end) of time."""
    both = min(one[1], other[1]) - max(one[0], other[0])
    return max(0.0, both) / max(max(one[1], other[1]) - min(one[0], other[0]), 1e-9)


def box_iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes x1 y1 x2 y2; 0 where one has no area."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if min(wide, high) <= 0 or one[2] <= one[0] or one[3] <= one[1]:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / (areas - wide * high)


def verify_same(label: SameLabel, said: Said, asked: Asked) -> Found:
    """Whether an answer says that two things are the same, or yes or no to that question."""
    question = all_words(asked.case.question)
    asks = {_SAME[word] for word in question if word in _SAME}
    read: list[tuple[bool, int]] = []
    # A denial counts, also where the question has the word ("the same or not").
    known = ["no", *(word for word in question if mark_of(word) != "negated")]
    against = {*said.reasons(known)}
    for number, word in enumerate(said.words):
        if word in _SAME:
            read.append((_SAME[word] != ("negated" in against), number))
        elif word in POLAR and len(asks) == 1:
            read.append(((word == "yes") in asks, number))
    if not read:
        return fails("no value")
    same, place = {same for same, _ in read}, said.place(read[0][1], read[-1][1])
    denials = [word for word in said.words if mark_of(word) == "negated"]
    doubts = [*sorted(against - {"negated"}), *(["several values"] if len(same) > 1 else [])]
    if not asked.final and said.others([*question, *_SAME, *POLAR, *denials]):
        doubts.append("other words")
    if not doubts and same != {label.same}:
        return fails("other value", 0.0, place)
    return unless(doubts[0] if doubts else "", 1.0, place)
