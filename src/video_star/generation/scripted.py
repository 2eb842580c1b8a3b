"""Answers from a file of rules, in place of a model.

The file is a JSON list of {"video": ..., "prompt": ..., "text": ...}. The first rule gives the
answer whose `video` is part of the video's path and whose `prompt` is part of the prompt; an absent
key matches everything. Frames are decoded all the same, so that unusable videos fail.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from video_star.core.engine import Outcome, Reply, Request
from video_star.core.errors import DataError, UsageError
from video_star.core.hashing import sha256
from video_star.core.labels import Record
from video_star.core.records import ModelRef
from video_star.generation.batching import ready_batches
from video_star.video.cache import FrameCache


class Rule(Record):
    """One line of the script."""

    video: str = ""
    prompt: str = ""
    text: str


@dataclass(frozen=True)
class ScriptedEngine:
    """Answers by rules; its ref contains a hash of the script, so each script has its own store."""

    ref: ModelRef
    rules: tuple[Rule, ...]
    frames: FrameCache
    batch_size: int

    def answer(
        self, requests: Sequence[Request], known: Collection[str] = ()
    ) -> Iterator[Sequence[Outcome]]:
        """Answer in planned batches; DataError when no rule fits a request."""
        with closing(ready_batches(requests, known, self.frames, self.batch_size)) as batches:
            for batch in batches:
                yield [*batch.unusable, *map(self._reply, batch.requests)]

    def _reply(self, request: Request) -> Reply:
        video = "" if request.clip is None else request.clip.path.as_posix()
        for rule in self.rules:
            if rule.video in video and rule.prompt in request.prompt:
                words = rule.text.split()
                limit = request.sampling.max_new_tokens
                if len(words) > limit:
                    return Reply(request.key, " ".join(words[:limit]), "length", limit)
                return Reply(request.key, rule.text, "stop", len(words))
        raise DataError(
            f"The script has no answer for {Path(video).name or 'a text'} and {request.prompt!r}; "
            'add a rule (one without "video" and "prompt" fits everything).'
        )


def read_script(path: Path, ref: ModelRef, frames: FrameCache, batch_size: int) -> ScriptedEngine:
    """The engine of settings.engine `scripted:FILE`; UsageError when the file is not a script."""
    try:
        content = path.read_bytes()
        rules = TypeAdapter(tuple[Rule, ...]).validate_json(content)
    except OSError as error:
        raise UsageError(f"settings.engine: {path} cannot be read ({error.strerror}).") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"settings.engine: {path} is not a script ({first['msg']}).") from error
    digest = sha256(json.dumps([ref.key, sha256(content)]))
    return ScriptedEngine(ref.model_copy(update={"base_digest": digest}), rules, frames, batch_size)
