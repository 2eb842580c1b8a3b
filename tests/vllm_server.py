"""A strict stand-in for `vllm serve`, on loopback, that answers with a transformers model.

The schema is that of vLLM's ChatCompletionRequest, as far as it is used here, and nothing else is
taken. What it does with a "video/jpeg" is written after VideoMediaIO.load_base64
(vllm/multimodal/media/video.py): 32 frames and one a second unless media_io_kwargs says otherwise.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Literal

import numpy as np
import torch
from chat_server import Answer, ChatServer, serve
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from video_star.core.engine import Request, Sampling
from video_star.generation.decoding import decode
from video_star.generation.transformers import Loaded, reply
from video_star.models.batches import pad_id, padded
from video_star.video.decode import Frames


class Strict(BaseModel):
    """Takes no field that it does not know."""

    model_config = ConfigDict(extra="forbid")


class Url(Strict):
    url: str


class Text(Strict):
    type: Literal["text"]
    text: str


class Video(Strict):
    type: Literal["video_url"]
    video_url: Url
    uuid: str | None = None


class User(Strict):
    role: Literal["user"]
    content: list[Text | Video]


class VideoIO(Strict):
    num_frames: int = 32
    fps: float = 1
    frames_indices: list[int] | None = None
    total_num_frames: int | None = None
    duration: float | None = Field(default=None, ge=0)
    do_sample_frames: bool = False


class MediaIO(Strict):
    video: VideoIO = VideoIO()


class ProcessorOptions(Strict):
    do_sample_frames: bool = True


class ChatRequest(Strict):
    model: str
    messages: list[User] = Field(min_length=1, max_length=1)
    temperature: float = Field(ge=0, le=2)
    max_tokens: int = Field(ge=1)
    top_p: float = Field(default=1, gt=0, le=1)
    seed: int = Field(default=0, ge=-(2**63), le=2**63 - 1)
    top_k: int = Field(default=20, ge=-1)
    min_p: float = Field(default=0, ge=0, le=1)
    repetition_penalty: float = Field(default=1.05, gt=0)
    stop_token_ids: list[int] = Field(default_factory=list)
    media_io_kwargs: MediaIO = MediaIO()
    mm_processor_kwargs: ProcessorOptions = ProcessorOptions()


@dataclass
class FakeVLLM:
    """Serves one model under `names`."""

    loaded: Loaded
    names: tuple[str, ...] = ("served",)
    reads_media_io: bool = True
    """Whether it knows media_io_kwargs (vLLM of before 2026 does not)."""
    samples: bool = True
    clips: dict[str, bytes] = field(default_factory=dict)
    """Pixels by uuid: one id never names two videos."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, body: dict[str, Any]) -> Answer:
        try:
            request = ChatRequest.model_validate(body)
        except ValidationError as error:
            return refused(422, str(error))
        if request.model not in self.names:
            return refused(404, f"The model `{request.model}` does not exist.")
        with self.lock:
            return self._generate(request)

    def _generate(self, request: ChatRequest) -> Answer:
        text = "".join(p.text for p in request.messages[0].content if isinstance(p, Text))
        videos = [p for p in request.messages[0].content if isinstance(p, Video)]
        conversations = self.loaded.conversations
        inputs: dict[str, torch.Tensor] = {}
        if videos:
            assert request.mm_processor_kwargs.do_sample_frames is False
            io = request.media_io_kwargs.video if self.reads_media_io else VideoIO()
            frames = read_frames(videos[0].video_url.url, io)
            name = videos[0].uuid
            assert name is not None
            assert self.clips.setdefault(name, frames.pixels.tobytes()) == frames.pixels.tobytes()
            clip = conversations.prepare(frames)
            tokens, inputs = conversations.encode_question(clip, text), dict(clip.inputs)
        else:
            tokens = conversations.encode_text_question(text)
        assert (request.top_k, request.min_p, request.repetition_penalty) == (-1, 0, 1)
        sampling = Sampling(request.temperature, request.top_p, request.max_tokens)
        seed = request.seed if self.samples else 0
        asked = Request("any", None, text, sampling, seed)
        ends = {*self.loaded.ends, *request.stop_token_ids}
        batch = padded([tokens], pad_id(conversations.tokenizer), "left") | inputs
        with torch.inference_mode():
            (row,) = decode(self.loaded.model, batch, [asked], ends)
        made = reply(conversations.tokenizer, asked, row, ends)
        return completed(made.text, made.finish_reason, len(tokens), made.n_tokens)


def read_frames(url: str, io: VideoIO) -> Frames:
    """The frames of a "video/jpeg" with their times."""
    head, _, data = url.partition(",")
    assert head == "data:video/jpeg;base64"
    parts = data.split(",") if io.num_frames < 0 else data.split(",")[: io.num_frames]
    images = [Image.open(BytesIO(base64.b64decode(part, validate=True))) for part in parts]
    pixels = np.stack([np.asarray(image.convert("RGB")) for image in images])
    indices = io.frames_indices or list(range(len(parts)))
    total = len(parts) if io.total_num_frames is None else io.total_num_frames
    assert len(indices) == len(parts) <= total
    duration = total / io.fps if io.duration is None else io.duration
    return Frames(pixels, tuple(index / io.fps for index in indices), duration)


def completed(text: str, reason: str, prompt: int, n: int) -> Answer:
    """A chat completion."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": reason}
    usage = {"prompt_tokens": prompt, "completion_tokens": n, "total_tokens": prompt + n}
    return 200, {}, json.dumps({"choices": [choice], "usage": usage})


def refused(status: int, message: str) -> Answer:
    """An error, which the client does not try again."""
    return status, {"x-should-retry": "false"}, json.dumps({"error": {"message": message}})


def model_list(names: tuple[str, ...]) -> str:
    return json.dumps({"object": "list", "data": [{"id": n, "object": "model"} for n in names]})


@contextmanager
def serving(
    fake: FakeVLLM, answer: Callable[[dict[str, Any]], Answer] | None = None
) -> Iterator[ChatServer]:
    """Run it for the length of a `with`, or another way to answer in its place."""
    with serve(answer or fake.answer) as server:
        server.models = model_list(fake.names)
        yield server
