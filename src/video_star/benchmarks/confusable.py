"""Which classes of a data set are easily taken for one another, by their names.

The likeness of two names is the share of word stems that both have (of all stems of the two) plus
the cosine of their sentence embeddings, rounded to three digits; equally like ones go by alphabet.
Stems bring together what differs in the object ("playing guitar", "tapping guitar"), embeddings
what differs in every word ("yawning", "sleeping").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from video_star.verifiers.base import Embed
from video_star.verifiers.inflection import stem
from video_star.verifiers.text import content_words


class Confusable:
    """The classes of one data set."""

    def __init__(self, names: Sequence[str], embed: Embed) -> None:
        self._names = list(names)
        self._places = {name: place for place, name in enumerate(self._names)}
        self._stems = [frozenset(map(stem, content_words(name))) for name in self._names]
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
        """Share of the stems of two names that both have; Jaccard's index, 0..1."""
        both = self._stems[one] | self._stems[other]
        return len(self._stems[one] & self._stems[other]) / len(both) if both else 0.0
