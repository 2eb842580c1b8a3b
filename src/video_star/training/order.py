"""The order of the examples, drawn from the seed alone.

All epochs form one list of batches, so that a resumed run skips the first ones, and neither the
number of processes nor the micro batch size changes the examples of an optimizer step.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from video_star.core.hashing import stable_shuffle


def training_order(
    lengths: Sequence[int], epochs: int, batch_size: int, seed: int, pool: int | None
) -> list[list[int]]:
    """Batches of `batch_size` example indices that visit every example `epochs` times.

    `lengths` are tokens per example. The examples of `pool` batches are sorted by length together
    and these batches are shuffled; without a pool only the examples are. The last batch is filled
    up from the start of one more epoch.
    """
    n = len(lengths)
    steps = ceil(epochs * n / batch_size)
    flat: list[int] = []
    epoch = 0
    while len(flat) < steps * batch_size:
        flat.extend(stable_shuffle(range(n), seed, "order", epoch))
        epoch += 1
    flat = flat[: steps * batch_size]
    if pool is None:
        return [flat[at : at + batch_size] for at in range(0, len(flat), batch_size)]
    batches: list[list[int]] = []
    for number, start in enumerate(range(0, len(flat), pool * batch_size)):
        ordered = sorted(flat[start : start + pool * batch_size], key=lambda i: (lengths[i], i))
        cut = [ordered[at : at + batch_size] for at in range(0, len(ordered), batch_size)]
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
