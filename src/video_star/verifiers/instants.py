"""Instants of a clip in an answer: which quantities are one, and moments named in words."""

from __future__ import annotations

from collections.abc import Sequence

from video_star.verifiers.points import CLIP, clip_edge, ends_well
from video_star.verifiers.quantities import Quantity, is_alone, is_count
from video_star.verifiers.roles import is_not_until, is_of_clip
from video_star.verifiers.tokens import UNITS, Token, skip_approximate, skip_silent, word_at
from video_star.verifiers.wording import word_set

_LEADS = word_set("at around about near after is was time timestamp second = : @ approximately t")
"""Before a bare number these make it an instant."""
_BOUNDS = word_set(
    "least most before until till within under than over to through every from since by after past"
)
"""Before a quantity these make it the bound of something, not an instant."""
_NEAR_BOUNDS = word_set("before after past over under")
_SOFT = word_set("just right shortly slightly immediately barely bit little moments moment")
"""Before "before" or "over" these keep it near: "just before 5 s", "a little over 5 s"."""
_FAR = word_set("well long sometime time anytime much some considerably somewhere way only")
"""Before "after" these leave open when it is."""
_EQUALS = word_set(
    "corresponds corresponding equal equivalent equates translates amounts converts close"
)
_MOMENTS = {
    **dict.fromkeys(("first", "opening", "initial"), 0.0),
    **dict.fromkeys(("last", "final", "closing"), 1.0),
}
_BRIEF = word_set("frame second moment moments instant instants sec millisecond")
_SHOWS = word_set("show shows showed captures features contains")
_AT_ONCE = word_set("immediately instantly straightaway")
_RELATIVE = word_set("after before upon following when as once behind above below next if")


def is_instant(tokens: Sequence[Token], q: Quantity) -> bool:
    """Whether a quantity is a point in time of what was asked, and no length, bound or count."""
    if q.unit == "other" or q.value < 0 or is_of_clip(tokens, q):
        return False
    lead = skip_approximate(tokens, q.first - 1, -1)
    word = word_at(tokens, lead)
    if q.length:
        return q.unit == "s" and word in ("takes", "took") and word_at(tokens, q.last + 1) in (
            *("until", "till", "before"),
        )  # fmt: skip
    if word in ("first", "last"):
        return word == "first" and q.unit == "s" and _turns_after(tokens, q)
    if word == "to" and word_at(tokens, lead - 1) in _EQUALS:
        return q.unit != "none"
    if word in _BOUNDS and not _is_near(tokens, q, lead):
        return False
    if q.unit != "none":
        return True
    nearest = word_at(tokens, q.first - 1)
    if word in ("{", "(") and word_at(tokens, lead - 1) in ("time", "timestamp", "boxed"):
        return True
    alone = is_alone(tokens, q.first, q.last)
    listed = _is_listed(tokens, lead)
    told = alone or listed or word in _LEADS or nearest in _LEADS
    return told and not is_count(tokens, q)


def _is_listed(tokens: Sequence[Token], lead: int) -> bool:
    """ "at 5 s, maybe 8, or even 9"."""
    i = lead
    while word_at(tokens, i) in (",", "or", "even", "maybe", "perhaps"):
        i -= 1
    told = tokens[i].kind in ("number", "clock") or tokens[i].text in UNITS
    return 0 <= i < lead and told


def _is_near(tokens: Sequence[Token], q: Quantity, lead: int) -> bool:
    """Whether "before", "after" or "until" right before a quantity tell nearly when it is."""
    word = word_at(tokens, lead)
    if word in ("until", "till"):
        return _turns_after(tokens, q) or is_not_until(tokens, lead, ends=True)
    before = word_at(tokens, lead - 1)
    close = before in _SOFT or (before == "long" and word_at(tokens, lead - 2) == "not")
    if word in ("after", "past"):
        return close or before not in _FAR
    return close and word in _NEAR_BOUNDS


def _turns_after(tokens: Sequence[Token], q: Quantity) -> bool:
    """ "until 4 s, when it falls", "for the first 4 seconds, then"."""
    i = skip_silent(tokens, q.last + 1)
    while word_at(tokens, i) in (",", "and", "of", "the", "mark") or word_at(tokens, i) in CLIP:
        i += 1
    return word_at(tokens, i) in ("when", "then", "before")


def named_moments(tokens: Sequence[Token]) -> list[tuple[float, int, int]]:
    """Moments at either edge of a clip in words: 0 or 1 with the first and the last token.

    "in the first frame", "in the final second", "as the clip ends", "immediately".
    """
    found = []
    for i, token in enumerate(tokens):
        word = token.text
        if word in ("as", "when", "once", "before"):
            edge = clip_edge(tokens, i + 1 + 2 * (word_at(tokens, i + 1) == "soon"))
            if edge is not None and word_at(tokens, i - 1) != "until":
                near = word != "before" or word_at(tokens, i - 1) in _SOFT
                if near:
                    found.append((edge[0], i, edge[1]))
        elif word in _MOMENTS:
            last = _brief(tokens, i + 1)
            shown = last is not None and word_at(tokens, last + 1) in _SHOWS
            if last is not None and (shown or ends_well(tokens, last + 1)):
                found.append((_MOMENTS[word], i, last))
        elif word in _AT_ONCE or (
            word in ("right", "straight") and word_at(tokens, i + 1) == "away"
        ):
            last = i + (word not in _AT_ONCE)
            if word_at(tokens, last + 1) not in _RELATIVE:
                found.append((0.0, i, last))
    return found


def _brief(tokens: Sequence[Token], i: int) -> int | None:
    while word_at(tokens, i) in ("few", "couple", "of", "half", "very", "split"):
        i += 1
    return i if word_at(tokens, i) in _BRIEF else None
