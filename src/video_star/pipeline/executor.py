"""Runs the shards of a step: one after the other here, or on the workers of a Ray cluster.

A shard is work of bounded size. What it gives depends on the shard alone, so neither the executor
nor the number of workers changes a byte of a step's outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeAlias, TypeVar

from video_star.core.context import StepContext

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")
Worker: TypeAlias = Callable[[S], Iterable[R]]
"""Yields the results of a shard as they are made."""
Opener: TypeAlias = Callable[[StepContext], Worker[S, R]]
"""Makes a worker, which may hold a model; it can be pickled."""


def run_shards(
    context: StepContext, job: str, opener: Opener[S, R], shards: Iterable[S]
) -> Iterator[R]:
    """The results of all shards, shard by shard in their order; `job` names the work."""
    if context.params.settings.executor != "local":
        from video_star.pipeline.ray_executor import run_on_ray

        yield from run_on_ray(context, job, opener, shards)
        return
    worker = opener(context)
    for shard in shards:
        yield from worker(shard)


def cut(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in order, `size` at a time."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
