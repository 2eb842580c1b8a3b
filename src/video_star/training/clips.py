"""The clips of a finetune as model inputs, computed once: encoder features or pixel values.

Where neither vision tower nor projector is trained, the features of a clip never change: they are
computed once, and a step only runs the language model. Otherwise, and for models that take no
features in place of pixels, every step gets the preprocessed pixels.
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
    encode_clips,
    group_by_shape,
    join_features,
    join_inputs,
    without_pixels,
)

FEATURES_AT_MOST = 8 << 30
"""Bytes of features that a process keeps in memory; with more, pixels are used."""
PIXELS_AT_MOST = 8 << 30
"""Bytes of pixel values that a process keeps in memory; the rest is in scratch files."""


@dataclass(frozen=True)
class ClipEntry:
    """One clip: its inputs, without pixels where it has features."""

    inputs: Inputs
    features: Features | None
    file: Path | None = None
    """Holds the pixels when `inputs` does not."""

    def load(self) -> Inputs:
        """Inputs with the pixels of the file."""
        return self.inputs if self.file is None else {**self.inputs, **load_file(self.file)}


@dataclass
class ClipInputs:
    """All clips of a finetune, by index."""

    model: Any
    """The PEFT model, or the bare one."""
    n_clips: int
    spill: Path
    """Folder of this process for pixel values that do not fit in memory."""
    use_features: bool | None = None
    """None: the first clip decides."""

    def __post_init__(self) -> None:
        self._entries: list[ClipEntry] = []
        self._to_encode: list[Inputs] = []
        self._bytes_held = 0

    def add(self, clip: Inputs) -> None:
        """Add the next clip; after the last one call `flush`."""
        if self.use_features is None:
            self.use_features = self._features_fit(clip)
        if not self.use_features:
            self._entries.append(self._hold_or_spill(clip))
            return
        same = len(list(group_by_shape([*self._to_encode[:1], clip]))) == 1
        if not same or len(self._to_encode) == ENCODED_AT_ONCE:
            self.flush()
        self._to_encode.append(clip)

    def flush(self) -> None:
        """Encode the clips that are still to be encoded."""
        if not self._to_encode:
            return
        with torch.no_grad():
            features = encode_clips(unwrapped(self.model), self._to_encode)
        assert features is not None
        for clip, own in zip(self._to_encode, features, strict=True):
            self._entries.append(ClipEntry(without_pixels(clip), own.to("cpu")))
        self._to_encode = []

    def _features_fit(self, clip: Inputs) -> bool:
        """Whether the model takes features, none of them is trained, and all fit in memory."""
        with torch.enable_grad():
            features = encode_clips(unwrapped(self.model), [clip])
        if features is None:
            return False
        tensors = features[0].tensors
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        return (
            not any(tensor.requires_grad for tensor in tensors)
            and size * self.n_clips <= FEATURES_AT_MOST
        )

    def _hold_or_spill(self, clip: Inputs) -> ClipEntry:
        pixels = {name: value for name, value in clip.items() if name.startswith("pixel_")}
        self._bytes_held += sum(value.numel() * value.element_size() for value in pixels.values())
        if self._bytes_held <= PIXELS_AT_MOST:
            return ClipEntry(clip, None)
        self.spill.mkdir(parents=True, exist_ok=True)
        path = self.spill / f"{len(self._entries)}.safetensors"
        save_file({name: value.contiguous() for name, value in pixels.items()}, path)
        return ClipEntry(without_pixels(clip), None, path)

    def __getitem__(self, index: int) -> ClipEntry:
        return self._entries[index]


def group_rows(
    clips: Sequence[ClipEntry],
) -> Iterator[tuple[list[int], dict[str, Any], Features | None]]:
    """Rows whose clips have one shape, with the joined inputs and features of these clips."""
    inputs = [clip.load() for clip in clips]
    shapes = [
        {**own, "features": clip.features.pooled[0]}
        if clip.features is not None and clip.features.stacked
        else own
        for own, clip in zip(inputs, clips, strict=True)
    ]
    for rows in group_by_shape(shapes):
        features = [item for row in rows if (item := clips[row].features) is not None]
        joined = join_features(features) if features else None
        yield rows, join_inputs([inputs[row] for row in rows]), joined
