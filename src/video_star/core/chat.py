"""Chat models behind an OpenAI-compatible server; with a file of replies, each is asked for once.

The client is `openai`, imported when a server is asked. The server's key comes from the environment
variable OPENAI_API_KEY, never from params.yaml.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias

from pydantic import Field, ValidationError

from video_star.core.errors import ServiceError, UsageError
from video_star.core.hashing import sha256
from video_star.core.labels import Record

Messages: TypeAlias = Sequence[Mapping[str, str]]
"""A conversation of {"role", "content"}."""

RETRIES = 5
"""Of a request, where a server is busy (429, 5xx) or out of reach: some 15 s of waiting."""
WORKERS = 16
"""Requests in flight at once: servers batch them."""


class Chat(Protocol):
    """A model that replies to conversations."""

    @property
    def name(self) -> str:
        """The model's name, for reports."""

    def replies(self, conversations: Sequence[Messages]) -> list[str]:
        """One reply to each conversation, in order; ServiceError when a server gives none."""


def conversation(system: str, user: str) -> Messages:
    """A system and a user message; half a surrogate pair cannot be sent and becomes "?"."""
    sent = user.encode("utf-8", "replace").decode("utf-8")
    return [{"role": "system", "content": system}, {"role": "user", "content": sent}]


@dataclass(frozen=True)
class OpenAIChat:
    """A model of any server with POST {url}/chat/completions (vLLM, SGLang, OpenAI, ...)."""

    url: str
    """Base of the server, such as http://127.0.0.1:8000/v1."""
    name: str
    temperature: float
    max_tokens: int
    more: Mapping[str, float] = field(default_factory=dict)
    """Other sampling parameters that the server knows ("top_p")."""
    file: Path | None = None
    """Where replies are kept, by model, messages and sampling; processes may share it."""
    timeout_s: float = 120.0

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise UsageError(
                f"The chat server's url is {self.url!r}; write it like http://127.0.0.1:8000/v1."
            )

    @property
    def sampling(self) -> dict[str, float]:
        """Everything besides the model and the messages that a reply depends on."""
        return {"temperature": self.temperature, "max_tokens": self.max_tokens, **self.more}

    def replies(self, conversations: Sequence[Messages], workers: int = WORKERS) -> list[str]:
        """The replies in order; equal conversations are sent once, those on file not at all.

        The first ServiceError ends it; what has not been sent by then is not sent.
        """
        keys = [self._key(messages) for messages in conversations]
        kept = self._store.replies if self._store else {}
        missing = {
            key: own for key, own in zip(keys, conversations, strict=True) if key not in kept
        }
        with ThreadPoolExecutor(workers) as pool:
            sent = {key: pool.submit(self._ask, key, own) for key, own in missing.items()}
            try:
                new = {key: reply.result() for key, reply in sent.items()}
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [new[key] if key in new else kept[key] for key in keys]

    def _key(self, messages: Messages) -> str:
        parts = [self.name, [dict(m) for m in messages], self.sampling]
        return sha256(json.dumps(parts, sort_keys=True))

    def _ask(self, key: str, messages: Messages) -> str:
        """The text of the server's first choice, kept on file."""
        reply = self._request([dict(message) for message in messages], self.sampling)
        return self._store.add(key, self.name, messages, reply) if self._store else reply

    def _request(self, messages: list[dict[str, str]], sampling: Mapping[str, float]) -> str:
        import openai

        key = os.environ.get("OPENAI_API_KEY")
        try:
            completion = self._client.chat.completions.create(
                model=self.name,
                messages=messages,
                extra_headers={"Authorization": f"Bearer {key}" if key else openai.omit},
                extra_body=sampling,
            )
            text = completion.choices[0].message.content
        except openai.APIStatusError as error:
            if "max_tokens" in sampling and "max_completion_tokens" in error.response.text:
                # Newer servers count reasoning as well and refuse the old name.
                rest = {name: value for name, value in sampling.items() if name != "max_tokens"}
                return self._request(messages, {**rest, "max_completion_tokens": self.max_tokens})
            body = " ".join(error.response.text.split())[:200]
            raise self._failure(f"status {error.status_code}, {body}") from error
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            raise self._failure(f"{type(cause).__name__} {cause}".strip()) from error
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ServiceError(
                f"{self.url}: what {self.name} sent is no chat completion; "
                "name an OpenAI-compatible server."
            ) from error
        return text if isinstance(text, str) else ""

    def _failure(self, problem: str) -> ServiceError:
        return ServiceError(
            f"{self.url}: {self.name} does not answer ({problem}); start the server or correct its "
            "url and model (OPENAI_API_KEY holds its key), then run the command again."
        )

    @cached_property
    def _client(self) -> Any:
        """One pool of connections for all threads; redirects are not followed."""
        import openai

        return openai.OpenAI(
            base_url=self.url,
            api_key="set for each request",  # the client refuses to be made without one
            max_retries=RETRIES,
            http_client=openai.DefaultHttpxClient(timeout=self.timeout_s, follow_redirects=False),
        )

    @cached_property
    def _store(self) -> _Replies | None:
        return _Replies(self.file) if self.file else None


class _Reply(Record):
    """One line of a file of replies."""

    key: str = Field(pattern="^[0-9a-f]{64}$")
    model: str
    messages: tuple[dict[str, str], ...]
    reply: str


class _Replies:
    """Replies on disk, appended as they come: a killed process loses only what was in flight.

    A line that a kill left unfinished is skipped. Threads and processes may share a file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.replies: dict[str, str] = {}
        if path.exists():
            with path.open("rb") as file:
                for line in file:
                    with suppress(ValidationError):
                        record = _Reply.model_validate_json(line)
                        self.replies.setdefault(record.key, record.reply)

    def add(self, key: str, model: str, messages: Messages, reply: str) -> str:
        """The reply as it is kept."""
        record = _Reply(
            key=key,
            model=model,
            messages=tuple(dict(m) for m in messages),
            reply=reply.encode("utf-8", "replace").decode("utf-8"),
        )
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(b"" if _ends_with_line(file) else b"\n")
                file.write(f"{record.model_dump_json()}\n".encode())
            return self.replies.setdefault(key, record.reply)


def _ends_with_line(file: BinaryIO) -> bool:
    """Whether a file that is open for appending is empty or ends with a whole line."""
    if not file.seek(0, os.SEEK_END):
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
