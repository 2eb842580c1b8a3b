"""Chat models behind an OpenAI-compatible server; replies are kept, so each is asked for once.

The key of the server comes from the environment variable OPENAI_API_KEY, never from params.yaml.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from pydantic import Field, ValidationError

from video_star.core.errors import ServiceError, UsageError
from video_star.core.labels import Record

Messages: TypeAlias = Sequence[Mapping[str, str]]
"""A conversation of {"role", "content"}."""

ATTEMPTS = 5
"""How often a request is sent before its server counts as out of service."""
LONGEST_WAIT = 60.0
"""Seconds between two attempts at most, whatever the server asks for."""
WORKERS = 16
"""Requests in flight at once: servers batch them."""


class Chat(Protocol):
    """A chat model behind a server, or recorded replies of one."""

    @property
    def name(self) -> str:
        """The model's name and version, for reports."""

    def reply(self, messages: Messages) -> str:
        """Its answer to messages of {"role", "content"}; ServiceError when there is none."""


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
    timeout_s: float = 120.0
    first_wait_s: float = 1.0
    """Seconds before the second attempt; each later wait is twice as long."""

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise UsageError(
                f"The chat server's url is {self.url!r}; write it like http://127.0.0.1:8000/v1."
            )

    @property
    def sampling(self) -> dict[str, float]:
        """All that makes a reply besides the model and the messages."""
        return {"temperature": self.temperature, "max_tokens": self.max_tokens, **self.more}

    def reply(self, messages: Messages) -> str:
        """The first choice's text; busy servers (429, 5xx) and broken connections are retried."""
        import httpx

        body: dict[str, Any] = {"model": self.name, "messages": [dict(m) for m in messages]}
        body |= self.sampling
        problem, wait = "", 0.0
        for attempt in range(ATTEMPTS):
            time.sleep(wait)
            wait = min(self.first_wait_s * 2**attempt, LONGEST_WAIT)
            try:
                answer = self._client.post(
                    f"{self.url.rstrip('/')}/chat/completions", json=body, headers=_headers()
                )
            except httpx.TransportError as error:
                problem = f"{type(error).__name__} {error}".strip()
                continue
            if answer.status_code == httpx.codes.OK:
                return self._text(answer.content)
            if "max_tokens" in body and "max_completion_tokens" in answer.text:
                # Newer servers count reasoning as well and refuse the old name.
                body["max_completion_tokens"], wait = body.pop("max_tokens"), 0.0
                continue
            problem = f"status {answer.status_code}, {' '.join(answer.text.split())[:200]}"
            if not (answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error):
                break
            wait = max(wait, min(_asked_wait(answer.headers), LONGEST_WAIT))
        raise ServiceError(
            f"{self.url}: {self.name} does not answer ({problem}); start the server or correct its "
            "url and model (OPENAI_API_KEY holds its key), then run the command again."
        )

    @cached_property
    def _client(self) -> Any:
        """One pool of connections for all threads; redirects are not followed."""
        import httpx

        return httpx.Client(timeout=self.timeout_s)

    def _text(self, content: bytes) -> str:
        try:
            message = json.loads(content)["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError) as error:
            raise ServiceError(
                f"{self.url}: what {self.name} sent is no chat completion; "
                "name an OpenAI-compatible server."
            ) from error
        return message if isinstance(message, str) else ""


def _headers() -> dict[str, str]:
    key = os.environ.get("OPENAI_API_KEY", "")
    return {"Authorization": f"Bearer {key}"} if key else {}


def _asked_wait(headers: Mapping[str, str]) -> float:
    """Seconds that a busy server asks to wait (Retry-After); 0 where it names none."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else 0.0


class Recorded(Record):
    """One line of a file of replies."""

    key: str = Field(min_length=1)
    model: str
    messages: tuple[dict[str, str], ...]
    reply: str


class RecordedChat:
    """Replies on disk, by model, messages and sampling: what was asked once is never asked again.

    With `inner` a missing reply is asked for and appended, so that a killed process loses only what
    was in flight; without it a missing reply is a ServiceError. A line that a kill left unfinished
    is skipped and asked again. Threads and processes may share a file.
    """

    def __init__(
        self, path: Path, name: str, sampling: Mapping[str, float], inner: Chat | None = None
    ) -> None:
        self.path = path
        self.name = name
        self.sampling = dict(sampling)
        self.inner = inner
        self._lock = threading.Lock()
        self._replies: dict[bytes, str] = {}
        for record in _read(path):
            self._replies.setdefault(bytes.fromhex(record.key), record.reply)

    def reply(self, messages: Messages) -> str:
        """The recorded reply, or the inner model's, which is recorded."""
        key = self.key(messages)
        if (known := self._replies.get(key)) is not None:
            return known
        if self.inner is None:
            last = messages[-1]["content"] if messages else ""
            raise ServiceError(
                f"{self.path}: no reply of {self.name} is recorded for "
                f"{' '.join(last.split())[-160:]!r}; record it, or name a server."
            )
        reply = self.inner.reply(messages)
        self._record(key, messages, reply)
        return reply

    def key(self, messages: Messages) -> bytes:
        """sha256 of all that makes a reply."""
        parts = [self.name, [dict(m) for m in messages], self.sampling]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest()

    def _record(self, key: bytes, messages: Messages, reply: str) -> None:
        record = Recorded(
            key=key.hex(),
            model=self.name,
            messages=tuple(dict(m) for m in messages),
            reply=reply.encode("utf-8", "replace").decode("utf-8"),
        )
        line = f"{record.model_dump_json()}\n".encode()
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(b"" if _ends_well(file) else b"\n")
                file.write(line)
            self._replies.setdefault(key, record.reply)


def recorded(chat: OpenAIChat, path: Path) -> RecordedChat:
    """A server's model with its replies kept in a file."""
    return RecordedChat(path, chat.name, chat.sampling, chat)


def ask_all(chat: Chat, asked: Sequence[Messages], workers: int = WORKERS) -> list[str]:
    """A reply to each conversation, in order; equal ones are asked once.

    The first ServiceError ends it; conversations that have not been sent by then are not sent.
    """
    distinct = {json.dumps([dict(m) for m in messages]): messages for messages in asked}
    with ThreadPoolExecutor(min(workers, max(1, len(distinct)))) as pool:
        replies = {key: pool.submit(chat.reply, messages) for key, messages in distinct.items()}
        try:
            found = {key: future.result() for key, future in replies.items()}
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [found[json.dumps([dict(m) for m in messages])] for messages in asked]


def _read(path: Path) -> Iterator[Recorded]:
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                record = Recorded.model_validate_json(line)
                bytes.fromhex(record.key)
            except (ValidationError, ValueError):
                continue
            yield record


def _ends_well(file: Any) -> bool:
    """Whether a file that is open for appending is empty or ends with a whole line."""
    if not file.seek(0, os.SEEK_END):
        return True
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")
