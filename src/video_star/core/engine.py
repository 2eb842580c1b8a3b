"""The interface of an engine: takes requests, yields outcomes batch by batch.

An engine decides order and batches; a request is identified by its key and has its own seed, so
neither changes what is asked for. Batches are formed over all requests, also those whose answers
are known: after a kill the other requests are in the same batches as before, with equal rounding.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from video_star.core.records import Failure, ModelRef


@dataclass(frozen=True)
class Clip:
    """A video file or a part of it; None means from its start / to its end."""

    path: Path
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True)
class Sampling:
    """Sampling parameters; temperature 0 is greedy."""

    temperature: float
    top_p: float
    max_new_tokens: int


@dataclass(frozen=True)
class Request:
    """One prompt for the model, about a clip or without a video."""

    key: str
    clip: Clip | None
    prompt: str
    sampling: Sampling
    seed: int


@dataclass(frozen=True)
class Reply:
    """The model's answer to the request with this key."""

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

    @classmethod
    def of(cls, request: Request, error: Exception) -> Unusable:
        """The outcome of a request whose clip raised an error."""
        return cls(request.key, type(error).__name__, str(error))

    def failure(self, step: str, sample_id: str) -> Failure:
        """The record of what the step could not ask about."""
        return Failure(sample_id=sample_id, step=step, error=self.error, message=self.message)

    @classmethod
    def by_model(cls, request: Request, error: Exception) -> Unusable:
        """The same where a model cannot take the clip, which the error does not name."""
        assert request.clip is not None
        return cls(request.key, type(error).__name__, f"{request.clip.path}: {error}")


Outcome: TypeAlias = Reply | Unusable


class Engine(Protocol):
    """Answers requests with the weights of `ref`."""

    @property
    def ref(self) -> ModelRef: ...

    def answer(
        self, requests: Sequence[Request], known: Collection[str] = ()
    ) -> Iterator[Sequence[Outcome]]:
        """Answer every request whose key is not in `known` exactly once, one list per batch."""
        ...
