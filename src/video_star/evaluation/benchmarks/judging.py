"""Judges: who rates an answer that no rule can, and how a benchmark asks and reads them.

A judge is a chat model with a benchmark's prompts and its reading of the replies, or the results of
the benchmark's official scorer. Where an official scorer counts a reply that it cannot read as
wrong, the answer stays unscored here.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from pydantic import Field

from video_star.core.chat import Chat, Messages, OpenAIChat
from video_star.core.errors import DataError, UsageError
from video_star.core.hashing import sha256
from video_star.core.paths import Workspace
from video_star.core.urls import without_credentials
from video_star.evaluation.benchmarks.base import BenchmarkParams

A = TypeVar("A")
TEMPERATURE: Final = 0.0
"""The likeliest reply can be repeated; official judges draw at temperature 1."""


class JudgeParams(BenchmarkParams):
    """A judge in params.yaml."""

    url: str
    """Base of an OpenAI-compatible server, such as http://127.0.0.1:8000/v1."""
    model: str
    max_tokens: int | None = Field(default=None, ge=1)
    """Of a reply; None is what the protocol's replies need. A model that reasons needs thousands,
    as its thoughts count too."""


@dataclass(frozen=True)
class Rating:
    """A judge's rating of one answer."""

    correct: bool | None
    """None where the judge gave no rating that can be read; `reason` says why."""
    score: int | None = None
    """0..5, of protocols that ask for it."""
    reason: str = "judged"
    reply: Mapping[Any, Any] | None = None
    """The reply as the judge wrote it, where it is a dictionary."""


class Judge(ABC, Generic[A]):
    """Rates answers; a benchmark decides what it needs to know of each."""

    name: str
    version: str
    notes: Sequence[str] = ()
    """What a reader of the last ratings must know."""

    @property
    def slice(self) -> str:
        """The judge as a slice of metrics."""
        return f"judge={self.name} ({self.version})"

    def decides(self, answer: A, recognised: bool) -> bool:
        """Whether an answer is its to rate, which a rule of the benchmark recognises or not."""
        return not recognised

    @abstractmethod
    def rate(self, answers: Sequence[A]) -> list[Rating]:
        """One rating for each, in order; ServiceError when a server does not answer."""


@dataclass(frozen=True)
class JudgeProtocol(Generic[A]):
    """How a benchmark asks a judge about an answer and reads the reply."""

    name: str
    """Replies are kept in .work/judge/{name}.jsonl."""
    prompts: str
    """The version of the prompts, raised with every change, as ratings then change too."""
    max_tokens: int
    """Of a reply of a model that does not reason."""
    messages: Callable[[A], Messages]
    read: Callable[[A, str], Rating]
    """The rating in a reply to an answer; never raises."""
    recorded: Callable[[Path], Judge[A]]
    """Opens results of the official scorer; DataError when they are none."""

    def on_server(
        self, url: str, model: str, file: Path | None, max_tokens: int | None = None
    ) -> ChatJudge[A]:
        """The judge on an OpenAI-compatible server; `file` keeps its replies."""
        most = max_tokens or self.max_tokens
        return ChatJudge(self, OpenAIChat(url, model, TEMPERATURE, most, file=file), most)

    def from_params(self, params: JudgeParams, workspace: Workspace) -> ChatJudge[A]:
        """The judge that params.yaml names; its replies are kept in the workspace."""
        file = workspace.work / "judge" / f"{self.name}.jsonl"
        return self.on_server(params.url, params.model, file, params.max_tokens)

    def from_option(
        self, text: str, model: str | None, file: Path | None, max_tokens: int | None = None
    ) -> Judge[A] | None:
        """The judge of `--judge`: none, recorded:PATH or a URL; UsageError for anything else."""
        if text == "none":
            return None
        if text.startswith("recorded:"):
            return self.recorded(Path(text.removeprefix("recorded:")))
        if not text.startswith(("http://", "https://", "$")):
            raise UsageError(
                f"--judge {without_credentials(text)}: write none, recorded:FOLDER or the URL of "
                "an OpenAI-compatible server, such as http://127.0.0.1:8000/v1."
            )
        if model is None:
            raise UsageError(
                "--judge with a URL needs --judge-model, the model's name on that server."
            )
        return self.on_server(text, model, file, max_tokens)


class ChatJudge(Judge[A]):
    """A chat model as judge."""

    def __init__(
        self, protocol: JudgeProtocol[A], chat: Chat, max_tokens: int | None = None
    ) -> None:
        self.name = chat.name
        most = max_tokens or protocol.max_tokens
        self.version = f"{protocol.prompts}, temperature {TEMPERATURE:g}, max_tokens {most}"
        self._protocol, self._chat = protocol, chat

    def rate(self, answers: Sequence[A]) -> list[Rating]:
        replies = self._chat.replies([self._protocol.messages(answer) for answer in answers])
        ratings = list(map(self._protocol.read, answers, replies))
        self.notes = list(self._noted(ratings))
        return ratings

    def _noted(self, ratings: Sequence[Rating]) -> Iterator[str]:
        unclear = sum(rating.correct is None for rating in ratings)
        if unclear:
            yield (
                f"{unclear:,} of {len(ratings):,} replies of {self.name} hold no verdict, so these "
                "answers are unscored (a model that reasons needs more --judge-max-tokens)"
            )
        if isinstance(self._chat, OpenAIChat) and "temperature" in self._chat.refused:
            yield f"{self.name} takes no temperature, so another run may be judged otherwise"


class RecordedJudge(Judge[A]):
    """Results of an official scorer, from a file or a folder; the version is their content."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = f"recorded:{path.name}"
        self._contents: list[str | bytes] = []

    @abstractmethod
    def rating(self, answer: A) -> Rating:
        """The recorded rating; what was not recorded for this very answer is unscored."""

    def rate(self, answers: Sequence[A]) -> list[Rating]:
        return [self.rating(answer) for answer in answers]

    def read_json(self, path: Path, name: str) -> Any:
        """The content of a file, which counts for the version under this name."""
        try:
            raw = path.read_bytes()
            value = json.loads(raw)
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(f"{path}: cannot be read as JSON ({error}); fetch it again.") from error
        self._contents += [f"{name}\0", raw]
        self.version = f"sha256 {sha256(self._contents)[:16]}"
        return value
