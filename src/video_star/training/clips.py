"""What the model gets to see of each clip, made once and kept: encoder features or pixel values.

Where nothing in the vision tower and the projector is trained, a clip's features never change: they
are computed once and every step starts at the language model. Otherwise, and for models that offer
no way in behind the tower, every step gets the preprocessed pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from video_star.training.examples import join_clips

PIXELS = "pixel_values_videos"
FEATURES_AT_MOST = 8 << 30
"""Bytes of features that a process keeps in memory; beyond it the plain path is taken."""
PIXELS_AT_MOST = 8 << 30
"""Bytes of pixel values that a process keeps in memory; the rest waits in files of the scratch."""
AT_ONCE = 16
"""Clips that go through the tower together."""


def features_fit(model: Any, clip: Mapping[str, Any], n_clips: int) -> bool:
    """Whether features can stand in for pixels: the model takes them, they are frozen, they fit."""
    inner = model.get_base_model()
    if PIXELS not in clip or "mm_encoder_outputs" not in signature(inner.model.forward).parameters:
        return False
    with torch.enable_grad():
        output = _encode(inner, clip)
    # Some encoders hand over more than one tensor per clip (deep-stack layers): the plain path.
    if type(output).__name__ != "BaseModelOutputWithPooling":
        return False
    features = output.pooler_output
    parts = [features] if isinstance(features, torch.Tensor) else list(features)
    size = sum(part.numel() * part.element_size() for part in parts)
    return not any(part.requires_grad for part in parts) and size * n_clips <= FEATURES_AT_MOST


def _encode(inner: Any, clips: Mapping[str, Any]) -> Any:
    """The tower's and projector's output for joined clips, by the model's own method."""
    device = next(inner.parameters()).device
    wanted = signature(inner.model.get_video_features).parameters
    arguments = {
        name: value.to(device) if isinstance(value, torch.Tensor) else value
        for name, value in clips.items()
        if name in wanted
    }
    config = inner.config
    for name in ("vision_feature_layer", "vision_feature_select_strategy"):
        if name in wanted:
            arguments[name] = getattr(config, name)
    return inner.model.get_video_features(**arguments, return_dict=True)


def encode_clips(model: Any, clips: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The clips with features in place of pixels, each [1, n, d] or a tuple of one [n, d]."""
    inner = model.get_base_model()
    with torch.no_grad():
        features = _encode(inner, join_clips(clips)).pooler_output
    if isinstance(features, torch.Tensor):
        parts: list[Any] = [features[i : i + 1].cpu().clone() for i in range(len(clips))]
    else:
        parts = [(part.cpu().clone(),) for part in features]
    return [
        {**{name: value for name, value in clip.items() if name != PIXELS}, "features": part}
        for clip, part in zip(clips, parts, strict=True)
    ]


@dataclass
class ClipInputs:
    """All clips of a finetune, by index; `use_features` is decided by the first one."""

    model: Any
    n_clips: int
    spill: Path
    """Folder of this process for pixel values that do not fit in memory."""
    use_features: bool | None = None

    def __post_init__(self) -> None:
        self._ready: list[dict[str, Any]] = []
        self._waiting: list[Mapping[str, Any]] = []
        self._held = 0

    def add(self, clip: dict[str, Any]) -> None:
        """Take the next clip."""
        if self.use_features is None:
            self.use_features = features_fit(self.model, clip, self.n_clips)
        if not self.use_features:
            self._ready.append(self._held_or_spilled(clip))
            return
        same = not self._waiting or self._waiting[0][PIXELS].shape == clip[PIXELS].shape
        if not same or len(self._waiting) == AT_ONCE:
            self.flush()
        self._waiting.append(clip)

    def flush(self) -> None:
        """Encode what waits."""
        if self._waiting:
            self._ready.extend(encode_clips(self.model, self._waiting))
            self._waiting = []

    def _held_or_spilled(self, clip: dict[str, Any]) -> dict[str, Any]:
        pixels = clip.get(PIXELS)
        if not isinstance(pixels, torch.Tensor):
            return clip
        self._held += pixels.numel() * pixels.element_size()
        if self._held <= PIXELS_AT_MOST:
            return clip
        self.spill.mkdir(parents=True, exist_ok=True)
        path = self.spill / f"{len(self._ready)}.safetensors"
        save_file({PIXELS: pixels.contiguous()}, path)
        return {**clip, PIXELS: path}

    def __getitem__(self, index: int) -> dict[str, Any]:
        clip = self._ready[index]
        if isinstance(clip.get(PIXELS), Path):
            return {**clip, **load_file(clip[PIXELS])}
        return clip


def join(clips: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Inputs of a batch; features end up under "features"."""
    features = [clip["features"] for clip in clips if "features" in clip]
    joined = join_clips([{k: v for k, v in clip.items() if k != "features"} for clip in clips])
    if features:
        one = isinstance(features[0], torch.Tensor)
        joined["features"] = torch.cat(features) if one else sum(features, ())
    return joined
