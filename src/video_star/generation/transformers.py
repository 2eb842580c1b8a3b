"""Answers by a transformers model, with or without an adapter, in batches.

The model is loaded for the first request that has no stored answer. Videos are decoded ahead of the
model. A clip is encoded once for all its questions if the first batch shows that this does not
change the logits. A batch that does not fit in memory is halved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import GenerationConfig

from video_star.core.engine import Clip, Outcome, Reply, Request, Unusable
from video_star.core.errors import VideoError, VideoStarError, is_out_of_memory
from video_star.core.params import ModelParams
from video_star.core.progress import Progress
from video_star.core.records import ModelRef
from video_star.generation.batching import clips_of, ready_batches
from video_star.generation.decoding import decode, greedy_config
from video_star.generation.kv_cache import rows_can_be_selected
from video_star.generation.prefix import continue_from, divide
from video_star.models.adapters import load_adapter, unwrapped
from video_star.models.batches import on_device, pad_id, padded
from video_star.models.conversation import Conversations, PreparedClip, Tokens
from video_star.models.features import (
    Inputs,
    encode_clips,
    group_by_shape,
    join_features,
    join_inputs,
    without_pixels,
)
from video_star.models.loading import load_processor, load_weights
from video_star.video.cache import FrameCache
from video_star.video.decode import Frames

SAME_LOGITS = {torch.float32: 1e-3, torch.float16: 3e-2, torch.bfloat16: 2e-1}
"""Largest difference of first-token logits with features and with pixels, from rounding."""


@dataclass(frozen=True)
class Loaded:
    """A model ready to answer."""

    conversations: Conversations
    model: Any
    ends: set[int]
    """End tokens: the template's end of turn, and those of the model and the tokenizer."""


