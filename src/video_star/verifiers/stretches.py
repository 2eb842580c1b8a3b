"""Stretches of time in an answer, in seconds of the clip.

Understood are ranges ("from 0:03 to 0:07", "3-7 s", "[3.0, 7.5]", "between 30% and half of the
clip"), a start and an end ("starts at 2 and ends at 5 seconds", "begins at 2 s and lasts 3 s"),
portions ("the first 3 seconds", "the second half"), open ranges ("until 4 s", "after 5 s") and the
whole clip. The last two are weaker: they count only where nothing stronger is asserted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from video_star.verifiers.mentions import OPEN
from video_star.verifiers.points import CLIP, PARTS
from video_star.verifiers.quantities import Quantity, is_count
from video_star.verifiers.ranges import (
    Clip,
    Range,
    Unresolved,
    is_of_other,
    is_position,
    pairs_of,
)
from video_star.verifiers.roles import NEAR, is_not_until, roles_of
from video_star.verifiers.standing import Mention
from video_star.verifiers.tokens import UNITS, Token, skip_approximate, skip_silent, word_at
from video_star.verifiers.wording import word_set

Stretch = Range | Unresolved
PAIR, PORTION, WHOLE = 3, 3, 1
"""Ranks of mentions, beside `OPEN`."""
_FIRSTS = word_set("first opening initial")
_LASTS = word_set("last final closing")
_ON = word_set("onward onwards")
_NTH = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4}


def stretches_of(
    tokens: Sequence[Token], quantities: Sequence[Quantity], clip: Clip
) -> list[Mention[Stretch]]:
    """All stretches of time that an answer names."""
    found = list(_pairs(tokens, quantities, clip))
    used = {id(q) for _, qs in found for q in qs}
    mentions = [mention for mention, _ in found if mention is not None]
    mentions += _portions(tokens, quantities, clip)
    covered = set().union(*(range(*m.place) for m in mentions)) if mentions else set()
    free = [q for q in quantities if id(q) not in used and q.start not in covered]
    ends = list(_starts_and_ends(tokens, free, clip))
    mentions += [mention for mention, _ in ends]
    used |= {id(q) for _, qs in ends for q in qs}
    mentions += _open(tokens, [q for q in free if id(q) not in used], clip)
    mentions += _whole(tokens, clip)
    return mentions


def _stretch(values: tuple[float, ...] | None, qs: Sequence[Quantity]) -> Stretch | None:
    if values is None:
        fractions = any(q.unit in ("percent", "part", "back") for q in qs)
        return Unresolved() if fractions and all(q.unit != "other" for q in qs) else None
    start, end = values
    return (start, end) if start < end else None


def _pairs(
    tokens: Sequence[Token], quantities: Sequence[Quantity], clip: Clip
) -> Iterator[tuple[Mention[Stretch] | None, tuple[Quantity, ...]]]:
    """Ranges with their quantities; None for a range of lengths or counts."""
    for one, other in pairs_of(tokens, quantities):
        following = [t.text for t in tokens[other.last + 1 : other.last + 5]]
        position = is_position(tokens, one)
        relative = following[:1] in (["after"], ["before"])
        if other.length or ((one.length or relative) and not position) or (
            other.unit == "none" and is_count(tokens, other)
        ) or is_of_other(tokens, one):  # fmt: skip
            yield None, (one, other)
            continue
        of_clip = following[:1] == ["of"] and not CLIP.isdisjoint(following)
        stretch = _stretch(clip.seconds(one, other, of_clip=of_clip), (one, other))
        place = one.start, other.end
        yield None if stretch is None else Mention(stretch, (place,), PAIR), (one, other)


def _portions(
    tokens: Sequence[Token], quantities: Sequence[Quantity], clip: Clip
) -> list[Mention[Stretch]]:
    """ "the first 3 seconds", "the last 20%", "the second half", "the middle third"."""
    found = []
    by_first = {q.first: q for q in quantities}
    for i, token in enumerate(tokens):
        word = token.text
        j = skip_approximate(tokens, i + 1)
        q = by_first.get(j)
        if q and q.unit in ("s", "percent", "part") and word in _FIRSTS | _LASTS:
            end = q.end
            values = clip.seconds(q)
            part = _edge(values, word in _LASTS, clip)
        elif word in _FIRSTS | _LASTS and word_at(tokens, j) in ("second", "minute"):
            end = tokens[j].end
            part = _edge((UNITS[word_at(tokens, j)],), word in _LASTS, clip)
        elif word_at(tokens, j) in PARTS and word in _FIRSTS | _LASTS | _NTH.keys() | {"middle"}:
            if not _is_part_of_clip(tokens, j):
                continue
            end = tokens[j].end
            part = _nth(word, PARTS[word_at(tokens, j)], clip.duration)
        else:
            continue
        if part is not None:
            found.append(Mention[Stretch](part, ((token.start, end),), PORTION))
    return found


def _is_part_of_clip(tokens: Sequence[Token], j: int) -> bool:
    i = skip_silent(tokens, j + 1)
    if word_at(tokens, i) != "of":
        return True
    return not CLIP.isdisjoint(token.text for token in tokens[i + 1 : i + 5])


def _edge(values: tuple[float, ...] | None, at_end: bool, clip: Clip) -> Stretch | None:
    if values is None or (at_end and clip.duration is None):
        return Unresolved()
    length = values[0]
    if at_end and clip.duration is not None:
        return (max(0.0, clip.duration - length), clip.duration) if length > 0 else None
    return (0.0, length) if length > 0 else None


def _nth(word: str, parts: int, duration: float | None) -> Stretch | None:
    if word in _LASTS:
        index = parts - 1
    elif word == "middle":
        index = parts // 2 if parts % 2 else -1
    else:
        index = 0 if word in _FIRSTS else _NTH[word]
    if not 0 <= index < parts:
        return None
    if duration is None:
        return Unresolved()
    return index * duration / parts, (index + 1) * duration / parts


def _starts_and_ends(
    tokens: Sequence[Token], free: Sequence[Quantity], clip: Clip
) -> Iterator[tuple[Mention[Stretch], tuple[Quantity, ...]]]:
    """A start and the end that goes with it, or a start and a length."""
    roles = roles_of(tokens, free)
    start: Quantity | None = None
    end: Quantity | None = None
    length: Quantity | None = None
    for q, role in zip(free, roles, strict=True):
        if role == "":
            continue
        if role == "start":
            start = q
        elif role == "end":
            end = q
        else:
            length = q
        far = start and any(o and abs(o.first - start.first) > 4 * NEAR for o in (end, length))
        if start is None and end and length and abs(end.first - length.first) <= NEAR:
            values = clip.seconds(end, length)  # "lasts 3 s and ends at 8 s"
            if values is None or values[0] < values[1]:
                continue
            qs = (end, length)
            stretch = _stretch((values[0] - values[1], values[0]), qs)
        elif start is None or far:
            continue
        elif end is not None:
            stretch = _stretch(clip.seconds(start, end), (start, end))
            qs = (start, end)
        elif length is not None:
            values = clip.seconds(start, length)
            total = None if values is None else (values[0], values[0] + values[1])
            stretch, qs = _stretch(total, (start, length)), (start, length)
        else:
            continue
        if stretch is not None:
            places = tuple(sorted((q.start, q.end) for q in qs))
            yield Mention(stretch, places, PAIR), qs
        start = end = length = None


def _open(tokens: Sequence[Token], free: Sequence[Quantity], clip: Clip) -> list[Mention[Stretch]]:
    """ "until 4 s" starts with the clip; "after 5 s" and "from 5 s on" end with it."""
    found: list[Mention[Stretch]] = []
    for q in free:
        if q.length or (q.unit == "none" and is_count(tokens, q)):
            continue
        lead = skip_approximate(tokens, q.first - 1, -1)
        word = word_at(tokens, lead)
        values = clip.seconds(q)
        at = None if values is None else values[0]
        if is_not_until(tokens, lead):
            part: Stretch | None = _rest(at, clip.duration)
        elif word in ("until", "till", "before") or (
            word == "to" and word_at(tokens, lead - 1) == "up"
        ):
            part = Unresolved() if at is None else (0.0, at) if at > 0 else None
        elif word in ("after", "since", "from", "past") or word_at(tokens, q.last + 1) in _ON:
            part = _rest(at, clip.duration)
        else:
            continue
        if part is not None and q.unit != "other":
            place = tokens[lead].start if lead >= 0 else q.start
            found.append(Mention(part, ((place, q.end),), OPEN))
    return found


def _rest(at: float | None, duration: float | None) -> Stretch | None:
    """From an instant to the end of the clip."""
    if at is None or duration is None:
        return Unresolved()
    return (at, duration) if at < duration else None


def _whole(tokens: Sequence[Token], clip: Clip) -> list[Mention[Stretch]]:
    """ "the whole video", "the entire clip"."""
    part: Stretch = Unresolved() if clip.duration is None else (0.0, clip.duration)
    return [
        Mention(part, ((token.start, tokens[i + 1].end),), WHOLE)
        for i, token in enumerate(tokens)
        if token.text in ("whole", "entire", "full") and word_at(tokens, i + 1) in CLIP
    ]
