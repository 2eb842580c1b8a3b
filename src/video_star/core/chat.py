"""Chat models behind an OpenAI-compatible server; with a file of replies, each is asked for once.

The client is `openai`, imported when a server is asked. The server's key comes from the environment
variable OPENAI_API_KEY. A url may carry credentials (a user and password, a key in its query): they
are sent, and stand in no message, log or kept reply.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, TypeAlias

from pydantic import Field, ValidationError

from video_star.core.errors import ServiceError, UsageError
from video_star.core.hashing import sha256
from video_star.core.labels import Record
from video_star.core.private import private_file
from video_star.core.urls import (
    HIDDEN,
    credentials,
    from_environment,
    hide,
    without_credentials,
)

Messages: TypeAlias = Sequence[Mapping[str, str]]
"""A conversation of {"role", "content"}."""

RETRIES = 5
"""Of a request, where a server is busy (429, 5xx) or out of reach: some 15 s of waiting."""
WORKERS = 16
"""Requests in flight at once: servers batch them."""
_REFUSED = re.compile(r"support|deprecat|unrecognized|only the default|instead", re.I)
"""How servers say that a model does not take a parameter."""
_NEW_NAME = "max_completion_tokens"
_ADVICE = {
    400: "the model does not take such a request: name another model",
    401: "give its key in OPENAI_API_KEY",
    403: "give a key in OPENAI_API_KEY that may use this model",
    404: "correct its url (most end in /v1) and the model's name",
    422: "the model does not take such a request: name another model",
    429: "its limit is reached or the account is empty: wait or raise it",
}
"""What helps, by HTTP status (RFC 9110, 15.5)."""
_TROUBLE = "it is in trouble itself: see its log or wait"


class Refusal(ServiceError):
    """A server answered with an error."""

    def __init__(self, message: str, status: int, body: str) -> None:
        """`status` is of HTTP, `body` in the server's words: it may hold what must not be shown."""
        super().__init__(message)
        self.status, self.body = status, body


class Completed(NamedTuple):
    """Of a chat completion the first choice and the counted tokens, as the server sent them."""

    text: str
    finish_reason: Any
    usage: Any
    """None where the server counts none."""


class Chat(Protocol):
    """A model that replies to conversations."""

    @property
    def name(self) -> str:
        """The model's name, for reports."""

    def replies(self, conversations: Sequence[Messages]) -> list[str]:
        """One reply to each conversation, in order; ServiceError when a server gives none."""


def conversation(system: str, user: str) -> Messages:
    """A system and a user message."""
    return [{"role": "system", "content": system}, {"role": "user", "content": sendable(user)}]


def sendable(text: str) -> str:
    """Half a surrogate pair can neither be sent nor kept, and becomes "?"."""
    return text.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True)
