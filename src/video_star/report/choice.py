"""An even choice of texts out of more than there is room for, in one pass.

Of every stratum those with the smallest hash of their name stay, of each as many as the room
allows: whenever it is exceeded, the largest stratum gives up its last one. So small strata stay
whole, memory is bounded by the room, and the choice is the same for the same texts in any process.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from video_star.core.hashing import stable_hash


class Choice:
    """Add texts, then iterate over those that were chosen."""

    def __init__(self, room: int) -> None:
        """`room`: bytes of the texts that are held."""
        self.seen = 0
        """How many were added."""
        self._room, self._held, self._level = room, 0, 0
        self._strata: dict[str, list[tuple[int, str]]] = {}

    def add(self, stratum: str, name: str, text: str) -> None:
        """Add a text; `name` is its own among all, and decides how early it is chosen."""
        self.seen += 1
        held, last = self._strata.setdefault(stratum, []), -stable_hash(name)
        if self._level and len(held) >= self._level and last < held[0][0]:
            return  # it would be the next to go
        heappush(held, (last, text))
        self._held += len(text.encode())
        while self._held > self._room:
            largest = max(self._strata, key=lambda key: (len(self._strata[key]), key))
            _, gone = heappop(self._strata[largest])
            self._held -= len(gone.encode())
            self._level = max(len(self._strata[largest]), 1)

    def __iter__(self) -> Iterator[str]:
        """The first of every stratum, then the second of every one that has two, and so on."""
        ordered = [sorted(self._strata[key], reverse=True) for key in sorted(self._strata)]
        for rank in range(max(map(len, ordered), default=0)):
            yield from (held[rank][1] for held in ordered if rank < len(held))
