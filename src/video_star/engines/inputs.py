"""From frames and prompts to what a model takes: once per clip, not once per question.

`shared_inputs` lets the model's own processor run once per clip and puts the clip's tokens into the
other questions' ids; the tower runs once per clip too. It returns None wherever a processor or a
model does not fit that scheme; `plain_inputs` works for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from itertools import groupby
from typing import Any

import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

from video_star.engines.base import Clip, Request
from video_star.errors import UsageError
from video_star.video import Frames

PIXELS = "pixel_values_videos"
ALONG_TOKENS = ("input_ids", "attention_mask", "mm_token_type_ids")
"""Outputs of a processor with one value per token."""
TOWER_CLIPS = 16
"""Clips that go through the vision tower at once."""


@dataclass(frozen=True)
class ClipTokens:
    """What stands in the ids for one clip, and what the model is told about it."""

    ids: list[int]
    kinds: list[int]
    """mm_token_type_ids of `ids`; empty where the model has none."""
    features: torch.Tensor | tuple[torch.Tensor]
    """Tower and projector output as the model's own method gives it for one clip: a tensor with a
    leading 1 (or a leading frame count), or a tuple of one tensor [n, width].
    """
    layout: dict[str, Any]
    """Other inputs of the clip (a grid, for one), each with a leading 1."""


def chat_text(processor: Any, prompt: str) -> str:
    """The model's own chat text of one question about one video, up to where the answer begins."""
    content = [{"type": "video"}, {"type": "text", "text": prompt}]
    try:
        text = processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
    except ValueError as error:
        raise UsageError(
            f"model.base: the processor has no usable chat template ({error}); add a "
            "chat_template.jinja to the model's folder."
        ) from error
    return str(text)


def plain_inputs(
    processor: Any, requests: Sequence[Request], frames: Mapping[Clip, Frames]
) -> dict[str, Any]:
    """Inputs of a batch by one call of the processor, clips repeated for each question."""
    made = processor(
        text=[chat_text(processor, request.prompt) for request in requests],
        videos=[frames[request.clip] for request in requests],
        do_sample_frames=False,
        padding=True,
        padding_side="left",
        return_tensors="pt",
    )
    return dict(made)


def shared_inputs(
    processor: Any, model: Any, requests: Sequence[Request], frames: Mapping[Clip, Frames]
) -> dict[str, Any] | None:
    """The same inputs with features in place of pixels; None when the model does not allow it."""
    if "mm_encoder_outputs" not in signature(model.forward).parameters:
        return None
    texts = {r.key: chat_text(processor, r.prompt) for r in requests}
    bare = processor.tokenizer(list(texts.values()), add_special_tokens=True)["input_ids"]
    ids = dict(zip(texts, bare, strict=True))
    first: dict[Clip, Request] = {}
    for request in requests:
        first.setdefault(request.clip, request)
    clips: dict[Clip, ClipTokens] = {}
    for group in _alike(frames, first):
        made = _encode_group(processor, model, [(first[c], frames[c]) for c in group], texts, ids)
        if made is None:
            return None
        clips.update(zip(group, made, strict=True))
    return _join(processor, [(ids[r.key], clips[r.clip]) for r in requests], model.device)


def _alike(frames: Mapping[Clip, Frames], clips: Mapping[Clip, Request]) -> Iterator[list[Clip]]:
    """Runs of at most TOWER_CLIPS clips of one shape."""
    for _, run in groupby(clips, key=lambda clip: frames[clip].shape):
        members = list(run)
        for start in range(0, len(members), TOWER_CLIPS):
            yield members[start : start + TOWER_CLIPS]


