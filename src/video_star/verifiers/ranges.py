"""Ranges of quantities and what is said to start or end at one; quantities in seconds of a clip.

Numbers without any unit are seconds, with one exception: bare numbers of at most 1, one of them
with a decimal point, are fractions of the clip when its duration is known and neither question nor
answer speaks of seconds ("0.3 to 0.5").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from video_star.verifiers.points import CLIP
from video_star.verifiers.quantities import Quantity, is_alone, is_count
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

_JOINS = word_set("to until till through thru til") | DASHES | {"->", "-->", "\u2192"}
_TRANSPARENT = (APPROXIMATE - DASHES) | word_set("t = mark marks point timestamp time minute")
"""Between the two ends these mean nothing: "t = 3 s to t = 7 s"."""
_BETWEEN = 8
"""Tokens that may stand between the two ends of a range."""
_TABLE = 200
"""Tokens before a row over which the names of its columns are looked for."""
NEAR = 12
"""Tokens over which "starts" or "ends" is looked for."""
_STARTS = word_set(
    "start starts started starting begin begins began begun beginning commence commences commenced "
    "onset initiates initiated opens"
)
ENDS = word_set(
    "end ends ended ending finish finishes finished finishing stop stops stopped stopping conclude "
    "concludes concluded concluding complete completes completed cease ceases ceased terminates"
)
_COMES = word_set("appears appeared emerges enters entered arrives arrived comes")
_LEAVES = word_set(
    "reaches reached arrives arrived disappears disappeared vanishes leaves left exits exited off"
)
"""What comes and then leaves, or is on and then off, is there between."""
_STAYS = word_set("lasts lasting continues continuing stays staying remains remaining keeps")
_SECONDS = word_set("s sec secs second seconds timestamp timestamps")
_RUNS = word_set("lasts runs goes covers spans ranges extends is plays")
_ITSELF = word_set("clip video recording footage film movie")
_MEASURED = word_set(
    "height heights speed speeds depth depths distance distances temperature temperatures age ages "
    "weight weights frame frames page pages angle angles number numbers row rows level levels"
)
_NAMES = word_set("timestamp timestamps time times interval range segment span window result")
_BRACKETS = (("[", "]"), ("(", ")"), ("<", ">"), ("{", "}"))
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
    if len(between) == 1 and between[0] in _JOINS:
        if one.spelled and other.spelled and one.unit == other.unit == "none":
            return lead in ("from", "between")
        return not (between[0] in DASHES and one.unit == "part")
    if between in (["up", "to"], ["up", "until"], ["and", "until"]):
        return True
    if between in (["and"], ["&"]):
        return lead == "between"
    if between == ["|"]:
        return one.unit == other.unit == "s" or _has_start_and_end(tokens, one.first)
    return _in_brackets(tokens, one, other, between)


def _has_start_and_end(tokens: Sequence[Token], stop: int) -> bool:
    """Whether a table names its columns so: "| Start | End |"."""
    words = [token.text for token in tokens[max(0, stop - _TABLE) : stop]]
    starts = [i for i, word in enumerate(words) if word in _STARTS]
    return any("|" in words[i + 1 : i + 4] and not ENDS.isdisjoint(words[i + 1 : i + 6])
               for i in starts)  # fmt: skip


def _in_brackets(
    tokens: Sequence[Token], one: Quantity, other: Quantity, between: Sequence[str]
) -> bool:
    opened = skip_silent(tokens, one.first - 1, -1)
    closed = skip_silent(tokens, other.last + 1)
    if list(between) not in ([","], [";"], []):
        return False
    if is_alone(tokens, one.first, other.last, _NAMES):
        return True
    if (word_at(tokens, opened), word_at(tokens, closed)) not in _BRACKETS:
        return False
    spatial = ("position", "point", "coordinates", "coordinate", "pixel", "location", "corner")
    return word_at(tokens, opened - 1) not in spatial


def roles_of(tokens: Sequence[Token], free: Sequence[Quantity]) -> list[str]:
    """ "start", "end", "length" or "" for each quantity; a word gives its role to one of them."""
    claimed = -1
    roles: list[str] = []
    started = False
    for n, q in enumerate(free):
        if q.unit == "other" or is_of_clip(tokens, q) or (q.unit == "none" and is_count(tokens, q)):
            roles.append("")
            continue
        if q.length and q.unit == "s":
            roles.append("length")
            continue
        low = max(claimed + 1, free[n - 1].last + 1 if n else 0, q.first - NEAR)
        high = min(free[n + 1].first if n + 1 < len(free) else len(tokens), q.last + NEAR)
        role, at = _role_before(tokens, q, low, started)
        if not role:
            role, at = _role_after(tokens, q, high)
        if role:
            claimed = max(claimed, at)
        if not role and not started and _stays(tokens, q, free[n + 1 : n + 2]):
            role = "start"
        started = role == "start" or (started and role == "")
        roles.append(role)
    return roles


def _stays(tokens: Sequence[Token], q: Quantity, following: Sequence[Quantity]) -> bool:
    """ "jumps at 3 s and stays there for 4 seconds", "flashes at 3 and stops at 5 s"."""
    if q.unit not in ("s", "none") or not following:
        return False
    between = [token.text for token in tokens[q.last + 1 : following[0].first]]
    if not following[0].length:
        led = word_at(tokens, skip_approximate(tokens, q.first - 1, -1)) == "at"
        return led and between[:1] == ["and"] and not ENDS.isdisjoint(between[1:3])
    return q.unit == "s" and "." not in between and not _STAYS.isdisjoint(between)


def _role_before(tokens: Sequence[Token], q: Quantity, low: int, started: bool) -> tuple[str, int]:
    lead = skip_approximate(tokens, q.first - 1, -1)
    if started and lead >= low and word_at(tokens, lead) in _JOINS:
        return "end", lead
    if lead >= low and word_at(tokens, lead) == "from":
        return "start", lead
    for i in range(q.first - 1, low - 1, -1):
        word = tokens[i].text
        if word in (".", "!", "?", ";"):
            break
        if word in _STARTS or word in ENDS:
            return ("start" if word in _STARTS else "end"), i
        if word in _COMES or (word == "on" and i >= lead - 1):
            return "start", i
        if started and word in _LEAVES:
            return "end", i
        if word in ("over", "done") and word_at(tokens, i - 1) in ("is", "was"):
            return "end", i
    return "", -1


def _role_after(tokens: Sequence[Token], q: Quantity, high: int) -> tuple[str, int]:
    lead = skip_approximate(tokens, q.first - 1, -1)
    opens = word_at(tokens, lead - 1) in ("", ".", ",", ";", "and", "then")
    for i in range(q.last + 1, high):
        word = tokens[i].text
        ended = word in (".", "!", "?", ";", "and", "then")
        if ended or (word == "," and (i > q.last + 1 or not opens)):
            break
        if word in _STARTS or word in ENDS:
            return ("start" if word in _STARTS else "end"), i
    return "", -1


def is_of_clip(tokens: Sequence[Token], q: Quantity) -> bool:
    """Whether it says where the clip itself starts or ends ("the video ends at 30 s")."""
    lead = skip_approximate(tokens, q.first - 1, -1)
    told = word_at(tokens, lead) == "at" and word_at(tokens, lead - 1) in ENDS | _STARTS
    return told and word_at(tokens, lead - 2) in CLIP


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
    if word_at(tokens, i) not in _ITSELF:
        return False
    i -= 1
    while word_at(tokens, i) in ("the", "this", "whole", "entire", "given", "your"):
        i -= 1
    return i < 0 or tokens[i].kind == "mark"


def is_position(tokens: Sequence[Token], q: Quantity) -> bool:
    lead = word_at(tokens, skip_approximate(tokens, q.first - 1, -1))
    return lead in ("from", "between", "spans", "spanning", "covers")
