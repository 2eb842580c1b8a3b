"""Quantities of an answer: numbers with their units, and points of a clip named in words.

"three and a half seconds", "0:03", "1 min 30 s", "30%", "two thirds", "halfway", "the end" are one
quantity each. What is a length ("lasts 3 seconds", "a 10-second clip") or a count ("2 people") is
said by the quantity, so that nobody takes it for a point in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from video_star.verifiers.edges import edge_after, is_left, offset_between
from video_star.verifiers.lengths import is_length
from video_star.verifiers.ordinals import ORDINAL_ENDINGS, is_of_seconds
from video_star.verifiers.points import CLIP, FOLLOWERS, PARTS, ends_well, part_at
from video_star.verifiers.text import STOP_WORDS
from video_star.verifiers.tokens import (
    APPROXIMATE,
    DASHES,
    UNITS,
    Token,
    skip_approximate,
    skip_silent,
    word_at,
)
from video_star.verifiers.wording import word_set

Unit = Literal["s", "back", "percent", "part", "none", "other"]
""" "back" counts seconds from the end of the clip ("2 s before the end")."""

ALONE = STOP_WORDS | word_set(
    "answer i'd i'll i'm it's that's say guess think believe would should could might be maybe "
    "perhaps probably final my one estimate between boxed"
)
"""Words beside which a number is still all that an answer says."""
_MOST_BESIDE = 10
"""Tokens that may frame such a number."""


@dataclass(frozen=True)
class Quantity:
    """One value with its place; tokens `first` to `last` (inclusive), characters start to end."""

    value: float
    """Seconds for "s" and "back", 0..1 for "part", as written for the others."""
    unit: Unit
    first: int
    last: int
    start: int
    end: int
    decimal: bool = False
    spelled: bool = False
    length: bool = False
    """A length of time rather than a point: "lasts 3 s", "3 s later", "a 10-second clip"."""
    scale: float = 1.0
    """Seconds of the unit that is written, where that is a single one: 60 for "1.5 minutes"."""
    out_of: float | None = None
    """What the number is out of: "8 out of 10", "8/10"."""


def quantities_of(tokens: Sequence[Token]) -> list[Quantity]:
    """All quantities in order; they do not overlap."""
    found: list[Quantity] = []
    i = 0
    while i < len(tokens):
        quantity = _quantity_at(tokens, i)
        if quantity and _is_slack(tokens, quantity.first):
            quantity = replace(quantity, unit="other")
        if quantity and quantity.unit == "s":
            quantity = _from_an_edge(tokens, quantity)
        if quantity:
            _add(tokens, found, quantity)
        i = quantity.last + 1 if quantity else i + 1
    return found


def _is_slack(tokens: Sequence[Token], first: int) -> bool:
    """Whether it only tells how exact another one is: "(\u00b12 s)", "+/- 2 s"."""
    before = [token.text for token in tokens[max(0, first - 3) : first]]
    return before[-1:] == ["\u00b1"] or before == ["+", "/", "-"]


def _add(tokens: Sequence[Token], found: list[Quantity], q: Quantity) -> None:
    """Append a quantity; "2 s after the 5 s mark" becomes a single one, 7 s."""
    one = found[-1] if found else None
    if one and one.unit == q.unit == "s" and tokens[one.last].kind != "clock":
        sign = offset_between(tokens, one.last, q.first)
        value = q.value + sign * one.value
        if sign and value >= 0:
            found[-1] = replace(q, value=value, first=one.first, start=one.start, length=False)
            return
    found.append(q)


def _quantity_at(tokens: Sequence[Token], i: int) -> Quantity | None:
    token = tokens[i]
    part = part_at(tokens, i)
    if part:
        value, last = part
        return _made(tokens, i, last, value, "part")
    if token.kind == "clock":
        last = i + 1 if word_at(tokens, i + 1) in UNITS else i
        if (
            word_at(tokens, i + 1) == "/"
            and tokens[i + 2 : i + 3]
            and tokens[i + 2].kind == "clock"
        ):
            last = i + 2  # "0:24 / 1:00"
        return _made(tokens, i, last, token.value, "s")
    if token.kind == "number":
        return _number_at(tokens, i)
    if token.text == "a" and word_at(tokens, i + 1) in ("minute", "hour"):
        return _compound(tokens, i, i + 1, UNITS[word_at(tokens, i + 1)])
    if token.text == "a" and word_at(tokens, i + 1) == "second":
        # "a second before the end", but not "a second person".
        told = word_at(tokens, i + 2) in ("before", "after", "past", "into", "left", "remaining")
        return _made(tokens, i, i + 1, 1.0, "s") if told else None
    if token.text in ("half", "quarter") and word_at(tokens, i + 1) == "a":
        share = 0.5 if token.text == "half" else 0.25
        if word_at(tokens, i + 2) in UNITS:
            value = share * UNITS[word_at(tokens, i + 2)]
            return _made(tokens, i, i + 2, value, "s")
    return None


def _from_an_edge(tokens: Sequence[Token], q: Quantity) -> Quantity:
    """ "2 seconds before the end", "3 seconds after the start", "with 2 seconds left"."""
    left = is_left(tokens, q.first, q.last)
    edge = (1.0, left) if left is not None else edge_after(tokens, q.last)
    if edge is None:
        return q
    value, last = edge
    unit: Unit = "back" if value else "s"
    return replace(q, unit=unit, last=last, end=tokens[last].end, length=False)


def _made(
    tokens: Sequence[Token],
    first: int,
    last: int,
    value: float,
    unit: Unit,
    out_of: float | None = None,
) -> Quantity:
    spelled = any(token.spelled for token in tokens[first : last + 1])
    decimal = any(token.decimal for token in tokens[first : last + 1])
    length = unit in ("s", "none") and is_length(tokens, first, last)
    place = tokens[first].start, tokens[last].end
    scale = UNITS.get(tokens[last].text, 1.0) if last == first + 1 and unit == "s" else 1.0
    return Quantity(value, unit, first, last, *place, decimal, spelled, length, scale, out_of)


def _number_at(tokens: Sequence[Token], i: int) -> Quantity | None:
    token = tokens[i]
    before = tokens[i - 1] if i else None
    if before and before.end == token.start and before.kind == "word" and before.text != "t":
        return None  # "mp4", "x1"
    fraction = _slash(tokens, i)
    if fraction:
        return fraction
    if word_at(tokens, i + 1) == "out" and word_at(tokens, i + 2) == "of":
        whole = skip_approximate(tokens, i + 3)
        if whole < len(tokens) and tokens[whole].kind == "number":
            return _whole(tokens, i, whole)
    if word_at(tokens, i + 1) == "of" and i + 2 < len(tokens) and tokens[i + 2].kind == "number":
        following = word_at(tokens, i + 3)
        if following not in UNITS and not is_count(tokens, _made(tokens, i, i + 2, 0.0, "none")):
            return _made(tokens, i, i + 2, token.value, "none", tokens[i + 2].value)  # "8 of 10"
    return _with_unit(tokens, i)


def _slash(tokens: Sequence[Token], i: int) -> Quantity | None:
    """ "2/3", "65.6/100", "65.6 points / 100"."""
    if word_at(tokens, i + 1) not in ("/", "\u2044") or i + 2 >= len(tokens):
        return None
    if tokens[i + 2].kind != "number" or word_at(tokens, i + 3) == "/":
        return None
    return _whole(tokens, i, i + 2)


def _whole(tokens: Sequence[Token], i: int, whole: int) -> Quantity:
    unit = word_at(tokens, whole + 1)
    if unit in UNITS and tokens[i].value >= 0:
        # "4.2 out of 10 seconds" is a time.
        return _made(tokens, i, whole + 1, tokens[i].value * UNITS[unit], "s")
    if word_at(tokens, whole + 1) == "of" and ends_well(tokens, whole + 1) and tokens[whole].value:
        return _made(tokens, i, whole, tokens[i].value / tokens[whole].value, "part")  # of the way
    return _made(tokens, i, whole, tokens[i].value, "none", tokens[whole].value)


def _with_unit(tokens: Sequence[Token], i: int) -> Quantity:
    token = tokens[i]
    j = skip_silent(tokens, i + 1)
    if word_at(tokens, j) in DASHES and word_at(tokens, j + 1) in UNITS:
        j += 1  # "3-second"
    if word_at(tokens, j) == "ish" or word_at(tokens, j + 1) == "ish":
        j = skip_silent(tokens, j + 1 + (word_at(tokens, j) != "ish"))  # "4-ish seconds"
    if word_at(tokens, j) == "(" and word_at(tokens, j + 1) in UNITS:
        j += 1  # "4.2 (seconds)"
    word = word_at(tokens, j)
    if word == "%" or word in ("percent", "pct"):
        return _made(tokens, i, j, token.value, "percent")
    if word == "per" and word_at(tokens, j + 1) == "cent":
        return _made(tokens, i, j + 1, token.value, "percent")
    glued = j == i + 1 and j < len(tokens) and tokens[j].start == token.end
    if word == "m" and glued and j + 1 < len(tokens) and tokens[j + 1].kind == "number":
        return _compound(tokens, i, j, token.value * 60)  # "1m30s"
    if word == "of" and 0 < token.value < 1 and ends_well(tokens, j):
        return _made(tokens, i, i, token.value, "part")  # "0.4 of the way through"
    if word in UNITS:
        if UNITS[word] >= 60:
            return _compound(tokens, i, j, token.value * UNITS[word])
        value, j = token.value * UNITS[word], j
        if word == "second" and word_at(tokens, j + 1) in PARTS:
            return _made(tokens, i, i, token.value, "other")
        if [word_at(tokens, j + k) for k in (1, 2, 3)] == ["and", "a", "half"]:
            return _made(tokens, i, j + 3, value + 0.5 * UNITS[word], "s")
        return _compound(tokens, i, j, value) if word != "ms" else _made(tokens, i, j, value, "s")
    if glued and word in ORDINAL_ENDINGS and is_of_seconds(tokens, j):
        last = j + (word_at(tokens, j + 1) in ("second", "sec"))
        return _made(tokens, i, last, token.value, "s")
    if glued and tokens[j].kind == "word":
        return _made(tokens, i, i, token.value, "other")  # "30fps", "2nd", "3x"
    lead = skip_silent(tokens, i - 1, -1)
    if word_at(tokens, lead) in ("second", "seconds", "sec", "secs"):
        ordinal = lead and tokens[lead - 1].kind == "number"
        if not ordinal:
            return _made(tokens, lead, i, token.value, "s")  # "second 3"
    if word_at(tokens, lead) == "minute" and tokens[lead - 1].kind != "number":
        return _made(tokens, lead, i, token.value * 60, "s")
    if word_at(tokens, lead) in ("frame", "frames", "step", "steps", "judge", "person"):
        return _made(tokens, i, i, token.value, "other")
    return _made(tokens, i, i, token.value, "none")


def _compound(tokens: Sequence[Token], i: int, j: int, value: float) -> Quantity:
    """ "1 min 30 s", "1 minute and a half", "1 hour, 2 minutes and 3 seconds"."""
    size = UNITS.get(tokens[j].text, 60.0)
    if [word_at(tokens, j + k) for k in (1, 2, 3)] == ["and", "a", "half"]:
        return _made(tokens, i, j + 3, value + size / 2, "s")
    k = j + 1
    while word_at(tokens, k) in ("and", ",") or (k == j + 1 and word_at(tokens, k) == "."):
        k += 1
    if k + 1 < len(tokens) and tokens[k].kind == "number" and tokens[k].value >= 0:
        smaller = UNITS.get(tokens[k + 1].text)
        if smaller is not None and smaller < size:
            value += tokens[k].value * smaller
            if smaller >= 60:
                return _compound(tokens, i, k + 1, value)
            return _made(tokens, i, k + 1, value, "s")
    bare = k == j + 1 and k < len(tokens) and tokens[k].kind == "number" and size == 60
    if bare and 0 <= tokens[k].value < 60 and (k + 1 == len(tokens) or tokens[k + 1].text in ".,;"):
        return _made(tokens, i, k, value + tokens[k].value, "s")  # "one minute twenty"
    return _made(tokens, i, j, value, "s")


def is_alone(
    tokens: Sequence[Token], first: int, last: int, also: frozenset[str] = frozenset()
) -> bool:
    """Whether tokens first..last are all that the answer says, but for marks and a frame."""
    if first + len(tokens) - 1 - last > _MOST_BESIDE:
        return False
    others = [*tokens[:first], *tokens[last + 1 :]]
    frame = ALONE | APPROXIMATE | also
    return all(t.kind == "mark" or t.text in frame for t in others)


def is_count(tokens: Sequence[Token], quantity: Quantity) -> bool:
    """Whether a noun follows that the number counts: "2 people", "3.5 somersaults"."""
    i = skip_silent(tokens, quantity.last + 1)
    if i >= len(tokens) or tokens[i].kind != "word":
        return False
    word = tokens[i].text
    key = word_at(tokens, i + 1) in (":", "=") and quantity.decimal
    return not key and word not in FOLLOWERS and word not in CLIP and not word.endswith("ly")
