"""Preprocesses clips and tokenizes conversations about them, by a model's own processor.

Generation, finetuning and evaluation all use `Conversations`, so a question has the same tokens in
each. Nothing is padded. The processor is called once for a clip, with the true times of the frames
(`VideoMetadata`), which some families write into the text or the position ids; of the clip's other
texts only what follows the video is tokenized.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jinja2 import TemplateError
from numpy.typing import NDArray

from video_star.core.errors import UsageError, VideoError, VideoStarError
from video_star.video.decode import Frames

ALONG_TOKENS = ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids")
"""Outputs of a processor with one value per token; all others belong to the clip."""
CLOCK = 1_000_000
"""Frame rate in VideoMetadata: with it, frame indices are microseconds."""


@dataclass(frozen=True)
class Tokens:
    """A conversation, or its question: ids [L] and, for models that use them, type_ids [L]."""

    ids: NDArray[np.int32]
    type_ids: NDArray[np.int32] | None
    """mm_token_type_ids: 0 text, 1 image, 2 video."""
    answer: int
    """Index of the answer's first token; L when there is no answer."""

    def __len__(self) -> int:
        return len(self.ids)


_Ids = tuple[NDArray[np.int32], NDArray[np.int32] | None]
"""ids and type_ids, as in Tokens."""


@dataclass(frozen=True)
class Head:
    """The tokens of all conversations about a clip from their start to the end of the video."""

    ids: NDArray[np.int32]
    type_ids: NDArray[np.int32] | None


@dataclass(frozen=True)
class PreparedClip:
    """A preprocessed clip."""

    frames: Frames
    output: Mapping[str, Any]
    """Of the video processor; the number of placeholder tokens in a text follows from it."""
    inputs: dict[str, torch.Tensor]
    """The model's inputs: pixels and their layout, concatenated along the first axis in a batch."""
    head: Head | None
    """None where the tokens that follow the video cannot be told from the text alone."""


@dataclass(frozen=True)
class _Behind:
    """How the text behind a video is tokenized: after `anchor`, the video's last token."""

    anchor: int
    lead: str
    """What the processor itself writes there, before the template's text."""


