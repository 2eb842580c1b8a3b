"""Times that are told from another point: "2 s before the end", "half a second after 5 s"."""

from __future__ import annotations

from collections.abc import Sequence

from video_star.verifiers.points import POINTS, clip_edge, ends_well
from video_star.verifiers.tokens import Token, skip_approximate, skip_silent, word_at
from video_star.verifiers.wording import word_set

_FROM = word_set("before after from past into")
_HAS = word_set("with only just has have had is are there leaving and")


def edge_after(tokens: Sequence[Token], last: int) -> tuple[float, int] | None:
    """What a length that ends at `last` is told from: "after the start", "before the clip ends".

    0 for the start and 1 for the end, with the last token; also "with 2 seconds left".
    """
    i = skip_silent(tokens, last + 1)
    word = word_at(tokens, i)
    if word not in _FROM:
        return None
    edge = _named_edge(tokens, i + 1) or clip_edge(tokens, i + 1)
    if edge is None:
        return None
    if (edge[0] == 1 and word in ("after", "past", "into")) or (edge[0] == 0 and word == "before"):
        return None
    return edge


def _named_edge(tokens: Sequence[Token], i: int) -> tuple[float, int] | None:
    while word_at(tokens, i) in ("the", "very"):
        i += 1
    value = POINTS.get(word_at(tokens, i))
    return (value, i) if value in (0.0, 1.0) and ends_well(tokens, i + 1) else None


def is_left(tokens: Sequence[Token], first: int, last: int) -> int | None:
    """The last token of "left" in "with 2 seconds left", "2 seconds to go"; else None."""
    i = skip_silent(tokens, last + 1)
    if word_at(tokens, i) == "to" and word_at(tokens, i + 1) == "go":
        return i + 1
    lead = word_at(tokens, skip_approximate(tokens, first - 1, -1))
    before = word_at(tokens, first - 1)
    if word_at(tokens, i) in ("left", "remaining") and (lead in _HAS or before in _HAS):
        return i if ends_well(tokens, i + 1) or word_at(tokens, i + 1) == "on" else None
    return None


def offset_between(tokens: Sequence[Token], last: int, first: int) -> int:
    """1 or -1 where the second of two times is what the first one is told from.

    "2 seconds after the 5 second mark" is 1, "half a second before 5 s" is -1; 0 for no such pair.
    """
    i = skip_approximate(tokens, last + 1)
    word = word_at(tokens, i)
    if word not in ("after", "past", "before") or skip_approximate(tokens, i + 1) != first:
        return 0
    return -1 if word == "before" else 1
