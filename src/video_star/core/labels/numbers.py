"""Numbers and instants of a text, in figures and in words."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final, NamedTuple

from video_star.core.labels.words import mark_of

_NUMBER: Final = re.compile(
    r"(?<![\w.])[-+\u2212]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?"
    r"|(?<![\w.])[-+\u2212]?\.\d+"
)
_CLOCK: Final = re.compile(r"(?<![\d:.])(?:(\d{1,2}):)?(\d{1,3}):(\d{2}(?:\.\d+)?)(?![\d:])")
UNIT: Final = re.compile(
    r"[\s-]*(?:(s|secs?|seconds?)|(m|mins?|minutes?)|(h|hours?)|(%|percent))(?![a-z])", re.I
)
_WORDS: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*|\d+(?:\.\d+)?|[^\w\s]")
_LETTER: Final = re.compile(r"[^\W\d_]")


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
        unit = UNIT.match(text, number.end)
        size, (value,) = (unit.lastindex or 0) if unit else 0, number.numbers
        value *= {2: 60, 3: 3600, 4: (duration or 100) / 100}.get(size, 1)
        end = unit.end() if unit else number.end
        last, larger = found[-1] if found else (number, 0)
        if 1 <= size < larger < 4 and not text[last.end : number.start].strip(" ,and"):
            found[-1] = (Value((last.numbers[0] + value,), last.start, end), size)
        else:
            found.append((Value((value,), number.start, end), size))
    return sorted((value for value, _ in found), key=lambda value: value.start)
