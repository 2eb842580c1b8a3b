"""A name as it is looked for in an answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from video_star.verifiers.inflection import dictionary_form, similarity
from video_star.verifiers.text import read

Phrase = tuple[str, ...]

_OPPOSITES = (("on", "off"), ("in", "out"), ("into", "out"), ("onto", "off"), ("up", "down"))
"""Particles that turn an action round: "turns off the light" does not say "turn on the light"."""


@dataclass(frozen=True)
class Wanted:
    """A name to find."""

    words: Phrase
    """Its content words."""
    negative: frozenset[int] = frozenset()
    """Places in `words` that the name itself denies ("not moving")."""
    own: frozenset[str] = frozenset()
    """All its words, in their dictionary form."""
    opposed: frozenset[str] = frozenset()
    """Particles that would make it another action."""


def _alike(words: Phrase) -> Phrase:
    """The words, forms of one word written in one way: "tying tie" is looked for twice."""
    if len({word[0] for word in words}) == len(words):
        return words
    return tuple(
        next((first for first in words[:i] if similarity(word, first) == 1), word)
        for i, word in enumerate(words)
    )


@lru_cache(maxsize=1 << 16)
def wanted_of(words: Phrase, name: str) -> Wanted:
    """A phrase as it is looked for; `name` is the text it stems from."""
    reading = read(name)
    denied = {reading.words[i] for i in reading.denied}
    own = frozenset(dictionary_form(word) for word in reading.words)
    turned = {b for pair in _OPPOSITES for a, b in (pair, pair[::-1]) if a in own}
    return Wanted(
        _alike(tuple(dictionary_form(word) for word in words)),
        frozenset(i for i, word in enumerate(words) if word in denied),
        own,
        frozenset(turned - own),
    )
