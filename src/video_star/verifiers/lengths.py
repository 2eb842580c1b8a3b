"""Lengths of time in an answer, told apart from points in time."""

from __future__ import annotations

from collections.abc import Sequence

from video_star.verifiers.points import CLIP
from video_star.verifiers.tokens import DASHES, Token, skip_approximate, skip_silent, word_at
from video_star.verifiers.wording import word_set

_LENGTH_BEFORE = word_set(
    "lasts lasting last lasted takes taking took take for every duration spans totalling total "
    "long needs need needed requires"
)
_ABSOLUTE = word_set("at to until till from between is was and @")
"""Before "3 s after ..." these leave it a point in time."""
_LENGTH_AFTER = word_set(
    "long later earlier afterwards thereafter apart duration length longer ago"
)


def is_length(tokens: Sequence[Token], first: int, last: int) -> bool:
    """Whether tokens first..last are a length rather than a point: "lasts 3 s", "3 s later"."""
    lead = skip_approximate(tokens, first - 1, -1)
    before = word_at(tokens, lead)
    if before in ("is", "was", ":", "=") and word_at(tokens, lead - 1) in ("duration", "length"):
        return True
    nearest = word_at(tokens, skip_silent(tokens, first - 1, -1))
    after = skip_silent(tokens, last + 1)
    if word_at(tokens, after) in DASHES:
        after += 1
    following = word_at(tokens, after)
    if following in _LENGTH_AFTER or following in CLIP or nearest == "each":
        return True
    if following in ("after", "before") and before not in _ABSOLUTE:
        return True  # "3 s after the whistle"
    if before in ("him", "her", "them", "me", "it"):
        return word_at(tokens, lead - 1) in _LENGTH_BEFORE
    if before == "up" and word_at(tokens, lead - 1) in ("takes", "took"):
        return True
    return before in _LENGTH_BEFORE
