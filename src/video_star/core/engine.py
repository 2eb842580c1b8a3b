"""The narrow door to a model: requests in, replies out, streamed as they come.

An engine decides order and batching; the caller knows each request by its key. Seeds belong to the
request, so that neither order nor batch composition is part of what is asked for. Batches are
formed over everything that is wanted, also what is known already: after a kill the rest of the work
falls into the same batches as before, and rounding differs nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from video_star.core.records import ModelRef


@dataclass(frozen=True)
class Clip:
    """The part of a video file that a request is about; None means from its start / to its end."""

    path: Path
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True)
class Sampling:
    """How an answer is drawn; temperature 0 is greedy."""

    temperature: float
    top_p: float
    max_new_tokens: int


@dataclass(frozen=True)
class Request:
    """One question to the model, about one clip or about no video at all."""

    key: str
    clip: Clip | None
    prompt: str
    sampling: Sampling
    seed: int


@dataclass(frozen=True)
class Reply:
    """What the model said to the request with this key."""

    key: str
    text: str
    finish_reason: Literal["stop", "length"]
    n_tokens: int


@dataclass(frozen=True)
class Unusable:
    """A request that could not be answered: its clip cannot be read."""

    key: str
    error: str
    message: str


Outcome: TypeAlias = Reply | Unusable


class Engine(Protocol):
    """Anything that answers questions about clips."""

    @property
    def ref(self) -> ModelRef: ...

    def answer(
        self, requests: Sequence[Request], known: Collection[str] = ()
    ) -> Iterator[Sequence[Outcome]]:
        """Answer every request whose key is not in `known` exactly once, one list per batch."""
        ...
