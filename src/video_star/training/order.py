"""The order of the examples, drawn from the seed alone.

All epochs form one list, which is cut into windows of several batches. What a window holds is known
without reading any example; its batches follow from the lengths of its own examples. So a run reads
clips a window ahead, a resumed one starts at its window, and neither the number of processes nor
the micro batch size changes the examples of an optimizer step.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle
from math import ceil
from random import Random

from video_star.core.hashing import stable_hash, stable_shuffle

UNSORTED = 16
"""Batches of a window whose examples are not sorted; it changes no order."""


@dataclass(frozen=True)
class Order:
    """The order of `n` examples, each of them visited `epochs` times."""

    n: int
    epochs: int
    batch_size: int
    seed: int
    pool: int | None
    """The examples of so many batches are sorted by length together and these batches shuffled;
    None: only the examples are shuffled."""

    @property
    def steps(self) -> int:
        """Batches; the last one is filled up from the start of one more epoch."""
        return ceil(self.epochs * self.n / self.batch_size)

    @property
    def span(self) -> int:
        """Batches of a window; the last window may have fewer."""
        return self.pool or UNSORTED

    @property
    def windows(self) -> int:
        return ceil(self.steps / self.span)

    def window(self, number: int) -> list[int]:
        """The examples of a window, not yet in their order."""
        start = number * self.span * self.batch_size
        end = min(start + self.span * self.batch_size, self.steps * self.batch_size)
        return [_epoch(self.n, self.seed, at // self.n)[at % self.n] for at in range(start, end)]

    def batches(self, number: int, lengths: Mapping[int, int]) -> list[list[int]]:
        """The batches of a window; `lengths` are tokens of its readable examples, at least one.

        These take the places of those that cannot be read, in turn.
        """
        window = self.window(number)
        others = cycle([index for index in window if index in lengths])
        flat = [index if index in lengths else next(others) for index in window]
        if self.pool is not None:
            flat.sort(key=lambda index: (lengths[index], index))
        cut = [flat[at : at + self.batch_size] for at in range(0, len(flat), self.batch_size)]
        return cut if self.pool is None else stable_shuffle(cut, self.seed, "batches", number)


@lru_cache(maxsize=2)
def _epoch(n: int, seed: int, epoch: int) -> array[int]:
    """The examples of an epoch; a window may lie in two of them."""
    order = array("I", range(n))
    Random(stable_hash(seed, "order", epoch)).shuffle(order)
    return order


def micro_batches(
    batches: Sequence[Sequence[int]], micro: int, world_size: int, rank: int
) -> list[list[int]]:
    """The micro batches of one rank, in time order: number k of a step goes to rank k mod world."""
    mine: list[list[int]] = []
    for batch in batches:
        cut = [list(batch[at : at + micro]) for at in range(0, len(batch), micro)]
        mine.extend(cut[rank::world_size])
    return mine
