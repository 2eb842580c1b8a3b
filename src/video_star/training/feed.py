"""The micro batches of one process, made while it trains.

A process knows its clips a window of the order ahead (order.py). Threads read and preprocess them
and tokenize their examples, for the lengths by which the window is sorted; each process does so for
its share, and they exchange the tokens. Then they prepare the next micro batches. What was prepared
is kept within bounds (clips.py), so that a small set is prepared once for all epochs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from zlib import crc32

import torch

from video_star.core.engine import Clip
from video_star.core.errors import DataError, TooManyFailures, VideoError
from video_star.core.records import Failure, TrainingExample
from video_star.models.conversation import Conversations, Tokens
from video_star.training.bounded import Bounded
from video_star.training.clips import ClipEntry, ClipInputs
from video_star.training.examples import Examples
from video_star.training.failures import delete_failures, read_failures, write_failures
from video_star.training.job import Job, clip_of
from video_star.training.order import Order, micro_batches
from video_star.video.cache import FrameCache

TOKENS_AT_MOST = 256 << 20
"""Bytes of token ids that a process keeps from one epoch to the next."""
READERS = 2
"""Threads that prepare clips: one waits for a decoder while the other preprocesses."""
AHEAD = 4
"""Micro batches that are prepared before they are needed."""

Row = tuple[Tokens, ClipEntry]
"""An example as the collator takes it."""


class Reader:
    """Reads clips and tokenizes examples; safe for threads."""

    def __init__(
        self,
        examples: Examples | Sequence[TrainingExample],
        conversations: Conversations,
        frames: FrameCache,
        clips: ClipInputs,
        data: Path,
        video_roots: Sequence[Path] = (),
    ) -> None:
        """`clips` keeps what is prepared; `data` and `video_roots` are as of `clip_of`."""
        self.examples, self._conversations, self._frames = examples, conversations, frames
        self._clips, self._data, self._video_roots = clips, data, video_roots
        self._tokens: Bounded[int, Tokens] = Bounded(TOKENS_AT_MOST, _nbytes)
        self._lock = threading.Lock()
        """A processor serves one caller at a time."""
        self._unreadable: dict[Clip, str] = {}
        """Why clips could not be read; they are not tried again, which may take a deadline each."""

    def tokens(self, indices: Sequence[int]) -> dict[int, Tokens | Failure]:
        """Examples about one clip as token ids, or why the clip cannot be read."""
        found: dict[int, Tokens | Failure] = {}
        try:
            for index in indices:
                found[index] = self._tokens.get(index) or self._encode(index)
        except DataError as error:
            return {index: self._failure(index, error) for index in indices}
        return found

    def entry(self, index: int) -> tuple[Clip, ClipEntry]:
        """The clip of an example, as far as it is prepared; DataError when it cannot be read."""
        clip = clip_of(self.examples[index], self._data, self._video_roots)
        kept = self._clips.get(clip)
        if kept is not None:
            return clip, kept
        if clip in self._unreadable:
            raise VideoError(self._unreadable[clip])
        try:
            frames = self._frames.get(clip)
        except VideoError as error:
            self._unreadable[clip] = str(error)
            raise
        with self._lock:
            prepared = self._conversations.prepare(frames)
        return clip, self._clips.add(clip, prepared)

    def _encode(self, index: int) -> Tokens:
        outline, example = self.entry(index)[1].outline, self.examples[index]
        with self._lock:
            tokens = self._conversations.encode_conversation(
                outline, example.prompt, example.completion
            )
        self._tokens.put(index, tokens)
        return tokens

    def _failure(self, index: int, error: DataError) -> Failure:
        return Failure(
            sample_id=self.examples[index].sample_id,
            step="finetune",
            error=type(error).__name__,
            message=str(error),
        )


class Feed:
    """The micro batches of one process by their number; all processes ask for the same one."""

    def __init__(
        self,
        job: Job,
        rank: int,
        reader: Reader,
        clips: ClipInputs,
        collate: Callable[[Sequence[Row]], dict[str, Any]],
        send: Callable[..., None],
        step: int = 0,
    ) -> None:
        """Begins to read at once, from the window of an optimizer step on."""
        tune = job.finetune
        self.order = Order(
            *(len(reader.examples), tune.epochs, tune.batch_size, job.seed, tune.group_by_length)
        )
        self._job, self._rank, self._reader, self._clips = job, rank, reader, clips
        self._collate, self._send = collate, send
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        first = step // self.order.span
        self._failed = set(read_failures(job, first))
        if rank == 0:
            delete_failures(job, first)
        self._window = first - 1
        self._tokens: dict[int, Tokens] = {}
        self._micro: list[list[int]] = []
        self._ready: dict[int, Future[list[tuple[Clip, ClipEntry]]]] = {}
        self._share = self._share_of(first)
        """Of the window after this one: the examples that this process tokenizes, by clip."""
        self._reading: list[Future[dict[int, Tokens | Failure]]] = []
        """Of the first clips of `_share`."""
        self._read_share(len(self._share))

    def __len__(self) -> int:
        return self.order.steps * self._job.accumulation

    def __getitem__(self, number: int) -> dict[str, Any]:
        window, at = divmod(number, self.order.span * self._job.accumulation)
        if window != self._window:
            self._enter(window)
        self._read_ahead(at)
        rows = [
            (self._tokens[index], self._clips.encoded(clip, entry))
            for index, (clip, entry) in zip(
                self._micro[at], self._ready.pop(at).result(), strict=True
            )
        ]
        return self._collate(rows)

    def close(self) -> None:
        """End the threads, which may be waiting for a video: nothing needs what they read."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _enter(self, window: int) -> None:
        """Make the batches of a window from the lengths of its examples."""
        if window != self._window + 1:
            self._share, self._reading = self._share_of(window), []
        self._read_share(len(self._share))
        found: dict[int, Tokens | Failure] = {}
        for done, future in enumerate(self._reading, start=1):
            found |= future.result()
            if not self._micro:
                self._send(clips=done, of=len(self._reading))
        found = _from_all(found, self._job.world_size)
        self._tokens = {i: item for i, item in found.items() if isinstance(item, Tokens)}
        self._count(window, {i: item for i, item in found.items() if isinstance(item, Failure)})
        lengths = {index: len(tokens) for index, tokens in self._tokens.items()}
        job, batches = self._job, self.order.batches(window, lengths)
        self._micro = micro_batches(batches, job.micro_batch_size, job.world_size, self._rank)
        self._window, self._ready, self._reading = window, {}, []
        last = window + 1 == self.order.windows
        self._share = [] if last else self._share_of(window + 1)

    def _share_of(self, window: int) -> list[list[int]]:
        """The examples of a window that this process tokenizes, by clip.

        A clip belongs to the same process in all windows, which may still have its tokens.
        """
        by_clip: dict[tuple[str, float | None, float | None], list[int]] = {}
        for index in sorted(set(self.order.window(window))):
            item = self._reader.examples[index]
            if crc32(item.video.encode()) % self._job.world_size == self._rank:
                by_clip.setdefault((item.video, item.start_s, item.end_s), []).append(index)
        return list(by_clip.values())

    def _read_share(self, due: int) -> None:
        for indices in self._share[len(self._reading) : due]:
            self._reading.append(self._threads.submit(self._reader.tokens, indices))

    def _read_ahead(self, at: int) -> None:
        """Begin to prepare the next micro batches, and as much of the next window as is due."""
        for soon in range(at, min(at + 1 + AHEAD, len(self._micro))):
            if soon not in self._ready:
                self._ready[soon] = self._threads.submit(self._entries, self._micro[soon])
        self._read_share(len(self._share) * (at + 1) // len(self._micro))

    def _entries(self, indices: Sequence[int]) -> list[tuple[Clip, ClipEntry]]:
        return [self._reader.entry(index) for index in indices]

    def _count(self, window: int, failures: dict[int, Failure]) -> None:
        """Count the examples that cannot be read; TooManyFailures as soon as that is certain."""
        if not failures:
            return
        if self._rank == 0:
            write_failures(self._job, window, failures)
        self._failed |= failures.keys()
        n, limit = self.order.n, self._job.max_failure_rate
        first = next(iter(failures.values())).message
        if len(self._failed) / n > limit:
            raise TooManyFailures(
                f"The clips of {len(self._failed)} of {n} examples cannot be read, more than "
                f"max_failure_rate {limit:g} allows; the first: {first}"
            )
        if not self._tokens:
            raise DataError(f"No clip of {len(failures)} examples can be read; the first: {first}")


def _nbytes(tokens: Tokens) -> int:
    return sum(ids.nbytes for ids in (tokens.ids, tokens.type_ids) if ids is not None)


def _from_all(own: dict[int, Any], world_size: int) -> dict[int, Any]:
    """What all processes found."""
    if world_size == 1:
        return own
    parts: list[Any] = [None] * world_size
    torch.distributed.all_gather_object(parts, own)
    return {index: item for part in parts for index, item in part.items()}
