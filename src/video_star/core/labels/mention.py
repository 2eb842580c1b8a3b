"""Where a text mentions a name: all of its content words, by lemma and in the order of the name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from video_star.core.labels.words import Said, content, key_of, lemma

LONG = 3
"""A name of so many words may have any others between them."""
BETWEEN = 2
"""Words that may stand between two words of a shorter name ("playing the old guitar")."""
WORST = ("", "hedged", "asked", "contrasted", "negated", "words apart", "other order")
"""What speaks against a mention, the worst last."""


class Name(NamedTuple):
    """A name taken apart."""

    text: str
    key: str
    words: tuple[str, ...]
    """Its content words."""
    lemmas: frozenset[str]


@lru_cache(maxsize=1 << 14)
def name_of(text: str) -> Name:
    """A name taken apart."""
    words = content(text)
    return Name(text, key_of(text), words, frozenset(map(lemma, words)))


class Mention(NamedTuple):
    """Where a name stands."""

    first: int
    """Number of its first token."""
    last: int
    score: float
    """1.0, or the similarity of its words with misspelt ones."""
    against: str
    """ "", or why it is not plain: one of `WORST`."""


def mention(
    words: Sequence[str],
    said: Said,
    least: float = 2.0,
    between: int | None = None,
    known: Collection[str] = (),
) -> Mention | None:
    """The plainest mention of a name in a text; None where one of its words is missing.

    `least` is the similarity from which a word that no dictionary has counts as a misspelt one,
    `between` how many words may stand between two of the name. `known` words speak against nothing.
    """
    if between is None:
        between = BETWEEN if len(words) < LONG else len(said.words)
    places, score = [], 1.0
    for word in words:
        found = said.at(lemma(word))
        if not found and least > 1:
            return None
        if not found:
            from rapidfuzz import fuzz

            likely = ((fuzz.ratio(word, other) / 100, place) for other, place in said.unknown)
            ratio, place = max(likely, default=(0.0, 0))
            if not ratio or ratio < least:
                return None
            found, score = [place], min(score, ratio)
        places.append(found)
    if not places:
        return None
    made = []
    for first, last, gap in runs(places):
        if said.sentence_of(first) == said.sentence_of(last):
            apart = gap > between + 1
            against = "words apart" if apart else said.doubt(said.spans[first][0], known)
            made.append(Mention(first, last, score, against))
    if not made:
        firsts = [found[0] for found in places]
        return Mention(min(firsts), max(firsts), score, "other order")
    denied = next((one for one in made if one.against == "negated"), None)
    return denied or min(made, key=lambda one: WORST.index(one.against))


def runs(places: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, int]]:
    """Each way to take one token of each list, ascending: first, last and the widest step."""
    for first in places[0]:
        last, gap = first, 0
        for found in places[1:]:
            after = bisect_right(found, last)
            if after == len(found):
                return
            last, gap = found[after], max(gap, found[after] - last)
        yield first, last, gap
