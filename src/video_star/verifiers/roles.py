"""Which quantities of an answer are told as a start, an end or a length."""

from __future__ import annotations

from collections.abc import Sequence

from video_star.verifiers.points import CLIP
from video_star.verifiers.quantities import Quantity, is_count
from video_star.verifiers.tokens import DASHES, Token, skip_approximate, word_at
from video_star.verifiers.wording import word_set

JOINS = word_set("to until till through thru til") | DASHES | {"->", "-->", "\u2192"}
NEAR = 12
"""Tokens over which "starts" or "ends" is looked for."""
STARTS = word_set(
    "start starts started starting begin begins began begun beginning commence commences commenced "
    "onset initiates initiated opens"
)
ENDS = word_set(
    "end ends ended ending finish finishes finished finishing stop stops stopped stopping conclude "
    "concludes concluded concluding complete completes completed cease ceases ceased terminates"
)
_COMES = word_set("appears appeared emerges enters entered arrives arrived comes")
GOING = word_set("leave exit disappear vanish off")
_LEAVES = word_set(
    "reaches reached arrives arrived disappears disappeared vanishes leaves left exits exited off "
    "gone"
)
"""What comes and then leaves, or is on and then off, is there between."""
_STAYS = word_set("lasts lasting continues continuing stays staying remains remaining keeps")
ITSELF = word_set("clip video recording footage film movie")


def roles_of(tokens: Sequence[Token], free: Sequence[Quantity]) -> list[str]:
    """ "start", "end", "length" or "" for each quantity; a word gives its role to one of them."""
    claimed = past = -1
    roles: list[str] = []
    started = False
    for n, q in enumerate(free):
        if n and not _is_offset(tokens, free[n - 1]):
            past = free[n - 1].last
        if q.unit == "other" or is_of_clip(tokens, q) or (q.unit == "none" and is_count(tokens, q)):
            roles.append("")
            continue
        if q.length and q.unit == "s":
            roles.append("length" if started or not _is_offset(tokens, q) else "")
            continue
        low = max(claimed + 1, past + 1, q.first - NEAR)
        high = min(free[n + 1].first if n + 1 < len(free) else len(tokens), q.last + NEAR)
        role, at = _role_before(tokens, q, low, started)
        if not role:
            role, at = _role_after(tokens, q, high, started)
        if not role and n and free[n - 1].length and _is_until(tokens, q, free[n - 1].last):
            role = "end"
        if role:
            claimed = max(claimed, at)
        if not role and not started and _stays(tokens, q, free[n + 1 : n + 2]):
            role = "start"
        started = role == "start" or (started and role == "")
        roles.append(role)
    return roles


def _is_offset(tokens: Sequence[Token], q: Quantity) -> bool:
    """ "5 seconds after the whistle"."""
    return q.length and word_at(tokens, q.last + 1) in ("after", "before")


def _is_until(tokens: Sequence[Token], q: Quantity, last: int) -> bool:
    """ "for 5 seconds, until 8 s"."""
    lead = skip_approximate(tokens, q.first - 1, -1)
    return word_at(tokens, lead) in ("until", "till") and lead - last <= 2


def is_not_until(tokens: Sequence[Token], lead: int, *, ends: bool = False) -> bool:
    """Whether an "until" tells a start, or also an end: "does not open until 7 s"."""
    if word_at(tokens, lead) not in ("until", "till"):
        return False
    for i in range(lead - 1, max(-1, lead - NEAR), -1):
        word = tokens[i].text
        if word in (".", "!", "?", ";", ",") or (word in ENDS and not ends):
            return False
        if word in ("not", "never") or word.endswith("n't"):
            return True
    return False


def _stays(tokens: Sequence[Token], q: Quantity, following: Sequence[Quantity]) -> bool:
    """ "jumps at 3 s and stays there for 4 seconds", "flashes at 3 and stops at 5 s"."""
    if q.unit not in ("s", "none") or not following:
        return False
    between = [token.text for token in tokens[q.last + 1 : following[0].first]]
    del between[: between[:1] == [","]]
    lead = word_at(tokens, skip_approximate(tokens, q.first - 1, -1))
    if lead == "after" and _is_until(tokens, following[0], following[0].first):
        return "." not in between  # "after 5 s of rest he runs until 9 s"
    if not following[0].length:
        led = lead == "at"
        return led and between[:1] == ["and"] and not ENDS.isdisjoint(between[1:3])
    return q.unit == "s" and "." not in between and not _STAYS.isdisjoint(between)


def _role_before(tokens: Sequence[Token], q: Quantity, low: int, started: bool) -> tuple[str, int]:
    lead = skip_approximate(tokens, q.first - 1, -1)
    if started and lead >= low and word_at(tokens, lead) in JOINS:
        return "end", lead
    if lead >= low and (word_at(tokens, lead) == "from" or is_not_until(tokens, lead)):
        return "start", lead
    for i in range(q.first - 1, low - 1, -1):
        word = tokens[i].text
        if word in (".", "!", "?", ";"):
            break
        if word in STARTS or word in ENDS:
            return ("start" if word in STARTS else "end"), i
        if word in _COMES or (word == "on" and i >= lead - 1):
            return "start", i
        if started and word in _LEAVES:
            return "end", i
        if word in ("over", "done") and word_at(tokens, i - 1) in ("is", "was"):
            return "end", i
    return "", -1


def _role_after(tokens: Sequence[Token], q: Quantity, high: int, started: bool) -> tuple[str, int]:
    lead = skip_approximate(tokens, q.first - 1, -1)
    opens = word_at(tokens, lead - 1) in ("", ".", ",", ";", "and", "then")
    for i in range(q.last + 1, high):
        word = tokens[i].text
        ended = word in (".", "!", "?", ";", "and", "then")
        if ended or (word == "," and (i > q.last + 1 or not opens)):
            break
        if word in STARTS or word in ENDS:
            return ("start" if word in STARTS else "end"), i
        if started and word in _LEAVES:
            return "end", i
        if word in _COMES or (word in ("shows", "pops") and word_at(tokens, i + 1) == "up"):
            return "start", i
    return "", -1


def is_of_clip(tokens: Sequence[Token], q: Quantity) -> bool:
    """Whether it says where the clip itself starts or ends, or how long that is.

    "The video ends at 30 s", "in this 30-second clip", "the video is 30 s long".
    """
    lead = skip_approximate(tokens, q.first - 1, -1)
    if q.length:
        after = q.last + 1 + (word_at(tokens, q.last + 1) in DASHES)
        after += word_at(tokens, after) == "long"
        near = {word_at(tokens, lead - k) for k in range(3)}
        return word_at(tokens, after) in ITSELF or not (near.isdisjoint(ITSELF) or "for" in near)
    told = word_at(tokens, lead) == "at" and word_at(tokens, lead - 1) in ENDS | STARTS
    return told and word_at(tokens, lead - 2) in CLIP
