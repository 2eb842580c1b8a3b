"""Clips and conversations as a model's own processor writes them: pixels, token ids, answer.

Generation, finetuning and evaluation all go through `Conversations`, so a question reads the same
in each of them. The processor is called for one clip and one text at a time: nothing is padded, and
what it made of the clip is remembered for the clip's other texts. True times of the frames go along
(`VideoMetadata`); families that tell the model times write them into the text or the positions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jinja2 import TemplateError
from numpy.typing import NDArray

from video_star.core.errors import UsageError, VideoError, VideoStarError
from video_star.video.decode import Frames

ALONG_TOKENS = ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids")
"""Outputs of a processor with one value per token; all others describe the clip."""
CLOCK = 1_000_000
"""Frame numbers are microseconds: transformers divides them by the rate to get seconds."""


@dataclass(frozen=True)
class Tokens:
    """One conversation, or its start: ids [L] and, for models that want them, kinds [L]."""

    ids: NDArray[np.int32]
    kinds: NDArray[np.int32] | None
    """mm_token_type_ids: 0 text, 1 image, 2 video."""
    answer: int
    """Where the answer begins; L where there is none yet."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class PreparedClip:
    """One clip as the processor made it."""

    frames: Frames
    made: Mapping[str, Any]
    """Output of the video processor, from which each text's placeholders are counted."""
    inputs: dict[str, torch.Tensor]
    """What the model gets: pixels and their layout, joined along the first axis in a batch."""


