"""What the model gets to see of each clip, made once and kept: encoder features or pixel values.

Where nothing in the vision tower and the projector is trained, a clip's features never change: they
are computed once and every step starts at the language model. Otherwise, and for models that offer
no way in behind the tower, every step gets the preprocessed pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from video_star.models.adapters import unwrapped
from video_star.models.features import (
    ENCODED_AT_ONCE,
    Features,
    Inputs,
    encode_all,
    join_features,
    join_inputs,
    joinable,
    without_pixels,
)

FEATURES_AT_MOST = 8 << 30
"""Bytes of features that a process keeps in memory; beyond it the plain path is taken."""
PIXELS_AT_MOST = 8 << 30
"""Bytes of pixel values that a process keeps in memory; the rest waits in files of the scratch."""


@dataclass(frozen=True)
class TrainedClip:
    """One clip: its inputs, without pixels where it has features."""

    inputs: Inputs
    features: Features | None
    file: Path | None = None
    """Where the pixels wait when they are not in `inputs`."""

    def whole(self) -> Inputs:
        """Inputs with the pixels that were put into a file."""
        return self.inputs if self.file is None else {**self.inputs, **load_file(self.file)}


@dataclass
class ClipInputs:
    """All clips of a finetune, by index; `use_features` is decided by the first one."""

    model: Any
    """The PEFT model, or the bare one."""
    n_clips: int
    spill: Path
    """Folder of this process for pixel values that do not fit in memory."""
    use_features: bool | None = None

    def __post_init__(self) -> None:
        self._ready: list[TrainedClip] = []
        self._waiting: list[Inputs] = []
        self._held = 0

    def add(self, clip: Inputs) -> None:
        """Take the next clip."""
        if self.use_features is None:
            self.use_features = self._features_fit(clip)
        if not self.use_features:
            self._ready.append(self._held_or_spilled(clip))
            return
        same = len(list(joinable([*self._waiting[:1], clip]))) == 1
        if not same or len(self._waiting) == ENCODED_AT_ONCE:
            self.flush()
        self._waiting.append(clip)

    def flush(self) -> None:
        """Encode what waits."""
        if not self._waiting:
            return
        with torch.no_grad():
            found = encode_all(unwrapped(self.model), self._waiting)
        assert found is not None
        for clip, features in zip(self._waiting, found, strict=True):
            self._ready.append(TrainedClip(without_pixels(clip), features.to("cpu")))
        self._waiting = []

    def _features_fit(self, clip: Inputs) -> bool:
        """Whether features can stand in for pixels: the model takes them, frozen, and they fit."""
        with torch.enable_grad():
            found = encode_all(unwrapped(self.model), [clip])
        if found is None:
            return False
        tensors = found[0].tensors
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        return (
            not any(tensor.requires_grad for tensor in tensors)
            and size * self.n_clips <= FEATURES_AT_MOST
        )

    def _held_or_spilled(self, clip: Inputs) -> TrainedClip:
        pixels = {name: value for name, value in clip.items() if name.startswith("pixel_")}
        self._held += sum(value.numel() * value.element_size() for value in pixels.values())
        if self._held <= PIXELS_AT_MOST:
            return TrainedClip(clip, None)
        self.spill.mkdir(parents=True, exist_ok=True)
        path = self.spill / f"{len(self._ready)}.safetensors"
        save_file({name: value.contiguous() for name, value in pixels.items()}, path)
        return TrainedClip(without_pixels(clip), None, path)

    def __getitem__(self, index: int) -> TrainedClip:
        return self._ready[index]


def together(
    clips: Sequence[TrainedClip],
) -> Iterator[tuple[list[int], dict[str, Any], Features | None]]:
    """Rows that can go through the model at once, and their clips' joined inputs and features."""
    inputs = [clip.whole() for clip in clips]
    shapes = [
        {**whole, "features": clip.features.pooled[0]}
        if clip.features is not None and clip.features.stacked
        else whole
        for whole, clip in zip(inputs, clips, strict=True)
    ]
    for rows in joinable(shapes):
        features = [item for row in rows if (item := clips[row].features) is not None]
        joined = join_features(features) if features else None
        yield rows, join_inputs([inputs[row] for row in rows]), joined