class Server:
    """A model of any server with POST {url}/chat/completions (vLLM, SGLang, OpenAI, ...)."""

    url: str = field(repr=False)
    """Base of the server, such as http://127.0.0.1:8000/v1, or $NAME of an environment variable
    that holds it."""
    name: str
    timeout_s: float = field(default=120.0, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", from_environment(self.url))
        shown = without_credentials(self.url)
        if not self.url.startswith(("http://", "https://")) or shown.endswith(f"//{HIDDEN}"):
            raise UsageError(
                f"The chat server's url is {shown!r}; write it like http://127.0.0.1:8000/v1, and "
                "signs such as / in a password as %2F."
            )

    def complete(self, messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> Completed:
        """What the server makes of a request with these messages and other fields.

        Safe for threads. ServiceError when it gives no answer; Refusal when that is what it says.
        """
        with self._explained():
            completion = self._client.chat.completions.create(
                model=self.name,
                messages=list(messages),
                extra_headers=_authorization(),
                extra_body=dict(body),
            )
            choice = completion.choices[0]
            text = sendable(_text_of(choice.message.content))
            return Completed(text, choice.finish_reason, completion.usage)

    def served(self) -> set[str]:
        """Names of models that the server says it has; errors as of `complete`."""
        with self._explained():
            return {model.id for model in self._client.models.list(extra_headers=_authorization())}

    def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        if client := self.__dict__.pop("_client", None):
            client.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            raise self._refusal(error) from error
        except openai.APIConnectionError as error:
            raise self._out_of_reach(error) from error
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ServiceError(
                f"{without_credentials(self.url)}: what {self.name} sent is no chat completion; "
                "name an OpenAI-compatible server."
            ) from error

    def _refusal(self, error: Any) -> Refusal:
        status, body = error.status_code, " ".join(error.response.text.split())
        said = hide(body, self.url, _key())[:200]
        advice = _ADVICE.get(status, _TROUBLE if status >= 500 else _ADVICE[404])
        return Refusal(str(self._failure(f"status {status}, {said}", advice)), status, body)

    def _out_of_reach(self, error: Exception) -> ServiceError:
        cause = error.__cause__ or error
        problem = hide(f"{type(cause).__name__} {cause}".strip(), self.url, _key())
        return self._failure(problem, "start the server or correct its url")

    def _failure(self, problem: str, advice: str) -> ServiceError:
        return ServiceError(
            f"{without_credentials(self.url)}: {self.name} does not answer ({problem}); {advice}, "
            "then run the command again."
        )

    @cached_property
    def _client(self) -> Any:
        """One pool of connections for all threads; redirects are not followed."""
        import openai

        user, query = credentials(self.url)
        http = openai.DefaultHttpxClient(timeout=self.timeout_s, follow_redirects=False, auth=user)
        for package in {kind.__module__.partition(".")[0] for kind in type(http).__mro__}:
            # openai and the client below it log whole addresses below this level.
            logging.getLogger(package).setLevel(logging.WARNING)
        return openai.OpenAI(
            base_url=without_credentials(self.url),
            api_key="set for each request",  # the client refuses to be made without one
            default_query=query,
            max_retries=RETRIES,
            http_client=http,
        )


@dataclass(frozen=True)
class OpenAIChat(Server):
    """Such a model with its sampling, and a file of its replies."""

    temperature: float
    max_tokens: int
    more: Mapping[str, float] = field(default_factory=dict)
    """Other sampling parameters that the server knows ("top_p")."""
    file: Path | None = None
    """Where replies are kept, by model, messages and sampling; processes may share it."""
    refused: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    """Of `sampling`, what the model of the replies so far does not take: it uses its own."""

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
        made = [new[key] if key in new else kept[key] for key in keys]
        self.refused.update(name for reply in made for name in reply.refused)
        return [reply.reply for reply in made]

    def _key(self, messages: Messages) -> str:
        parts = [self.name, [dict(m) for m in messages], self.sampling]
        return sha256(json.dumps(parts, sort_keys=True))

    def _ask(self, key: str, messages: Messages) -> _Reply:
        """The text of the server's first choice, kept on file."""
        sent = tuple(dict(message) for message in messages)
        text = self._request(sent)
        reply = _Reply(
            key=key,
            model=self.name,
            messages=sent,
            reply=text,
            refused=tuple(sorted(self.refused)),
        )
        return self._store.add(reply) if self._store else reply

    def _request(self, messages: Sequence[dict[str, str]]) -> str:
        sampling = _without(self.sampling, self.refused)
        try:
            return self.complete(messages, sampling).text
        except Refusal as error:
            if not (refused := _refused(sampling, error.status, error.body)):
                raise
            self.refused.update(refused)
            return self._request(messages)

    @cached_property
    def _store(self) -> _Replies | None:
        return _Replies(self.file) if self.file else None


def _key() -> str:
    """The server's key, of the environment."""
    return os.environ.get("OPENAI_API_KEY", "").strip()


def _authorization() -> dict[str, Any]:
    import openai

    return {"Authorization": f"Bearer {_key()}" if _key() else openai.omit}


def _refused(sampling: Mapping[str, float], status: int, body: str) -> set[str]:
    """What of the sampling a server's refusal says that its model does not take.

    Models that reason (gpt-5, the o-series) want max_completion_tokens, which counts their thoughts
    as well, for max_tokens, and draw at a temperature and top_p of their own. A value that is out
    of range is no such refusal.
    """
    if status not in (400, 422) or not _REFUSED.search(body):
        return set()
    named = {name for name in sampling if re.search(rf"\b{name}\b", body)} - {_NEW_NAME}
    return named if _NEW_NAME in body else named - {"max_tokens"}


def _without(sampling: Mapping[str, float], refused: Collection[str]) -> dict[str, float]:
    """Sampling that a model takes, max_tokens by its new name where the old one is refused."""
    left = {name: value for name, value in sampling.items() if name not in refused}
    return {**left, _NEW_NAME: sampling["max_tokens"]} if "max_tokens" in refused else left


def _text_of(content: Any) -> str:
    """The text of a message: some servers send it in parts, thoughts apart from it."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


class _Reply(Record):
    """One line of a file of replies."""

    key: str = Field(pattern="^[0-9a-f]{64}$")
    model: str
    messages: tuple[dict[str, str], ...]
    reply: str
    refused: tuple[str, ...] = ()
    """What of the sampling the model did not take."""


class _Replies:
    """Replies on disk, appended as they come: a killed process loses only what was in flight.

    A line that a kill left unfinished is skipped. Threads and processes may share a file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.replies: dict[str, _Reply] = {}
        if path.exists():
            with path.open("rb") as file:
                for line in file:
                    with suppress(ValidationError):
                        record = _Reply.model_validate_json(line)
                        self.replies.setdefault(record.key, record)

    def add(self, record: _Reply) -> _Reply:
        """The reply as it is kept."""
        with self._lock:
            with private_file(self._path).open("ab+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(b"" if _ends_with_line(file) else b"\n")
                file.write(f"{record.model_dump_json(exclude_defaults=True)}\n".encode())
            return self.replies.setdefault(record.key, record)


def _ends_with_line(file: BinaryIO) -> bool:
    """Whether a file that is open for appending is empty or ends with a whole line."""
    if not file.seek(0, os.SEEK_END):
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
