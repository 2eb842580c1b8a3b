"""The order of the examples, drawn from the seed alone.

All epochs form one list of batches, so that a resumed run skips the first ones, and neither the
number of processes nor the micro batch size changes the examples of an optimizer step.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from video_star.core.hashing import stable_shuffle

POOL = 16
"""Batches whose examples are sorted by length together: little padding, still shuffled."""


def training_order(
    lengths: Sequence[int], epochs: int, batch_size: int, seed: int, by_length: bool
) -> list[list[int]]:
    """Batches of `batch_size` example indices that visit every example `epochs` times.

    `lengths` are tokens per example. With `by_length`, examples of similar length share a batch and
    the order of the batches is shuffled. The last batch is filled up from the start of one more
    epoch.
    """
    n = len(lengths)
    steps = ceil(epochs * n / batch_size)
    flat: list[int] = []
    epoch = 0
    while len(flat) < steps * batch_size:
        flat.extend(stable_shuffle(range(n), seed, "order", epoch))
        epoch += 1
    flat = flat[: steps * batch_size]
    if not by_length:
        return [flat[at : at + batch_size] for at in range(0, len(flat), batch_size)]
    batches: list[list[int]] = []
    for number, start in enumerate(range(0, len(flat), POOL * batch_size)):
        pool = sorted(flat[start : start + POOL * batch_size], key=lambda i: (lengths[i], i))
        cut = [pool[at : at + batch_size] for at in range(0, len(pool), batch_size)]
        batches.extend(stable_shuffle(cut, seed, "batches", number))
    return batches


def micro_batches(
    batches: Sequence[Sequence[int]], micro: int, world_size: int, rank: int
) -> list[list[int]]:
    """The micro batches of one rank, in time order: number k of a step goes to rank k mod world."""
    mine: list[list[int]] = []
    for batch in batches:
        cut = [list(batch[at : at + micro]) for at in range(0, len(batch), micro)]
        mine.extend(cut[rank::world_size])
    return mine
