"""Answers by an OpenAI-compatible server: vLLM, SGLang, `transformers serve`.

    settings.engine: openai:URL model=NAME frames=video
    settings.engine: openai:URL model=NAME frames=images

URL is the server's base (http://127.0.0.1:8000/v1), or $NAME of an environment variable; NAME is
what the server calls the base model. A finetuned round is asked for by the key of its weights,
which must be among the names that the server lists.

frames=video is vLLM's form: the frames of a clip as one video, with their times. Without
`media_io_kwargs` vLLM takes the first 32 frames and a rate of 1 a second, without
`mm_processor_kwargs` some processors sample once more, and by itself it samples as the model's
generation_config says: all of that is sent. frames=images is for any server: the frames are
images, without times, in plain fields of OpenAI's. Frames are the cache's, as PNG: without loss, 8
frames of 336 x 336 take 0.05 to 0.1 s of a core and 1 MB (JPEG of quality 95: 0.005 s, 0.3 MB).
vLLM reads the frames of a "video/jpeg" by Pillow, which tells a PNG by its content.

Before the first answers a probe asks about a clip: the server must count the tokens in it that the
model's own processor makes. So lost frames, frames sampled again and another template are an error.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from PIL import Image

from video_star.core.chat import Refusal, Server, sendable
from video_star.core.engine import Clip, Outcome, Reply, Request, Unusable
from video_star.core.errors import ServiceError, UsageError, VideoError, VideoStarError
from video_star.core.hashing import sha256
from video_star.core.params import ModelParams
from video_star.core.records import ModelRef
from video_star.core.urls import without_credentials
from video_star.generation.batching import ready_batches
from video_star.generation.probe import (
    GREEDY,
    HOT,
    OTHER_SEEDS,
    QUESTION,
    noise,
    tokens_of_images,
    tokens_of_video,
)
from video_star.models.conversation import Conversations
from video_star.models.loading import load_processor
from video_star.video.cache import FrameCache
from video_star.video.decode import Frames

FORM = "openai:URL model=NAME frames=video (vLLM) or frames=images (any server)"
TIMEOUT_S = 600.0
"""Of one request: where many are in flight, it waits for those before it."""
PNG_LEVEL = 1
"""Of zlib: level 6 takes three times as long for 6 % less."""
TOO_LONG = re.compile(r"context length|maximum.{0,20}length|too long|max_model_len", re.I)
"""How servers say that a request has more tokens than the model takes."""

Shape: TypeAlias = Literal["video", "images"]
Shown: TypeAlias = tuple[list[dict[str, Any]], dict[str, Any]]
"""A clip in a request: parts of the message, and fields besides it."""


@dataclass(frozen=True)
class Address:
    """What settings.engine says after `openai:`."""

    url: str = field(repr=False)
    model: str
    frames: Shape

    def __str__(self) -> str:
        return f"openai:{without_credentials(self.url)} model={self.model} frames={self.frames}"


def read_address(text: str) -> Address:
    """The parts of `URL model=NAME frames=FORM`; UsageError when it is not that."""
    url, *rest = text.split() or [""]
    options = dict(part.split("=", 1) for part in rest if "=" in part)
    known = options.keys() == {"model", "frames"} and options["frames"] in ("video", "images")
    if not url or len(rest) != 2 or not known or not options["model"]:
        raise UsageError(f"settings.engine: an openai engine is written {FORM}.")
    return Address(url, options["model"], cast(Shape, options["frames"]))


@dataclass
class OpenAIEngine:
    """Answers of a server; `batch_size` requests are in flight, and replies come as they end."""

    address: Address
    base: ModelRef
    """The weights that are asked for."""
    model: ModelParams
    location: Path
    """Folder of the model, whose processor says what the server must read."""
    frames: FrameCache
    batch_size: int
    _ready: tuple[Server, Conversations] | None = field(default=None, repr=False)
    _samples: bool = field(default=False, repr=False)
    """Whether the server was seen to sample."""

    @property
    def ref(self) -> ModelRef:
        """Has a store of its own: a server's answers are not those of transformers."""
        parts = f"{self.base.base_digest} openai {self.address.model} {self.address.frames}"
        return self.base.model_copy(update={"base_digest": sha256(parts)})

    def answer(
        self, requests: Sequence[Request], known: Collection[str] = ()
    ) -> Iterator[Sequence[Outcome]]:
        """Replies as they come; ServiceError when the server fails, after those it has given."""
        asked = [request for request in requests if request.key not in known]
        if not asked:
            return
        server = self._checked(any(request.sampling.temperature > 0 for request in asked))
        flying: set[Future[Outcome]] = set()
        pool = ThreadPoolExecutor(self.batch_size, thread_name_prefix="ask")
        try:
            with closing(ready_batches(requests, known, self.frames, self.batch_size)) as batches:
                for batch in batches:
                    if batch.unusable:
                        yield batch.unusable
                    shown: dict[Clip | None, Future[Shown] | None] = {None: None}
                    for request in batch.requests:
                        while len(flying) >= self.batch_size:
                            yield from _landed(flying)
                        clip = request.clip
                        if clip is not None and clip not in shown:
                            # Before its requests in the same queue: they never wait for a place.
                            shown[clip] = pool.submit(self._show, clip, batch.frames[clip])
                        flying.add(pool.submit(self._ask, request, shown[clip]))
            while flying:
                yield from _landed(flying)
        finally:
            pool.shutdown(cancel_futures=True)
            server.close()

    def _ask(self, request: Request, shown: Future[Shown] | None) -> Outcome:
        """One request and its reply; a clip that the model cannot take is Unusable."""
        try:
            parts, fields = ([], {}) if shown is None else shown.result()
        except VideoError as error:
            return Unusable.by_model(request, error)
        reply, _ = self._complete(request, parts, fields)
        return reply

    def _complete(
        self, request: Request, parts: list[dict[str, Any]], fields: Mapping[str, Any]
    ) -> tuple[Reply, int | None]:
        """The reply, and how many tokens of prompt the server counted."""
        server, conversations = self._opened()
        text = {"type": "text", "text": sendable(conversations.escape(request.prompt))}
        sampling, more = request.sampling, dict[str, Any]()
        if sampling.temperature > 0:
            more = {"top_p": sampling.top_p, "seed": request.seed}
        if self.address.frames == "video":  # fields of vLLM's, against a generation_config
            more |= {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
            more["stop_token_ids"] = [conversations.end_id]
        body = {"temperature": sampling.temperature, "max_tokens": sampling.max_new_tokens}
        message = {"role": "user", "content": [*parts, text]}
        try:
            made = server.complete([message], {**body, **more, **fields})
        except Refusal as error:
            if TOO_LONG.search(error.body) and error.status in (400, 413, 422):
                raise VideoStarError(
                    f"{self.address}: a question about {self.frames.params.frames} frames is "
                    "longer than the server takes; start it with a larger --max-model-len, or "
                    "lower video.frames or video.short_side in params.yaml."
                ) from error
            if error.status == 422 and self.address.frames == "video":
                raise UsageError(
                    f"{self.address}: does not know the fields of vLLM; use frames=images."
                ) from error
            raise
        reason = made.finish_reason
        if reason not in ("stop", "length"):
            raise ServiceError(
                f"{self.address}: an answer ended by {str(reason)[:40]!r}, neither by itself nor "
                "at its limit; see the server's log."
            )
        said = getattr(made.usage, "completion_tokens", None) or 0
        reply = Reply(request.key, made.text.strip(), reason, min(said, sampling.max_new_tokens))
        return reply, getattr(made.usage, "prompt_tokens", None)

    def _show(self, clip: Clip, frames: Frames) -> Shown:
        """A clip of the cache; its key covers content, cut and frames, so it names no other."""
        return self._parts(frames, self.frames.key(clip))

    def _parts(self, frames: Frames, name: str) -> Shown:
        images = [_png(pixels) for pixels in frames.pixels]
        if self.address.frames == "images":
            urls = [f"data:image/png;base64,{image}" for image in images]
            return [{"type": "image_url", "image_url": {"url": url}} for url in urls], {}
        _, conversations = self._opened()
        metadata = conversations.metadata(frames)
        known = ("fps", "frames_indices", "total_num_frames", "duration")
        video = {name: metadata[name] for name in known if metadata.get(name) is not None}
        url = f"data:video/jpeg;base64,{','.join(images)}"
        return [{"type": "video_url", "video_url": {"url": url}, "uuid": name}], {
            "media_io_kwargs": {"video": {"num_frames": -1, "do_sample_frames": False, **video}},
            "mm_processor_kwargs": {"do_sample_frames": False},
        }

    def _opened(self) -> tuple[Server, Conversations]:
        assert self._ready is not None
        return self._ready

    def _checked(self, sampled: bool) -> Server:
        """The server, asked about a clip once; UsageError when it cannot give this model's answers.

        `sampled` is whether it must be able to sample.
        """
        if self._ready is not None and (self._samples or not sampled):
            return self._ready[0]
        tuned = self.base.tuned_digest is not None
        name = self.base.key if tuned else self.address.model
        server = Server(self.address.url, name, timeout_s=TIMEOUT_S)
        try:
            if tuned and name not in server.served():
                place = self.base.adapter or self.base.weights
                option = "lora-modules NAME=PATH" if self.base.adapter else "served-model-name NAME"
                raise UsageError(
                    f"{self.address}: does not serve {place} under the name {name}; start the "
                    f"server with it (vLLM: --{option}), then run the command again."
                )
            processor = load_processor(self.location, self.model.trust_remote_code)
            self._ready = server, Conversations(processor)
            self._probe(processor, sampled)
            self._samples = sampled
        except BaseException:
            self._ready = None
            server.close()
            raise
        return server

    def _probe(self, processor: Any, sampled: bool) -> None:
        _, conversations = self._opened()
        frames = noise(self.frames.params)
        parts, fields = self._parts(frames, sha256(frames.pixels.tobytes()))

        def reply(seed: int) -> tuple[Reply, int | None]:
            sampling = HOT if sampled else GREEDY
            return self._complete(Request("probe", None, QUESTION, sampling, seed), parts, fields)

        first, read = reply(1)
        if self.address.frames == "video":
            wanted = tokens_of_video(conversations, frames)
        else:
            wanted = tokens_of_images(processor, frames, self.location.name)
        if read != wanted:
            counted = "does not say how many tokens" if read is None else f"reads {read} tokens"
            raise UsageError(
                f"{self.address}: {counted} of a question about {len(frames.pixels)} frames, where "
                f"the processor of {self.location.name} makes {wanted}: it serves another model or "
                "template, or drops or samples frames; correct the server or `frames=`."
            )
        if sampled and all(reply(seed)[0].text == first.text for seed in OTHER_SEEDS):
            raise UsageError(
                f"{self.address}: gives one answer for all seeds at a high temperature, so it does "
                'not sample; with `transformers serve`, set "do_sample": true in the model\'s '
                "generation_config.json."
            )


def _landed(flying: set[Future[Outcome]]) -> Iterator[list[Outcome]]:
    """Outcomes of what has ended, taken out of `flying`.

    After an error, which is raised, what is being asked is waited for and comes first.
    """
    done, _ = wait(flying, return_when=FIRST_COMPLETED)
    if any(future.exception() for future in done):
        done = {future for future in flying if not future.cancel()}
        wait(done)
        flying.clear()
    flying -= done
    if outcomes := [future.result() for future in done if not future.exception()]:
        yield outcomes
    for future in done:
        future.result()


def _png(pixels: Any) -> str:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=PNG_LEVEL)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
