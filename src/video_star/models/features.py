"""Features of clips (output of vision tower and projector), computed once for all questions.

transformers models take features in place of pixels (`mm_encoder_outputs`), in the form that their
`get_video_features` (or `get_image_features`) returns. Clips of one shape are encoded together; the
features are split by clip, and joined again for the rows of a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from itertools import accumulate
from typing import Any

import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

Inputs = Mapping[str, torch.Tensor]
"""A clip as model input (`PreparedClip.inputs`)."""
ENCODED_AT_ONCE = 16
"""Clips that go through the vision tower together."""


@dataclass(frozen=True)
class Features:
    """Features of one or several clips, as the model's own method returns them."""

    kind: str
    """"video", or "image" for families whose frames are images: the key in mm_encoder_outputs."""
    form: type
    """Class of the output object."""
    pooled: tuple[torch.Tensor, ...]
    deep: tuple[tuple[torch.Tensor, ...], ...] = ()
    """Per layer one [n, d] for each clip, of models that feed deeper layers too (Qwen3-VL)."""
    stacked: bool = False
    """Whether forward takes `pooled` as one tensor, else it takes an entry for each clip."""

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        return (*self.pooled, *(part for layer in self.deep for part in layer))

    def to(self, device: torch.device | str) -> Features:
        """The same on a device."""
        deep = tuple(tuple(part.to(device) for part in layer) for layer in self.deep)
        return replace(self, pooled=tuple(part.to(device) for part in self.pooled), deep=deep)

    def argument(self) -> dict[str, Any]:
        """The argument of forward that replaces the pixels, by name."""
        pooled = torch.cat(self.pooled) if self.stacked else self.pooled
        deep = {"deepstack_features": list(self.deep)} if self.deep else {}
        return {"mm_encoder_outputs": {self.kind: self.form(pooler_output=pooled, **deep)}}


def group_by_shape(clips: Sequence[Inputs]) -> Iterator[list[int]]:
    """Indices of clips whose inputs can be concatenated along the first axis, by group."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for index, clip in enumerate(clips):
        shapes = tuple((name, value.dtype, *value.shape[1:]) for name, value in clip.items())
        groups.setdefault(shapes, []).append(index)
    yield from groups.values()


def join_inputs(clips: Sequence[Inputs]) -> dict[str, Any]:
    """Inputs of several clips of one shape as model input."""
    return {name: torch.cat([clip[name] for clip in clips]) for name in clips[0]}


def encode_clips(model: Any, clips: Sequence[Inputs]) -> list[Features] | None:
    """Features of each clip; the clips have one shape. None when the model takes no features.

    `model` is the model with its head, without PEFT's wrapper.
    """
    if "mm_encoder_outputs" not in signature(model.forward).parameters:
        return None
    features: list[Features] = []
    for start in range(0, len(clips), ENCODED_AT_ONCE):
        part = _encode(model, clips[start : start + ENCODED_AT_ONCE])
        if part is None:
            return None
        features += part
    return features


def without_pixels(clip: Inputs) -> Inputs:
    """The inputs that a model needs besides the features: the layout of the frames."""
    return {name: value for name, value in clip.items() if not name.startswith("pixel_")}


def _kind(clip: Inputs) -> str:
    return "video" if "pixel_values_videos" in clip else "image"


def _encode(model: Any, clips: Sequence[Inputs]) -> list[Features] | None:
    """Features by the model's own method; PerceptionLM's method for images takes videos too."""
    inner = model.model
    method = getattr(inner, f"get_{_kind(clips[0])}_features", None) or inner.get_image_features
    known = signature(method).parameters
    arguments: dict[str, Any] = {}
    for name, value in join_inputs(clips).items():
        argument = name if name in known else name.removesuffix("_videos")
        if argument in known:
            dtype = model.dtype if value.is_floating_point() else value.dtype
            arguments[argument] = value.to(model.device, dtype)
    return _split(clips, method(**arguments, return_dict=True))


def _split(clips: Sequence[Inputs], output: Any) -> list[Features] | None:
    """The output for several clips split by clip; None when it cannot be split."""
    pooled, deep = getattr(output, "pooler_output", None), getattr(output, "deepstack_features", ())
    # A tensor has rows for the rows of the pixels (clips or frames), a list an entry for each clip.
    stacked = isinstance(pooled, torch.Tensor)
    rows = [len(_pixels(clip)) if stacked else 1 for clip in clips]
    if pooled is None or len(pooled) % sum(rows):
        return None
    ends = [len(pooled) // sum(rows) * end for end in accumulate(rows)]
    parts = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    return [
        Features(
            _kind(clips[0]),
            type(output) if deep else BaseModelOutputWithPooling,
            (pooled[part],) if stacked else tuple(pooled[part]),
            tuple(tuple(layer[part]) for layer in deep or ()),
            stacked,
        )
        for part in parts
    ]


def _pixels(clip: Inputs) -> torch.Tensor:
    return next(value for name, value in clip.items() if name.startswith("pixel_values"))


def join_features(features: Sequence[Features]) -> Features:
    """Features of the rows of a batch, in order."""
    layers = zip(*(item.deep for item in features), strict=True)
    deep = tuple(tuple(part for one in layer for part in one) for layer in layers)
    return replace(features[0], pooled=tuple(p for f in features for p in f.pooled), deep=deep)