def _encode_group(
    processor: Any,
    model: Any,
    group: Sequence[tuple[Request, Frames]],
    texts: Mapping[str, str],
    ids: Mapping[str, list[int]],
) -> list[ClipTokens] | None:
    made = processor(
        text=[texts[request.key] for request, _ in group],
        videos=[frames for _, frames in group],
        do_sample_frames=False,
        padding=False,
    )
    slots = [
        _slot(processor, ids[request.key], list(made["input_ids"][i]))
        for i, (request, _) in enumerate(group)
    ]
    layout = {k: torch.as_tensor(v) for k, v in made.items() if k not in (PIXELS, *ALONG_TOKENS)}
    if PIXELS not in made or None in slots or any(len(v) != len(group) for v in layout.values()):
        return None
    pixels = made[PIXELS]
    pixels = pixels if isinstance(pixels, torch.Tensor) else torch.stack(list(pixels))
    features = _features(model, {PIXELS: pixels, **layout}, len(group))
    if features is None:
        return None
    kinds = made.get("mm_token_type_ids")
    return [
        ClipTokens(
            list(made["input_ids"][i])[slot],
            [] if kinds is None else list(kinds[i])[slot],
            features[i],
            {name: value[i : i + 1] for name, value in layout.items()},
        )
        for i, slot in enumerate(slots)
        if slot is not None
    ]


def _slot(processor: Any, bare: list[int], expanded: list[int]) -> slice | None:
    """Where the expanded ids hold what replaced the one placeholder of the bare ids."""
    placeholder = getattr(processor, "video_token_id", None)
    if placeholder is None or bare.count(placeholder) != 1:
        return None
    at = bare.index(placeholder)
    tail = len(bare) - at - 1
    end = len(expanded) - tail
    if end < at or expanded[:at] != bare[:at] or expanded[end:] != bare[at + 1 :]:
        return None
    return slice(at, end)


def _features(
    model: Any, inputs: Mapping[str, torch.Tensor], n_clips: int
) -> list[torch.Tensor | tuple[torch.Tensor]] | None:
    """Tower and projector output clip by clip; None when it cannot be told apart by clip."""
    wanted = signature(model.model.get_video_features).parameters
    arguments = {
        name: value.to(model.device, model.dtype if value.is_floating_point() else value.dtype)
        for name, value in inputs.items()
        if name in wanted
    }
    output = model.model.get_video_features(**arguments, return_dict=True)
    # Towers that hand over more than one tensor (deep-stack layers) have a class of their own.
    if type(output) is not BaseModelOutputWithPooling or output.pooler_output is None:
        return None
    pooled = output.pooler_output
    if len(pooled) % n_clips:
        return None
    if isinstance(pooled, torch.Tensor):
        return list(pooled.chunk(n_clips))
    return [(part,) for part in pooled] if len(pooled) == n_clips else None


def _join(
    processor: Any, rows: Sequence[tuple[list[int], ClipTokens]], device: torch.device
) -> dict[str, Any]:
    """Left-padded ids [rows, length], mask, features in the order of the rows, layouts."""
    placeholder, tokenizer = processor.video_token_id, processor.tokenizer
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    lengths = [len(bare) - 1 + len(clip.ids) for bare, clip in rows]
    ids = torch.full((len(rows), max(lengths)), pad)
    mask, kinds = torch.zeros_like(ids), torch.zeros_like(ids)
    for row, ((bare, clip), length) in enumerate(zip(rows, lengths, strict=True)):
        at = bare.index(placeholder)
        ids[row, -length:] = torch.tensor([*bare[:at], *clip.ids, *bare[at + 1 :]])
        mask[row, -length:] = 1
        start = ids.shape[1] - length + at
        if clip.kinds:
            kinds[row, start : start + len(clip.ids)] = torch.tensor(clip.kinds)
    joined: dict[str, Any] = {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
    if rows[0][1].kinds:
        joined["mm_token_type_ids"] = kinds.to(device)
    for name in rows[0][1].layout:
        joined[name] = torch.cat([clip.layout[name] for _, clip in rows]).to(device)
    pooled = _pooled([clip.features for _, clip in rows])
    joined["mm_encoder_outputs"] = {"video": BaseModelOutputWithPooling(pooler_output=pooled)}
    return joined


def _pooled(
    features: Sequence[torch.Tensor | tuple[torch.Tensor]],
) -> torch.Tensor | tuple[torch.Tensor, ...]:
    """Features of several clips in the form in which the model's own method gives them."""
    tensors = [item for item in features if isinstance(item, torch.Tensor)]
    if not tensors:
        return tuple(part for item in features for part in item)
    # One row per token where clips differ in length: the placeholders say where each clip ends.
    if len({item.shape[1:] for item in tensors}) > 1:
        return torch.cat([item.flatten(0, -2) for item in tensors])[None]
    return torch.cat(tensors)
