"""Training conversations as token ids: the model's own chat template, the answer marked.

An example is rendered with and without its answer. What the longer text adds is the answer with its
end token, and only those tokens carry loss. Placeholders for the video are expanded by the model's
own processor; its video part runs once per clip and is remembered, its text part per example.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from video_star.domain import TrainingExample
from video_star.engines.inputs import chat_text
from video_star.errors import VideoStarError
from video_star.frames import FrameCache
from video_star.training.job import clip_of

SEQUENCE = ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids")
"""Outputs of a processor that run along the tokens; all others describe the clip."""
IGNORED = -100
"""Label of a token without loss."""


@dataclass(frozen=True)
class Encoded:
    """One example: ids [L] int32, the tokens of the answer are those from `answer` on."""

    ids: NDArray[np.int32]
    kinds: NDArray[np.int32] | None
    """Which tokens stand for video, for models that want it (mm_token_type_ids)."""
    answer: int
    clip: int
    """Index of the clip."""

    def __len__(self) -> int:
        return len(self.ids)


class Remembered:
    """Stands in for a processor's video part and returns what was made of the clip at hand."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self._made: Mapping[str, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def forget(self) -> None:
        """The next call is about another clip."""
        self._made = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._made is None:
            self._made = self._real(*args, **kwargs)
        return type(self._made)(dict(self._made))  # type: ignore[call-arg]


class Encoder:
    """Turns clip, prompt and completion into ids and clip inputs, by the model's processor."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self._video = Remembered(processor.video_processor)
        processor.video_processor = self._video
        self._end = processor.tokenizer.eos_token

    def clip(self, frames: NDArray[np.uint8]) -> dict[str, Any]:
        """What the model gets for a clip, uint8 [T, H, W, 3]: its pixel values and their layout."""
        self._video.forget()
        made = self._call(self.render("", None), frames)
        return {name: value for name, value in made.items() if name not in SEQUENCE}

    def example(
        self, frames: NDArray[np.uint8], prompt: str, completion: str, clip: int
    ) -> Encoded:
        """Ids of one conversation about the clip that `clip` was called with last."""
        asked, full = self.render(prompt, None), self.render(prompt, completion)
        before, made = self._call(asked, frames), self._call(full, frames)
        ids, kinds = made["input_ids"][0].numpy(), made.get("mm_token_type_ids")
        return Encoded(
            ids.astype(np.int32),
            None if kinds is None else kinds[0].numpy().astype(np.int32),
            _common(before["input_ids"][0].numpy(), ids),
            clip,
        )

    def render(self, prompt: str, completion: str | None) -> str:
        """The conversation as text: the question as generation asks it, the answer and its end.

        Where the template leads into an answer as it leads into generation, its own text is kept
        (a space after "ASSISTANT:"). Some do not (LLaVA-OneVision writes "assistant \\n" before an
        answer and "assistant\\n" to ask for one): there it follows what generation starts from.
        """
        asked = chat_text(self._processor, prompt)
        if completion is None:
            return asked
        turns: list[dict[str, Any]] = [
            {"role": "user", "content": [{"type": "video"}, {"type": "text", "text": prompt}]},
            {"role": "assistant", "content": [{"type": "text", "text": completion}]},
        ]
        full = str(self._processor.apply_chat_template(turns))
        at = full.rfind(completion)
        lead = full[len(asked) : at] if full.startswith(asked) and at >= len(asked) else ""
        return asked + lead + completion + self._end

    def _call(self, text: str, frames: NDArray[np.uint8]) -> Any:
        return self._processor(
            text=[text], videos=[frames], return_tensors="pt", do_sample_frames=False
        )


def _common(short: NDArray[np.int64], long: NDArray[np.int64]) -> int:
    """Length of the common start; 1 at least, since the first token is never predicted."""
    n = min(len(short), len(long))
    differing = np.flatnonzero(short[:n] != long[:n])
    same = int(differing[0]) if len(differing) else n
    if same < n - 1 or same >= len(long):
        raise VideoStarError(
            "The tokens of a question change when its answer follows; this tokenizer merges across "
            "turns and cannot be finetuned on answers only."
        )
    return max(same, 1)


@dataclass(frozen=True)
class ClipWork:
    """One clip with its inputs and its encoded examples (each with its place in the list)."""

    inputs: dict[str, Any]
    encoded: Sequence[tuple[int, Encoded]]


def encode_all(
    examples: Sequence[TrainingExample], encoder: Encoder, frames: FrameCache, data: Path
) -> Iterator[ClipWork]:
    """Clip by clip, in the order of their paths, each clip read and preprocessed once."""

    def clip_key(index: int) -> tuple[str, float, float]:
        example = examples[index]
        start = -1.0 if example.start_s is None else example.start_s
        return example.video, start, -1.0 if example.end_s is None else example.end_s

    ordered = sorted(range(len(examples)), key=clip_key)
    for number, (_, group) in enumerate(groupby(ordered, key=clip_key)):
        indices = list(group)
        pixels = frames.get(clip_of(examples[indices[0]], data))
        inputs = encoder.clip(pixels)
        yield ClipWork(
            inputs,
            [
                (i, encoder.example(pixels, examples[i].prompt, examples[i].completion, number))
                for i in indices
            ],
        )


def join_clips(clips: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Inputs of several clips as the model takes them: tensors joined along the first axis."""
    joined: dict[str, Any] = {}
    for name, first in clips[0].items():
        values = [clip[name] for clip in clips]
        is_tensor = isinstance(first, torch.Tensor)
        joined[name] = torch.cat(values) if is_tensor else list(chain.from_iterable(values))
    return joined
