"""Asks a model the questions of a step, shard by shard, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from video_star.core.context import StepContext
from video_star.core.engine import Outcome, Request, Unusable
from video_star.core.records import ModelRef
from video_star.generation.store import Shard, answer_shard, keep, look_up, open_store, outcome_of
from video_star.pipeline.executor import Worker, run_shards
from video_star.pipeline.shard_files import finished_results

SHARD = 1024
"""Requests of a shard. It decides which requests share a batch, and so rounding: not a setting."""
Asked: TypeAlias = Callable[[Request], Outcome]
"""The outcome of a request that was asked, read from the store."""


def ask_all(
    context: StepContext,
    step: str,
    ref: ModelRef,
    shards: Iterable[Sequence[Request]],
    total: int,
) -> Asked:
    """Ask what was never asked, `total` requests in shards; gives what looks outcomes up.

    Every batch is stored as it comes, so after a kill only what was being asked is asked again.
    """
    store = open_store(context.workspace, context.params, context.open_engine(ref))
    job = f"{step}-{context.round}-{store.path.stem}"
    unusable: dict[str, Unusable] = {}
    done, known, left = 0, 0, total

    def opened() -> Iterator[Shard]:
        nonlocal known, left
        for requests in shards:
            shard = look_up(store, requests)
            left -= len(requests) - shard.open  # progress is of what takes time
            known += len(shard.known)
            if shard.open:
                context.progress.update(done, left, "answers")
                yield shard

    for batch in finished_results(context.workspace, job):
        keep(store, batch, {})
    for batch in run_shards(context, job, partial(open_answering, ref), opened()):
        keep(store, batch, unusable)
        done += len(batch)
        context.progress.update(done, left, "answers")
    if known:
        context.progress.note(f"{known:,} of {total:,} answers were known from before.")
    return lambda request: outcome_of(store, request, unusable)


def open_answering(ref: ModelRef, context: StepContext) -> Worker[Shard, list[Outcome]]:
    """A worker that answers with the weights of `ref`."""
    return partial(answer_shard, context.open_engine(ref))