@dataclass
class TransformersEngine:
    """Answers with the weights of `ref`, on one device."""

    ref: ModelRef
    model: ModelParams
    location: Path
    """Folder of the base model."""
    adapter: Path | None
    frames: FrameCache
    device: str
    batch_size: int
    progress: Progress
    share: bool | None = None
    """Whether a clip is encoded once for all its questions; None: the first question decides."""
    reuse: bool | None = None
    """Whether a clip is read by the model once for all its questions; None: as `share`."""

    @cached_property
    def loaded(self) -> Loaded:
        """The model, loaded for the first request."""
        return load(self.model, self.location, self.adapter, self.device)

    def answer(
        self, requests: Sequence[Request], known: Collection[str] = ()
    ) -> Iterator[Sequence[Outcome]]:
        """Batches are planned over all requests; then those in `known` are left out."""
        with closing(ready_batches(requests, known, self.frames, self.batch_size)) as batches:
            for batch in batches:
                if batch.unusable:
                    yield batch.unusable
                yield from self._run_halving(batch.requests, batch.frames)

    def _run_halving(
        self, requests: Sequence[Request], frames: dict[Clip, Frames]
    ) -> Iterator[Sequence[Outcome]]:
        """Outcomes of requests in batches, which are halved for good when memory runs out."""
        for start in range(0, len(requests), self.batch_size):
            part = requests[start : start + self.batch_size]
            try:
                replies: Sequence[Outcome] | None = self._run(part, frames)
            except (torch.OutOfMemoryError, RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                replies = None
            if replies is not None:
                yield replies
                continue
            self._shrink(len(part))
            yield from self._run_halving(requests[start:], frames)
            return

    def _shrink(self, size: int) -> None:
        if size == 1:
            raise VideoStarError(
                f"One answer about {self.frames.params.frames} frames does not fit in the memory "
                f"of {self.device}; lower video.frames or video.short_side in params.yaml."
            )
        self.batch_size = max(1, size // 2)
        if self.device != "cpu":
            torch.cuda.empty_cache()
        self.progress.note(f"Out of memory: from here on {self.batch_size} answers at a time.")

    @torch.inference_mode()
    def _run(self, requests: Sequence[Request], frames: dict[Clip, Frames]) -> list[Outcome]:
        """Outcomes of a batch, with one forward pass for each shape of clips."""
        loaded, outcomes = self.loaded, list[Outcome]()
        prepared: dict[Clip, PreparedClip] = {}
        for alike in _alike(frames, clips_of(requests)):
            try:
                made = loaded.conversations.prepare_all([frames[clip] for clip in alike])
            except VideoError as error:
                outcomes += [Unusable.by_model(r, error) for r in requests if r.clip in alike]
            else:
                prepared |= zip(alike, made, strict=True)
        texts = [request for request in requests if request.clip is None]
        if texts:
            asked = [loaded.conversations.encode_text_question(request.prompt) for request in texts]
            inputs = padded(asked, pad_id(loaded.conversations.tokenizer), "left")
            outcomes += self._decoded(texts, on_device(inputs, loaded.model))
        clips = list(prepared)
        for group in group_by_shape([prepared[clip].inputs for clip in clips]):
            together = {clips[index]: prepared[clips[index]] for index in group}
            rows = [request for request in requests if request.clip in together]
            shown = [together[request.clip] for request in rows if request.clip is not None]
            tokens = loaded.conversations.encode_questions(shown, [r.prompt for r in rows])
            if self.share is None:
                self.share = features_match_pixels(loaded, shown[-1], tokens[-1])
                if not self.share:
                    name = type(loaded.model).__name__
                    self.progress.note(f"{name} encodes a clip for each of its questions.")
            once = self._reads_once(tokens, shown, rows[0].sampling.max_new_tokens)
            inputs = (self._continued if once else self._inputs)(tokens, shown)
            outcomes += self._decoded(rows, inputs)
        return outcomes

    def _inputs(self, tokens: Sequence[Tokens], clips: Sequence[PreparedClip]) -> dict[str, Any]:
        """The model's inputs for conversations, each about its clip."""
        loaded = self.loaded
        inputs = padded(tokens, pad_id(loaded.conversations.tokenizer), "left")
        visual: list[Inputs] = [clip.inputs for clip in clips]
        distinct = {id(clip): clip.inputs for clip in clips}
        encoded = encode_clips(loaded.model, list(distinct.values())) if self.share else None
        if encoded is not None:
            features = dict(zip(distinct, encoded, strict=True))
            visual = [without_pixels(clip) for clip in visual]
            inputs |= join_features([features[id(clip)] for clip in clips]).argument()
        return on_device(inputs | join_inputs(visual), loaded.model)

    def _continued(self, tokens: Sequence[Tokens], clips: Sequence[PreparedClip]) -> dict[str, Any]:
        """As `_inputs`, with what the rows of each clip begin with in the cache."""
        loaded = self.loaded
        distinct = {id(clip): clip for clip in clips}
        places = {name: place for place, name in enumerate(distinct)}
        heads = [len(clip.head.ids) for clip in distinct.values() if clip.head is not None]
        parts = divide(tokens, [places[id(clip)] for clip in clips], heads)
        beginnings = self._inputs(parts.beginnings, list(distinct.values()))
        return continue_from(
            loaded.model, beginnings, parts, pad_id(loaded.conversations.tokenizer)
        )

    def _reads_once(
        self, tokens: Sequence[Tokens], clips: Sequence[PreparedClip], limit: int
    ) -> bool:
        """Whether to read each clip once for its questions; the first time, by trying it."""
        model = self.loaded.model
        rests = [len(r) - len(c.head.ids) for r, c in zip(tokens, clips, strict=True) if c.head]
        if (
            self.reuse is False
            or len({id(clip) for clip in clips}) == len(clips)
            or len(rests) < len(clips)
        ):
            return False
        # Where a window ends is not the same for padding inside of a row as for padding before it.
        padding = max(rests) - min(rests)
        if not rows_can_be_selected(model, padding and max(map(len, tokens)) + padding + limit):
            return False
        if self.reuse is None:
            mine = [i for i, clip in enumerate(clips) if clip is clips[0]]
            rows = [mine[0], mine[-1]]
            few = [tokens[i] for i in rows], [clips[i] for i in rows]
            usual, ours = (first_logits(model, f(*few)) for f in (self._inputs, self._continued))
            self.reuse = torch.allclose(usual, ours, atol=SAME_LOGITS[model.dtype])
            if not self.reuse:
                self.progress.note(
                    "Reading a clip once for all its questions changes this model's answers: off."
                )
        return self.reuse

    def _decoded(self, requests: Sequence[Request], inputs: dict[str, Any]) -> list[Reply]:
        """Replies to requests, given the model's inputs."""
        loaded = self.loaded
        rows = decode(loaded.model, inputs, requests, loaded.ends)
        tokenizer = loaded.conversations.tokenizer
        return [
            reply(tokenizer, request, row, loaded.ends)
            for request, row in zip(requests, rows, strict=True)
        ]


def _alike(frames: Mapping[Clip, Frames], clips: Sequence[Clip]) -> Iterator[list[Clip]]:
    """Clips with frames of one shape, all with times or all without."""
    groups: dict[tuple[object, ...], list[Clip]] = {}
    for clip in clips:
        key = (frames[clip].pixels.shape, frames[clip].times is None)
        groups.setdefault(key, []).append(clip)
    yield from groups.values()


def load(params: ModelParams, location: Path, adapter: Path | None, device: str) -> Loaded:
    """Processor and model in evaluation mode on the device; UsageError when they cannot be loaded.

    In float32 the adapter is merged into the weights, which is faster and exact but for rounding.
    """
    processor = load_processor(location, params.trust_remote_code)
    conversations = Conversations(processor)
    model = load_weights(location, params.trust_remote_code, dtype=getattr(torch, params.dtype))
    ends = {conversations.end_id, *_eos(model), *_eos(processor.tokenizer)}
    if adapter is not None:
        tuned = load_adapter(model, adapter)
        exact = params.dtype == "float32"
        model = tuned.merge_and_unload(safe_merge=True) if exact else unwrapped(tuned)
    model.generation_config = GenerationConfig(
        eos_token_id=sorted(ends), pad_token_id=pad_id(processor.tokenizer)
    )
    return Loaded(conversations, model.to(device).eval(), ends)


def features_match_pixels(loaded: Loaded, clip: PreparedClip, tokens: Tokens) -> bool:
    """Whether the model takes features, and gives equal first-token logits for them and pixels."""
    features = encode_clips(loaded.model, [clip.inputs])
    if features is None:
        return False
    text = padded([tokens], pad_id(loaded.conversations.tokenizer), "left")
    shared = {**without_pixels(clip.inputs), **features[0].argument()}
    logits = [
        first_logits(loaded.model, on_device({**text, **visual}, loaded.model))
        for visual in (clip.inputs, shared)
    ]
    return torch.allclose(logits[0], logits[1], atol=SAME_LOGITS[loaded.model.dtype])


def _eos(source: Any) -> set[int]:
    """End tokens of a model's generation config, or of a tokenizer."""
    ends = getattr(source, "generation_config", source).eos_token_id
    if ends is None:
        return set()
    return set(ends) if isinstance(ends, list) else {ends}


def first_logits(model: Any, inputs: dict[str, Any]) -> torch.Tensor:
    """Logits [B, vocabulary] of the first generated token."""
    config = greedy_config(model, 1)
    config.output_logits = True
    output = model.generate(**inputs, generation_config=config)
    logits: torch.Tensor = output.logits[0]
    return logits


def reply(tokenizer: Any, request: Request, row: Sequence[int], ends: set[int]) -> Reply:
    """The reply that a row of new tokens makes; an end token at its end is no part of it."""
    ended = bool(row) and row[-1] in ends
    tokens = row[:-1] if ended else row
    finish: Literal["stop", "length"] = "stop" if ended else "length"
    text = tokenizer.decode(
        tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
    ).strip()
    return Reply(request.key, text, finish, len(tokens))