class _CachedOutput:
    """Stands in for a video processor and returns what was made of the clip at hand."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.made: Mapping[str, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.made is None:
            self.made = self._real(*args, **kwargs)
        return type(self.made)(dict(self.made))  # type: ignore[call-arg]


class Conversations:
    """Prepares clips and writes conversations about them, by one model's processor."""

    def __init__(self, processor: Any) -> None:
        """UsageError when the processor has no video part, or its chat template cannot serve."""
        if getattr(processor, "video_processor", None) is None:
            raise UsageError(
                f"model.base: its processor ({type(processor).__name__}) takes no video; name a "
                "video-language model."
            )
        self._processor = processor
        self._video = _CachedOutput(processor.video_processor)
        processor.video_processor = self._video
        self._controls = _controls(processor)
        self._lead, self.end_of_turn = self._probe()

    @property
    def tokenizer(self) -> Any:
        return self._processor.tokenizer

    @property
    def end_id(self) -> int:
        """The token at which an answer ends, in training and in generation."""
        return int(self.tokenizer.convert_tokens_to_ids(self.end_of_turn))

    def prepare(self, frames: Frames) -> PreparedClip:
        """One clip; VideoError when the model has to be told times and the clip has no clock."""
        frames = _at_least(frames, int(getattr(self._video, "temporal_patch_size", 1)))
        self._video.made = None
        made = self._call(self.render("", None), frames)
        assert self._video.made is not None
        inputs = {
            name: torch.as_tensor(value) for name, value in made.items() if name not in ALONG_TOKENS
        }
        if not any(name.startswith("pixel_values") for name in inputs):
            raise UsageError("model.base: its processor makes no pixels of a video; name another.")
        return PreparedClip(frames, self._video.made, inputs)

    def encode_question(self, clip: PreparedClip, prompt: str) -> Tokens:
        """A question about a clip, up to where the answer begins."""
        ids, kinds = self._ids(clip, self.render(prompt, None))
        return Tokens(ids, kinds, len(ids))

    def encode_text_question(self, prompt: str) -> Tokens:
        """A question about no video, up to where the answer begins."""
        text = self._chat(prompt, None, video=False)
        made = self.tokenizer(text, add_special_tokens=self._lacks_bos(text))
        ids = np.asarray(made.input_ids, np.int32)
        return Tokens(ids, None, len(ids))

    def encode_conversation(self, clip: PreparedClip, prompt: str, answer: str) -> Tokens:
        """A question with its answer and the end of turn; VideoStarError when they merge."""
        question = self.render(prompt, None)
        asked, _ = self._ids(clip, question)
        ids, kinds = self._ids(clip, self._answered(question, answer))
        return Tokens(ids, kinds, _common(asked, ids))

    def render(self, prompt: str, answer: str | None) -> str:
        """The conversation as text: the question as generation asks it, the answer and its end.

        Where the template leads into an answer as it leads into generation, its own space is kept
        (after "ASSISTANT:"). Some do not (LLaVA-OneVision writes "assistant \\n" before an answer
        and "assistant\\n" to ask for one): there it follows what generation starts from.
        """
        asked = self._chat(prompt, None)
        return asked if answer is None else self._answered(asked, answer)

    def _answered(self, asked: str, answer: str) -> str:
        return asked + self._lead + self._plain(answer.strip()) + self.end_of_turn

    def _chat(self, prompt: str, answer: str | None, video: bool = True) -> str:
        """By the model's chat template; what data say never counts as a control token."""
        content = [{"type": "video"}] if video else []
        content.append({"type": "text", "text": self._plain(prompt)})
        turns: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if answer is not None:
            said = [{"type": "text", "text": self._plain(answer)}]
            turns.append({"role": "assistant", "content": said})
        try:
            return str(
                self._processor.apply_chat_template(
                    turns, add_generation_prompt=answer is None, tokenize=False
                )
            )
        except (ValueError, TypeError, KeyError, AttributeError, TemplateError) as error:
            reason = " ".join(str(error).split())[:120]
            raise _template(f"cannot write a question about a video ({reason})") from error

    def _plain(self, text: str) -> str:
        """Text without control tokens: "<video>" becomes "< video>", which is plain text."""
        return self._controls.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)

    def _probe(self) -> tuple[str, str]:
        """What the template writes between question and answer, and the token that ends an answer.

        The token is the first thing behind the answer, or eos where nothing follows it.
        """
        question, answer = "Is it so, yes or no?", "Yes, it is so."
        asked, full = self._chat(question, None), self._chat(question, answer)
        video = getattr(self._processor, "video_token", None)
        if video is not None and video not in asked:
            raise _template(f"writes no {video} for a video")
        if question not in asked or answer not in full:
            raise _template("leaves out the text of a question or of an answer")
        before, _, after = full.rpartition(answer)
        lead = before.removeprefix(asked) if before.startswith(asked) else ""
        found = self._controls.match(after.lstrip())
        if lead.strip() or (after.strip() and found is None):
            raise _template(
                f"writes {(lead.strip() or after.strip())[:40]!r} beside an answer, which is no "
                "token of its tokenizer"
            )
        end = found[0] if found else self.tokenizer.eos_token
        if end is None or self.tokenizer.convert_tokens_to_ids(end) == self.tokenizer.unk_token_id:
            raise _template(f"ends an answer with {end!r}, which its tokenizer does not know")
        return lead, str(end)

    def _ids(
        self, clip: PreparedClip, text: str
    ) -> tuple[NDArray[np.int32], NDArray[np.int32] | None]:
        self._video.made = clip.made
        made = self._call(text, clip.frames)
        kinds = made.get("mm_token_type_ids")
        return (
            np.asarray(made["input_ids"][0], dtype=np.int32),
            None if kinds is None else np.asarray(kinds[0], dtype=np.int32),
        )

    def _lacks_bos(self, text: str) -> bool:
        """Whether BOS is to be added, as the template did not write it."""
        bos = self.tokenizer.bos_token
        return not (bos and text.startswith(bos))

    def _call(self, text: str, frames: Frames) -> Any:
        """The processor for one text and one clip."""
        # Qwen's authors bound the pixels of a frame; transformers is about to make it the default.
        bounded = hasattr(self._video, "cap_pixels_per_frame")
        return self._processor(
            text=[text],
            videos=[frames.pixels],
            video_metadata=[self._metadata(frames)],
            do_sample_frames=False,
            add_special_tokens=self._lacks_bos(text),
            return_tensors="pt",
            **({"cap_pixels_per_frame": True} if bounded else {}),
        )

    def _metadata(self, frames: Frames) -> dict[str, Any]:
        """VideoMetadata whose `timestamps` are the frames' times, `sampled_fps` their rate."""
        n, height, width = frames.pixels.shape[:3]
        size = {"height": height, "width": width}
        if frames.times is None:
            if getattr(self._processor, "videos_kwargs", {}).get("return_metadata"):
                raise VideoError(
                    "A folder of images has no clock, but this model is told the time of each "
                    "frame; make a video of the folder, or use a model without times."
                )
            return {**size, "total_num_frames": n, "frames_indices": list(range(n))}
        span = frames.times[-1] - frames.times[0]
        gap = span / (n - 1) if span > 0 else 1.0
        return {
            **size,
            "fps": CLOCK,
            "frames_indices": [round(time * CLOCK) for time in frames.times],
            "total_num_frames": max(1, round(n * gap * CLOCK)),
            "duration": frames.duration,
        }


def _template(fault: str) -> UsageError:
    return UsageError(
        f"model.base: its chat template {fault}; add the chat_template.jinja of its authors to the "
        "model's folder."
    )


def _at_least(frames: Frames, n: int) -> Frames:
    """Frames with the last one repeated up to `n`: some towers take two at once and no fewer."""
    missing = n - len(frames.pixels)
    if missing <= 0:
        return frames
    pixels = np.concatenate([frames.pixels, np.repeat(frames.pixels[-1:], missing, axis=0)])
    times = None if frames.times is None else (*frames.times, *frames.times[-1:] * missing)
    return Frames(pixels, times, frames.duration)


def _controls(processor: Any) -> re.Pattern[str]:
    """All that a processor and its tokenizer take for something else than text."""
    tokenizer = processor.tokenizer
    names = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    names |= set(tokenizer.all_special_tokens)
    for kind in ("image", "video", "audio"):
        names.add(getattr(processor, f"{kind}_token", None) or f"<{kind}>")
    longest_first = sorted((name for name in names if len(name) > 1), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)))


def _common(short: NDArray[np.int32], long: NDArray[np.int32]) -> int:
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
