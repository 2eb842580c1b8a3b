"""Answers kept by content: what was asked once is never asked again, and a kill loses one batch.

One SQLite file per model, `.work/answers/<model key>.sqlite`. An answer's key covers all that makes
it: model, dtype, frames (file content, cut, policy), prompt, sampling, and the seed unless greedy.
A batch is one transaction, so it is kept whole or not at all (what a kill takes is asked again
together, in the same batch), and other processes may use the file at the same time.

SQLite because it reads from disk: 200,000 answers take 10 MiB of memory, 330 MiB in a dictionary
that is read from JSON lines. A write takes twice as long as an append, 0.2 ms for an answer.
diskcache, which is SQLite too, needs 100 MiB and reads pickles.
"""

from __future__ import annotations

import json
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from video_star.core.engine import Engine, Outcome, Reply, Request, Unusable
from video_star.core.errors import DataError, VideoError, VideoStarError
from video_star.core.hashing import sha256
from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.core.private import private_store
from video_star.core.progress import Progress
from video_star.video.cache import FrameCache, open_frames

ENGINE_VERSION = 1
"""Goes up when the engines give other text for the same request."""
BUSY_S = 60
"""Seconds to wait for another process that writes."""


@dataclass
class AnswerStore:
    """Replies by content key, shared by all processes that ask the same model.

    DataError when its file is no store.
    """

    path: Path
    frames: FrameCache
    salt: tuple[str, ...]
    """What else makes an answer: model and dtype."""

    def __post_init__(self) -> None:
        with self._explained():
            self._database = sqlite3.connect(
                private_store(self.path), timeout=BUSY_S, check_same_thread=False
            )
            weakref.finalize(self, self._database.close)  # whichever thread lets go of the store
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")  # a commit survives a power cut
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, text TEXT NOT NULL, "
                "finish_reason TEXT NOT NULL, n_tokens INTEGER NOT NULL) WITHOUT ROWID"
            )

    def key(self, request: Request) -> str:
        """Content key of a request; VideoError when its file cannot be read."""
        sampling = request.sampling
        greedy = sampling.temperature == 0
        parts = [
            ENGINE_VERSION,
            *self.salt,
            "" if request.clip is None else self.frames.key(request.clip),
            request.prompt,
            sampling.max_new_tokens,
            *([] if greedy else [sampling.temperature, sampling.top_p, request.seed]),
        ]
        return sha256(json.dumps(parts, ensure_ascii=False))

    def find(self, key: str) -> Reply | None:
        """The reply under a content key, if there is one."""
        select = "SELECT key, text, finish_reason, n_tokens FROM replies WHERE key = ?"
        with self._explained():
            row = self._database.execute(select, (key,)).fetchone()
        return None if row is None else Reply(*row)

    def add(self, replies: Iterable[Reply]) -> None:
        """Keep one batch of replies, keyed by content key; it is on disk when this returns."""
        rows = ((r.key, r.text, r.finish_reason, r.n_tokens) for r in replies)
        with self._explained(), self._database:
            self._database.executemany("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?)", rows)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:  # a lock, a full disk, no permission
            raise VideoStarError(
                f"{self.path}: {error}; stop the program that holds it, free some space or make it "
                "writable, then run the same command again."
            ) from error
        except sqlite3.DatabaseError as error:
            raise DataError(
                f"{self.path}: cannot be used ({error}); delete it, its answers are asked again."
            ) from error


def open_store(workspace: Workspace, params: Params, engine: Engine) -> AnswerStore:
    """The store of an engine's model in a workspace."""
    path = workspace.answer_store / f"{engine.ref.key}.sqlite"
    salt = (engine.ref.base_digest, engine.ref.tuned_digest or "", params.model.dtype)
    return AnswerStore(path, open_frames(workspace, params), salt)


@dataclass(frozen=True)
class Shard:
    """Requests that differ in content: their batches are planned together, on one worker."""

    requests: tuple[Request, ...]
    contents: dict[str, str]
    """Content key by request key."""
    known: frozenset[str]
    """Keys of the requests whose reply is in the store."""

    @property
    def open(self) -> int:
        """How many replies are still to be given."""
        return len(self.requests) - len(self.known)


def look_up(store: AnswerStore, requests: Iterable[Request]) -> Shard:
    """What of some requests is to be asked: those of equal content (two greedy attempts, say) once.

    A request whose file cannot be read is in no shard; `outcome_of` says why.
    """
    distinct: dict[str, Request] = {}  # by content key
    for request in requests:
        with suppress(VideoError):
            distinct.setdefault(store.key(request), request)
    known = frozenset(r.key for content, r in distinct.items() if store.find(content) is not None)
    contents = {request.key: content for content, request in distinct.items()}
    return Shard(tuple(distinct.values()), contents, known)


def answer_shard(engine: Engine, shard: Shard) -> Iterator[list[Outcome]]:
    """What a shard lacks, batch by batch, each outcome under its content key."""
    if shard.open:
        for batch in engine.answer(shard.requests, shard.known):
            yield [replace(outcome, key=shard.contents[outcome.key]) for outcome in batch]


def keep(store: AnswerStore, batch: Sequence[Outcome], unusable: dict[str, Unusable]) -> None:
    """Store the replies of a batch; a clip that cannot be used is not stored, but read again.

    `unusable` gets the others, by content key.
    """
    store.add(outcome for outcome in batch if isinstance(outcome, Reply))
    unusable |= {outcome.key: outcome for outcome in batch if isinstance(outcome, Unusable)}


def outcome_of(store: AnswerStore, request: Request, unusable: dict[str, Unusable]) -> Outcome:
    """The outcome of a request that was asked; VideoStarError when its file has changed since."""
    try:
        content = store.key(request)
    except VideoError as error:
        return Unusable.of(request, error)
    found = store.find(content) or unusable.get(content)
    if found is None:
        assert request.clip is not None
        raise VideoStarError(
            f"{request.clip.path} changed while questions about it were asked; run the same "
            "command again."
        )
    return replace(found, key=request.key)


def ask(
    engine: Engine, store: AnswerStore, requests: Sequence[Request], progress: Progress
) -> dict[str, Outcome]:
    """The outcome of every request by its key; only what was never asked goes to the engine."""
    shard, unusable = look_up(store, requests), dict[str, Unusable]()
    done = len(shard.known)
    for batch in answer_shard(engine, shard):
        keep(store, batch, unusable)
        done += len(batch)
        progress.update(done, len(shard.requests), "answers")
    return {request.key: outcome_of(store, request, unusable) for request in requests}
