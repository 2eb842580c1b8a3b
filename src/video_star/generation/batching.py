"""Groups requests into batches, by the requests alone."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import NamedTuple

from video_star.core.engine import Clip, Outcome, Request, Unusable
from video_star.video.cache import FrameCache
from video_star.video.decode import Frames

Batch = tuple[Request, ...]


def plan_batches(requests: Sequence[Request], size: int) -> list[Batch]:
    """Batches of at most `size` requests, in the order in which to run them.

    Requests about one clip are kept together, so that its frames are encoded once; clips are sorted
    by the length of their longest prompt, for little padding; a batch has one limit of new tokens.
    The plan depends neither on the order of `requests` nor on the paths of files.
    """
    batches: list[Batch] = []
    current: list[Request] = []
    for group in _groups(requests):
        limit = group[0].sampling.max_new_tokens
        # A clip is split over two batches only if the batch would be less than three quarters full.
        full = len(current) + len(group) > size and 4 * len(current) >= 3 * size
        if current and (full or current[0].sampling.max_new_tokens != limit):
            batches.append(tuple(current))
            current = []
        current.extend(group)
        while len(current) > size:
            batches.append(tuple(current[:size]))
            current = current[size:]
    return [*batches, tuple(current)] if current else batches


def open_batches(requests: Sequence[Request], known: Collection[str], size: int) -> list[Batch]:
    """The batches of `plan_batches` without the requests in `known`, as far as any are left."""
    plan = plan_batches(requests, size)
    return [todo for batch in plan if (todo := tuple(r for r in batch if r.key not in known))]


class Ready(NamedTuple):
    """A batch with the frames of its clips."""

    requests: Batch
    frames: dict[Clip, Frames]
    unusable: list[Outcome]
    """The requests whose clip cannot be read: they are not among `requests`."""


def ready_batches(
    requests: Sequence[Request], known: Collection[str], frames: FrameCache, size: int
) -> Generator[Ready, None, None]:
    """The batches of `open_batches`, of whose clips up to `size` are decoded in advance."""
    batches = open_batches(requests, known, size)
    clips = [clip for batch in batches for clip in clips_of(batch)]
    with closing(frames.prefetch(clips, depth=size)) as decoded:
        for batch in batches:
            found = list(islice(decoded, len(clips_of(batch))))
            errors = {item.clip: item.error for item in found if item.error is not None}
            yield Ready(
                tuple(r for r in batch if r.clip not in errors),
                {item.clip: item.frames for item in found if item.frames is not None},
                [Unusable.of(r, errors[r.clip]) for r in batch if r.clip in errors],
            )


def clips_of(requests: Sequence[Request]) -> tuple[Clip, ...]:
    """The distinct clips of some requests, in order of first mention."""
    return tuple(dict.fromkeys(r.clip for r in requests if r.clip is not None))


def _groups(requests: Sequence[Request]) -> Iterator[list[Request]]:
    """Requests of one clip and one limit of new tokens, sorted by length of prompt; so are groups.

    A request without a clip is a group of its own.
    """
    groups: dict[tuple[Clip | str, int], list[Request]] = {}
    for request in requests:
        key = (request.clip or request.key, request.sampling.max_new_tokens)
        groups.setdefault(key, []).append(request)
    for group in groups.values():
        group.sort(key=lambda request: (len(request.prompt), request.key))

    def position(item: tuple[tuple[Clip | str, int], list[Request]]) -> tuple[int, int, str]:
        (_, limit), group = item
        return limit, len(group[-1].prompt), min(request.key for request in group)

    for _, group in sorted(groups.items(), key=position):
        yield group
