"""Which classes of a data set are easily taken for one another, by their names.

The likeness of two names is the share of lemmas that both have (of all lemmas of the two) plus the
cosine of their sentence embeddings, rounded to three digits; equally like ones go by alphabet.
Lemmas bring together what differs in the object ("playing guitar", "tapping guitar"), embeddings
what differs in every word ("yawning", "sleeping").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from video_star.verification.base import Embed
from video_star.verification.words import content, lemmas


class Confusable:
    """The classes of one data set."""

    def __init__(self, names: Sequence[str], embed: Embed) -> None:
        self._names = list(names)
        self._places = {name: place for place, name in enumerate(self._names)}
        self._lemmas = [_lemmas(name) for name in self._names]
        self._vectors = embed(self._names)

    def nearest(self, name: str) -> list[str]:
        """The other classes, the one most like `name` first."""
        own = self._places[name]
        cosines = self._vectors @ self._vectors[own]
        like = [
            round(self._shared(own, place) + float(cosines[place]), 3)
            for place in range(len(self._names))
        ]
        order = np.lexsort((self._names, [-value for value in like]))
        return [self._names[place] for place in order if place != own]

    def _shared(self, one: int, other: int) -> float:
        """Share of the lemmas of two names that both have; Jaccard's index, 0..1."""
        both = self._lemmas[one] | self._lemmas[other]
        return len(self._lemmas[one] & self._lemmas[other]) / len(both) if both else 0.0


def _lemmas(name: str) -> frozenset[str]:
    """The shortest lemma of each content word: one word, one element."""
    return frozenset(
        min(lemmas(word), key=lambda lemma: (len(lemma), lemma)) for word in content(name)
    )
