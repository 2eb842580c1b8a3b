"""Ranges of quantities, and quantities in seconds of a clip.

Numbers without any unit are seconds, with one exception: bare numbers of at most 1, one of them
with a decimal point, are fractions of the clip when its duration is known and neither question nor
answer speaks of seconds ("0.3 to 0.5").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from video_star.verifiers.quantities import Quantity, is_alone
from video_star.verifiers.roles import ENDS, ITSELF, JOINS, STARTS
from video_star.verifiers.tokens import (
    APPROXIMATE,
    DASHES,
    SILENT,
    Token,
    skip_approximate,
    skip_silent,
    word_at,
)
from video_star.verifiers.wording import word_set

_TRANSPARENT = (APPROXIMATE - DASHES) | word_set("t = mark marks point timestamp time minute")
"""Between the two ends these mean nothing: "t = 3 s to t = 7 s"."""
_BETWEEN = 8
"""Tokens that may stand between the two ends of a range."""
_TABLE = 200
"""Tokens before a row over which the names of its columns are looked for."""
_SECONDS = word_set("s sec secs second seconds timestamp timestamps")
_RUNS = word_set("lasts runs goes covers spans ranges extends is plays")
_MEASURED = word_set(
    "height heights speed speeds depth depths distance distances temperature temperatures age ages "
    "weight weights frame frames page pages angle angles number numbers row rows level levels "
    "section sections seats lanes chapters"
)
_NAMES = word_set("timestamp timestamps time times interval range segment span window result")
_BRACKETS = (("[", "]"), ("(", ")"), ("<", ">"), ("{", "}"))
_TAGGED = tuple((end, begin) for begin, end in _BRACKETS)
_RELATIVE = word_set("normalized normalised relative fraction fractions proportion")


@dataclass(frozen=True)
class Clip:
    """What turns quantities into seconds."""

    duration: float | None
    speaks_of_seconds: bool

    @classmethod
    def of(cls, duration: float | None, question: str, tokens: Sequence[Token]) -> Clip:
        """`question` is folded; an answer that says it is relative settles the matter."""
        words = {token.text for token in tokens}
        relative = not words.isdisjoint(_RELATIVE)
        asked = not _SECONDS.isdisjoint(question.replace("?", " ").split())
        return cls(duration, not relative and (asked or not words.isdisjoint(_SECONDS)))

    def seconds(self, *quantities: Quantity, of_clip: bool = False) -> tuple[float, ...] | None:
        """Quantities of one expression in seconds; None where they are none, or lack a duration."""
        units = {q.unit for q in quantities}
        if "other" in units or any(q.value < 0 for q in quantities):
            return None
        bare = units == {"none"}
        share = bare and all(q.value <= 1 for q in quantities) and any(
            q.decimal for q in quantities
        )  # fmt: skip
        if bare and share and self.duration and (of_clip or not self.speaks_of_seconds):
            return tuple(q.value * self.duration for q in quantities)
        # "30 to 50%": the unit that is said goes for both, a time's unit before a fraction's.
        # In "0.7 to 0.9 of the video" only the second one is told to be a part.
        shares = units == {"none", "part"} and all(q.value <= 1 for q in quantities)
        common = "percent" if units == {"none", "percent"} else "part" if shares else "s"
        return self._each(quantities, common)

    def _each(self, quantities: Sequence[Quantity], common: str) -> tuple[float, ...] | None:
        found = []
        for q in quantities:
            unit = common if q.unit == "none" else q.unit
            scale = max(other.scale for other in quantities) if q.unit == "none" else 1.0
            if q.out_of and q.unit == "none":
                unit, value = "part", q.value / q.out_of
            else:
                value = q.value / 100 if unit == "percent" else q.value * scale
            if unit == "back":
                if self.duration is None or value > self.duration:
                    return None
                value = self.duration - value
            elif unit != "s":
                if self.duration is None or value > 1:
                    return None
                value *= self.duration
            found.append(value)
        return tuple(found)


Range = tuple[float, float]


@dataclass(frozen=True)
class Unresolved:
    """A range in fractions of a clip whose duration is not known."""


def pairs_of(
    tokens: Sequence[Token], quantities: Sequence[Quantity]
) -> Iterator[tuple[Quantity, Quantity]]:
    """Quantities joined to one range: "3 to 7", "between 3 and 7", "3-7", "[3, 7]"."""
    i = 0
    while i + 1 < len(quantities):
        one, other = quantities[i], quantities[i + 1]
        if _is_pair(tokens, one, other):
            yield one, other
            i += 1
        i += 1


def _is_pair(tokens: Sequence[Token], one: Quantity, other: Quantity) -> bool:
    if other.first - one.last > _BETWEEN or one.unit == "other" or other.unit == "other":
        return False
    between = [
        token.text
        for token in tokens[one.last + 1 : other.first]
        if token.text not in SILENT | _TRANSPARENT
    ]
    if between[:1] == ["."] and tokens[one.last].text in ("s", "sec", "secs", "min", "mins"):
        del between[0]
    before = skip_approximate(tokens, one.first - 1, -1)
    lead = word_at(tokens, before)
    while lead in ("t", "=", "timestamp", "timestamps", "times", "seconds"):
        before = skip_approximate(tokens, before - 1, -1)
        lead = word_at(tokens, before)
    if lead == "and" and word_at(tokens, before - 1) == "between":
        lead = "between"
    if len(between) == 1 and between[0] in JOINS:
        if one.spelled and other.spelled and one.unit == other.unit == "none":
            return lead in ("from", "between")
        return not (between[0] in DASHES and one.unit == "part")
    if between in (["up", "to"], ["up", "until"], ["and", "until"]):
        return True
    if between == [",", "until"]:
        return not one.length
    if between in (["and"], ["&"]):
        return lead == "between"
    if between == ["|"]:
        return one.unit == other.unit == "s" or _has_start_and_end(tokens, one.first)
    return _in_brackets(tokens, one, other, between)


def _has_start_and_end(tokens: Sequence[Token], stop: int) -> bool:
    """Whether a table names its columns so: "| Start | End |"."""
    words = [token.text for token in tokens[max(0, stop - _TABLE) : stop]]
    starts = [i for i, word in enumerate(words) if word in STARTS]
    return any("|" in words[i + 1 : i + 4] and not ENDS.isdisjoint(words[i + 1 : i + 6])
               for i in starts)  # fmt: skip


def _in_brackets(
    tokens: Sequence[Token], one: Quantity, other: Quantity, between: Sequence[str]
) -> bool:
    opened = skip_silent(tokens, one.first - 1, -1)
    closed = skip_silent(tokens, other.last + 1)
    alone = is_alone(tokens, one.first, other.last, _NAMES)
    if alone and tuple(between) in _TAGGED:
        return True  # "<2.5><7.0>"
    if list(between) not in ([","], [";"], []):
        return False
    if alone:
        return True
    if (word_at(tokens, opened), word_at(tokens, closed)) not in _BRACKETS:
        return False
    spatial = ("position", "point", "coordinates", "coordinate", "pixel", "location", "corner")
    return word_at(tokens, opened - 1) not in spatial


def is_of_other(tokens: Sequence[Token], q: Quantity) -> bool:
    """Whether a range from q on is of the clip itself, of a measure, or only bounds something.

    "the clip lasts from 0 to 30 s", "at heights from 3 to 5", "before 3 to 5 s have passed".
    """
    i = skip_approximate(tokens, q.first - 1, -1)
    if word_at(tokens, i) in ("before", "after"):
        return word_at(tokens, q.last + 1) in {"to", "and"} | DASHES
    if word_at(tokens, i) in ("from", "between"):
        i = skip_approximate(tokens, i - 1, -1)
    if q.unit == "none" and word_at(tokens, i) in _MEASURED:
        return True
    if word_at(tokens, i) not in _RUNS:
        return False
    i -= 1 + (word_at(tokens, i - 1) == "itself")
    if word_at(tokens, i) not in ITSELF:
        return False
    i -= 1
    while word_at(tokens, i) in ("the", "this", "whole", "entire", "given", "your"):
        i -= 1
    return i < 0 or tokens[i].kind == "mark"


def is_position(tokens: Sequence[Token], q: Quantity) -> bool:
    lead = word_at(tokens, skip_approximate(tokens, q.first - 1, -1))
    return lead in ("from", "between", "spans", "spanning", "covers")
