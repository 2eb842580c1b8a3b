"""Answers kept by content: what was asked once is never asked again, and a kill loses one batch.

An append-only file per model, `.work/answers/<model key>.jsonl`. An answer's key covers all that
makes it: model, dtype, frames (file content, cut, policy), prompt, sampling, and the seed unless
greedy. A batch is appended in one write and synced; lines count down to its end, so a torn batch is
recognised and dropped as a whole (its requests are asked again together, in the same batch).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import ValidationError

from video_star.core.engine import Engine, Outcome, Reply, Request, Unusable
from video_star.core.errors import VideoError
from video_star.core.labels import Record
from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.core.progress import Progress
from video_star.video.cache import FrameCache

ENGINE = 1
"""Goes up when the engines give other text for the same request."""


class StoredReply(Record):
    """One line of the store."""

    key: str
    text: str
    finish_reason: Literal["stop", "length"]
    n_tokens: int
    left: int
    """How many lines of the same batch follow."""


@dataclass
class AnswerStore:
    """Replies by content key, shared by all processes that ask the same model."""

    path: Path
    frames: FrameCache
    salt: tuple[str, ...]
    """What else makes an answer: model and dtype."""
    _replies: dict[str, StoredReply] = field(default_factory=dict, repr=False)
    _end: int = 0
    """Bytes of the file that were read so far."""

    def __post_init__(self) -> None:
        with self._locked() as file:
            self._absorb(file)

    def key(self, request: Request) -> str:
        """Content key of a request; VideoError when its file cannot be read."""
        sampling = request.sampling
        greedy = sampling.temperature == 0
        parts = [
            ENGINE,
            *self.salt,
            "" if request.clip is None else self.frames.key(request.clip),
            request.prompt,
            sampling.max_new_tokens,
            *([] if greedy else [sampling.temperature, sampling.top_p, request.seed]),
        ]
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()

    def find(self, key: str) -> Reply | None:
        """The reply under a content key, if there is one."""
        stored = self._replies.get(key)
        if stored is None:
            return None
        return Reply(key, stored.text, stored.finish_reason, stored.n_tokens)

    def add(self, replies: Sequence[Reply]) -> None:
        """Append one batch of replies (keyed by content key), synced before it returns."""
        with self._locked() as file:
            self._absorb(file)
            new = [reply for reply in replies if reply.key not in self._replies]
            records = [
                StoredReply(
                    key=reply.key,
                    text=reply.text,
                    finish_reason=reply.finish_reason,
                    n_tokens=reply.n_tokens,
                    left=len(new) - place,
                )
                for place, reply in enumerate(new, start=1)
            ]
            file.write("".join(f"{record.model_dump_json()}\n" for record in records).encode())
            file.flush()
            os.fsync(file.fileno())
            self._end = file.tell()
            self._replies.update({record.key: record for record in records})

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """The file, held alone; other rounds may ask the same model at the same time."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _absorb(self, file: BinaryIO) -> None:
        """Take in what others appended; cut off a batch that a killed process left unfinished."""
        if os.fstat(file.fileno()).st_size < self._end:
            self._end = 0  # somebody deleted .work: what is in memory stays valid
        file.seek(self._end)
        batch: list[StoredReply] = []
        size = 0
        for line in file:
            size += len(line)
            record = _parse(line)
            if record is None:
                break
            batch.append(record)
            if record.left == 0:
                for item in batch:
                    self._replies.setdefault(item.key, item)
                batch, self._end, size = [], self._end + size, 0
        file.truncate(self._end)
        file.seek(self._end)


def _parse(line: bytes) -> StoredReply | None:
    if not line.endswith(b"\n"):
        return None
    try:
        return StoredReply.model_validate_json(line)
    except ValidationError:
        return None


def open_store(workspace: Workspace, params: Params, engine: Engine) -> AnswerStore:
    """The store of an engine's model in a workspace."""
    frames = FrameCache(workspace.frames, params.video, params.settings.decode_workers)
    path = workspace.answer_store / f"{engine.ref.key}.jsonl"
    salt = (engine.ref.base_digest, engine.ref.tuned_digest or "", params.model.dtype)
    return AnswerStore(path, frames, salt)


def ask(
    engine: Engine, store: AnswerStore, requests: Sequence[Request], progress: Progress
) -> dict[str, Outcome]:
    """The outcome of every request by its key; only what was never asked goes to the engine.

    Requests with equal content (say, two greedy attempts) are asked once. Replies are kept as each
    batch ends; an unusable clip is not kept, so a repaired file is read again.
    """
    content, outcomes = _content_keys(store, requests)
    known = {key: reply for key in content.values() if (reply := store.find(key)) is not None}
    first: dict[str, Request] = {}
    for request in requests:
        if request.key in content:
            first.setdefault(content[request.key], request)
    asked = list(first.values())
    if known:
        progress.note(f"{len(known)} of {len(asked)} answers are known from before.")
    done = {first[key].key for key in known}
    n_done = len(done)
    progress.update(n_done, len(asked), "answers")
    answers = dict(known)
    broken: dict[str, Unusable] = {}

    for batch in engine.answer(asked, done) if n_done < len(asked) else ():
        replies = [_rekeyed(o, content[o.key]) for o in batch if isinstance(o, Reply)]
        store.add(replies)
        answers.update({reply.key: reply for reply in replies})
        broken.update({content[o.key]: o for o in batch if isinstance(o, Unusable)})
        n_done += len(batch)
        progress.update(n_done, len(asked), "answers")
    for name, key in content.items():
        outcomes[name] = _outcome(name, key, answers, broken)
    return outcomes


def _content_keys(
    store: AnswerStore, requests: Sequence[Request]
) -> tuple[dict[str, str], dict[str, Outcome]]:
    """Content key by request key, and the requests whose file cannot even be read."""
    content: dict[str, str] = {}
    unusable: dict[str, Outcome] = {}
    for request in requests:
        try:
            content[request.key] = store.key(request)
        except VideoError as error:
            unusable[request.key] = Unusable(request.key, type(error).__name__, str(error))
    return content, unusable


def _rekeyed(reply: Reply, key: str) -> Reply:
    return Reply(key, reply.text, reply.finish_reason, reply.n_tokens)


def _outcome(
    name: str, key: str, answers: Mapping[str, Reply], broken: Mapping[str, Unusable]
) -> Outcome:
    if key in answers:
        return _rekeyed(answers[key], name)
    return Unusable(name, broken[key].error, broken[key].message)