class _CachedOutput:
    """Takes the place of a video processor and returns the output of the current clip."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.output: Mapping[str, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.output is None:
            self.output = self._real(*args, **{**kwargs, "return_tensors": "pt"})
        return type(self.output)(dict(self.output))  # type: ignore[call-arg]


class Conversations:
    """Clips and conversations of one model."""

    def __init__(self, processor: Any) -> None:
        """UsageError when the processor takes no video, or its chat template cannot be used."""
        if getattr(processor, "video_processor", None) is None:
            raise UsageError(
                f"model.base: its processor ({type(processor).__name__}) takes no video; name a "
                "video-language model."
            )
        self._processor = processor
        self._video = _CachedOutput(processor.video_processor)
        processor.video_processor = self._video
        self._control_tokens = _control_tokens(processor)
        self._lead, self.end_of_turn = self._read_template()
        self._behind: _Behind | None = None
        self._empty: list[int] | None = None

    @property
    def tokenizer(self) -> Any:
        return self._processor.tokenizer

    @property
    def end_id(self) -> int:
        """The token that ends an answer, in training and in generation."""
        return int(self.tokenizer.convert_tokens_to_ids(self.end_of_turn))

    def prepare(self, frames: Frames) -> PreparedClip:
        """Preprocess a clip; VideoError when the model uses times and the clip has none."""
        return self.prepare_all([frames])[0]

    def prepare_all(self, clips: Sequence[Frames]) -> list[PreparedClip]:
        """`prepare` for several clips with frames of one shape, by one call of the processor."""
        clips = [_pad_frames(c, int(getattr(self._video, "temporal_patch_size", 1))) for c in clips]
        self._video.output = None
        output = self._call([self.render("", None)] * len(clips), clips)
        assert self._video.output is not None
        if any(
            len(value) % len(clips) for value in (*self._video.output.values(), *output.values())
        ):
            return [self.prepare(frames) for frames in clips]
        made = _split(self._video.output, len(clips))
        layout = _split({n: v for n, v in output.items() if n not in ALONG_TOKENS}, len(clips))
        prepared = []
        for index, frames in enumerate(clips):
            inputs = {name: torch.as_tensor(value) for name, value in layout[index].items()}
            if not any(name.startswith("pixel_values") for name in inputs):
                raise UsageError(
                    "model.base: its processor makes no pixels of a video; name another."
                )
            head = self._head(*_row(output, index))
            prepared.append(PreparedClip(frames, made[index], inputs, head))
        return prepared

    def encode_question(self, clip: PreparedClip, prompt: str) -> Tokens:
        """A question about a clip, up to where its answer begins."""
        return self.encode_questions([clip], [prompt])[0]

    def encode_questions(
        self, clips: Sequence[PreparedClip], prompts: Sequence[str]
    ) -> list[Tokens]:
        """`encode_question` for several questions, each with its clip."""
        texts = [self.render(prompt, None) for prompt in prompts]
        return [Tokens(ids, kinds, len(ids)) for ids, kinds in self._ids(clips, texts)]

    def encode_text_question(self, prompt: str) -> Tokens:
        """A question without a video, up to where its answer begins."""
        ids = np.asarray(self.encode_unfilled(prompt, video=False), np.int32)
        return Tokens(ids, None, len(ids))

    def encode_unfilled(self, prompt: str, video: bool) -> list[int]:
        """A question in which the template's placeholder stands for a whole video."""
        text = self._chat(prompt, None, video)
        return list(self.tokenizer(text, add_special_tokens=self._lacks_bos(text)).input_ids)

    def encode_conversation(self, clip: PreparedClip, prompt: str, answer: str) -> Tokens:
        """A question with its answer and the end of turn.

        VideoStarError when the tokenizer merges the end of the question with the answer.
        """
        question = self.render(prompt, None)
        texts = [question, self._with_answer(question, answer)]
        (question_ids, _), (ids, type_ids) = self._ids([clip, clip], texts)
        return Tokens(ids, type_ids, _common_prefix(question_ids, ids))

    def render(self, prompt: str, answer: str | None) -> str:
        """The conversation as text: the generation prompt and, if given, the answer and its end.

        The answer follows the generation prompt, and the space that the template may write between
        them (after "ASSISTANT:"). Some templates write another prompt before a given answer
        (LLaVA-OneVision "assistant \\n" instead of "assistant\\n"); that one is not used.
        """
        question = self._chat(prompt, None)
        return question if answer is None else self._with_answer(question, answer)

    def _with_answer(self, question: str, answer: str) -> str:
        return question + self._lead + self.escape(answer.strip()) + self.end_of_turn

    def _chat(self, prompt: str, answer: str | None, video: bool = True) -> str:
        """Apply the chat template; control tokens in `prompt` and `answer` are escaped."""
        content = [{"type": "video"}] if video else []
        content.append({"type": "text", "text": self.escape(prompt)})
        turns: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if answer is not None:
            text = [{"type": "text", "text": self.escape(answer)}]
            turns.append({"role": "assistant", "content": text})
        try:
            return str(
                self._processor.apply_chat_template(
                    turns, add_generation_prompt=answer is None, tokenize=False
                )
            )
        except (ValueError, TypeError, KeyError, AttributeError, TemplateError) as error:
            reason = " ".join(str(error).split())[:120]
            raise _template(f"cannot write a question about a video ({reason})") from error

    def escape(self, text: str) -> str:
        """Text whose control tokens are plain text: "<video>" becomes "< video>"."""
        return self._control_tokens.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)

    def _read_template(self) -> tuple[str, str]:
        """The space between generation prompt and answer, and the token that ends an answer.

        That is the first token after the answer, or eos when nothing follows. UsageError when the
        template does not fit the tokenizer, or leaves out the video or a text.
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
        end_token = self._control_tokens.match(after.lstrip())
        if lead.strip() or (after.strip() and end_token is None):
            raise _template(
                f"writes {(lead.strip() or after.strip())[:40]!r} next to an answer, which is no "
                "token of its tokenizer"
            )
        end = end_token[0] if end_token else self.tokenizer.eos_token
        if end is None or self.tokenizer.convert_tokens_to_ids(end) == self.tokenizer.unk_token_id:
            raise _template(f"ends an answer with {end!r}, which its tokenizer does not know")
        return lead, str(end)

    def _ids(self, clips: Sequence[PreparedClip], texts: Sequence[str]) -> list[_Ids]:
        """Ids and type_ids of conversations, each about its clip."""
        behind = iter(self._tokens_behind([t for c, t in zip(clips, texts, strict=True) if c.head]))
        rows: list[_Ids] = []
        for clip, text in zip(clips, texts, strict=True):
            if clip.head is None:
                self._video.output = clip.output
                rows.append(_row(self._call([text], [clip.frames]), 0))
                continue
            tail, kinds = np.asarray(next(behind), dtype=np.int32), clip.head.type_ids
            if kinds is not None:
                kinds = np.concatenate([kinds, np.zeros_like(tail)])
            rows.append((np.concatenate([clip.head.ids, tail]), kinds))
        return rows

    def _tokens_behind(self, texts: Sequence[str]) -> list[list[int]]:
        """What follows the video in conversations; read after its last token, as it may matter."""
        if not texts or self._behind is None:
            return []
        start = self.tokenizer.convert_ids_to_tokens(self._behind.anchor) + self._behind.lead
        behind = [start + text.partition(self._processor.video_token)[2] for text in texts]
        ids = self.tokenizer(behind, add_special_tokens=False)["input_ids"]
        return [row[1:] for row in ids]

    def _head(self, ids: NDArray[np.int32], type_ids: NDArray[np.int32] | None) -> Head | None:
        """The head of a clip, of which these are the tokens of an empty question."""
        if self._behind is None:
            self._behind = self._read_behind(ids)
        if self._behind is None:
            return None
        if self._empty is None:
            self._empty = self._tokens_behind([self.render("", None)])[0]
        end = len(ids) - len(self._empty)
        if ids[end - 1] != self._behind.anchor or ids[end:].tolist() != self._empty:
            return None
        return Head(ids[:end], None if type_ids is None else type_ids[:end])

    def _read_behind(self, ids: NDArray[np.int32]) -> _Behind | None:
        """How the tokens of an empty question go on behind the last control token of its video."""
        video = getattr(self._processor, "video_token", None)
        text = self.render("", None).partition(video)[2] if video else ""
        known = self.tokenizer.added_tokens_decoder
        special = [token for token in known if known[token].special]
        later = np.isin(self.tokenizer(text, add_special_tokens=False)["input_ids"], special).sum()
        places = np.flatnonzero(np.isin(ids, special))
        if not text or len(places) <= later:
            return None
        end = int(places[-1 - later]) + 1
        written = self.tokenizer.decode(ids[end:], clean_up_tokenization_spaces=False)
        lead = written.removesuffix(text) if written.endswith(text) else ""
        return _Behind(int(ids[end - 1]), lead)

    def _lacks_bos(self, text: str) -> bool:
        """Whether BOS must be added because the template did not write it."""
        bos = self.tokenizer.bos_token
        return not (bos and text.startswith(bos))

    def _call(self, texts: Sequence[str], clips: Sequence[Frames]) -> Any:
        """Call the processor for texts, each about its clip."""
        return self._processor(
            text=list(texts),
            videos=[frames.pixels for frames in clips],
            video_metadata=[self.metadata(frames) for frames in clips],
            add_special_tokens=self._lacks_bos(texts[0]),
            **self.processor_options,
        )

    @property
    def processor_options(self) -> dict[str, bool]:
        """What the processor is told about every video."""
        # As the authors of Qwen do; transformers announces it as its default.
        bounded = hasattr(self._video, "cap_pixels_per_frame")
        return {"do_sample_frames": False, **({"cap_pixels_per_frame": True} if bounded else {})}

    def metadata(self, frames: Frames) -> dict[str, Any]:
        """VideoMetadata; its `timestamps` are the times of the frames, `sampled_fps` their rate.

        VideoError when the model uses times and the clip has none.
        """
        n, height, width = frames.pixels.shape[:3]
        size = {"height": height, "width": width}
        if frames.times is None:
            if getattr(self._processor, "videos_kwargs", {}).get("return_metadata"):
                raise VideoError(
                    "A folder of images has no clock, but this model uses the time of each frame; "
                    "make a video of the folder, or use a model without times."
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


def _row(output: Any, index: int) -> _Ids:
    """Ids and type_ids of one text."""
    type_ids = output.get("mm_token_type_ids")
    return (
        np.asarray(output["input_ids"][index], dtype=np.int32),
        None if type_ids is None else np.asarray(type_ids[index], dtype=np.int32),
    )


def _split(output: Mapping[str, Any], n: int) -> list[Any]:
    """An output for `n` clips of one shape as outputs of the same class for one clip."""
    sizes = {name: len(value) // n for name, value in output.items()}
    return [
        type(output)(
            {name: output[name][i * size : (i + 1) * size] for name, size in sizes.items()}
        )  # type: ignore[call-arg]
        for i in range(n)
    ]


def _template(fault: str) -> UsageError:
    return UsageError(
        f"model.base: its chat template {fault}; add the chat_template.jinja of its authors to the "
        "model's folder."
    )


def _pad_frames(frames: Frames, n: int) -> Frames:
    """At least `n` frames, the last one repeated: some vision towers take pairs of frames."""
    missing = n - len(frames.pixels)
    if missing <= 0:
        return frames
    pixels = np.concatenate([frames.pixels, np.repeat(frames.pixels[-1:], missing, axis=0)])
    times = None if frames.times is None else (*frames.times, *frames.times[-1:] * missing)
    return Frames(pixels, times, frames.duration)


def _control_tokens(processor: Any) -> re.Pattern[str]:
    """Matches every special token of a processor and its tokenizer."""
    tokenizer = processor.tokenizer
    names = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    names |= set(tokenizer.all_special_tokens)
    for kind in ("image", "video", "audio"):
        names.add(getattr(processor, f"{kind}_token", None) or f"<{kind}>")
    longest_first = sorted((name for name in names if len(name) > 1), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)))


def _common_prefix(short: NDArray[np.int32], long: NDArray[np.int32]) -> int:
    """Length of the common prefix; at least 1, since the first token is never predicted."""
    n = min(len(short), len(long))
    differing = np.flatnonzero(short[:n] != long[:n])
    same = int(differing[0]) if len(differing) else n
    if same < n - 1 or same >= len(long):
        raise VideoStarError(
            "The tokens of a question change when its answer follows; this tokenizer merges across "
            "turns and cannot be finetuned on answers only."
        )
    return max(same, 1)
