"""The clips of a finetune as model inputs: encoder features or pixel values.

Where neither vision tower nor projector is trained, the features of a clip never change: they are
computed when a batch first needs them, and a step only runs the language model. Otherwise, and for
models that take no features in place of pixels, every step gets the preprocessed pixels. Either is
kept for the next examples about the clip, as far as the bound on memory allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from video_star.core.engine import Clip
from video_star.models.conversation import PreparedClip
from video_star.models.features import (
    Features,
    Inputs,
    encode_clips,
    group_by_shape,
    join_features,
    join_inputs,
    without_pixels,
)
from video_star.training.bounded import Bounded

CLIPS_AT_MOST = 8 << 30
"""Bytes of features and pixel values that a process keeps in memory."""


@dataclass(frozen=True)
class ClipEntry:
    """One clip: its inputs, without pixels where it has features."""

    inputs: Inputs
    outline: PreparedClip
    """For the tokens of the clip's examples."""
    features: Features | None = None

    @property
    def nbytes(self) -> int:
        features = () if self.features is None else self.features.tensors
        return sum(tensor.nbytes for tensor in (*self.inputs.values(), *features))


class ClipInputs:
    """The clips that are kept; threads may add some while the process trains."""

    def __init__(self, encoder: Any | None) -> None:
        """`encoder` as of `clip_encoder`; None: pixels go into every step."""
        self._encoder = encoder
        self._kept: Bounded[Clip, ClipEntry] = Bounded(CLIPS_AT_MOST, lambda entry: entry.nbytes)

    def get(self, clip: Clip) -> ClipEntry | None:
        """The clip, if it is kept."""
        return self._kept.get(clip)

    def add(self, clip: Clip, prepared: PreparedClip) -> ClipEntry:
        """Keep a clip that was preprocessed."""
        entry = ClipEntry(prepared.inputs, outline(prepared))
        self._kept.put(clip, entry)
        return entry

    def encoded(self, clip: Clip, entry: ClipEntry) -> ClipEntry:
        """The clip as a step takes it.

        It is encoded by itself, so that its features have the same bits whatever goes before: in a
        resumed run, on other processes, or after they had to go.
        """
        kept = self._kept.get(clip)
        if kept is not None and kept.features is not None:
            return kept
        if self._encoder is None or entry.features is not None:
            return entry
        with torch.no_grad():
            features = encode_clips(self._encoder, [entry.inputs])
        assert features is not None
        own = features[0].to("cpu")
        made = ClipEntry(without_pixels(entry.inputs), entry.outline, own)
        self._kept.put(clip, made)
        return made


def outline(clip: PreparedClip) -> PreparedClip:
    """The clip with zeros for pixels, in no memory: tokens depend on shapes and times alone."""
    frames = replace(clip.frames, pixels=np.broadcast_to(np.uint8(0), clip.frames.pixels.shape))
    output = {
        name: value.new_zeros(()).expand(value.shape) if name.startswith("pixel_values") else value
        for name, value in clip.output.items()
    }
    return replace(clip, frames=frames, output=type(clip.output)(output), inputs={})  # type: ignore[call-arg]


def clip_encoder(model: Any, clip: Inputs, copy_weights: bool) -> Any | None:
    """What computes features while the model trains; None where pixels go into every step.

    None is for models that take no features, or some of whose features are trained. Else it is the
    model, without PEFT's wrapper, with other module objects ahead of its decoder: they stay in
    evaluation mode, out of reach of what a trainer or DeepSpeed does to modules. They share their
    weights with the model's, unless `copy_weights`, for weights that processes will partition.
    `clip` is any clip.
    """
    model.eval()
    with torch.enable_grad():
        features = encode_clips(model, [clip])
    if features is None or any(tensor.requires_grad for tensor in features[0].tensors):
        return None
    shared = [model.get_decoder(), model.get_output_embeddings()]
    if not copy_weights:
        shared += [*model.parameters(), *model.buffers()]
    return deepcopy(model, {id(part): part for part in shared if part is not None})


def group_rows(
    clips: Sequence[ClipEntry],
) -> Iterator[tuple[list[int], dict[str, Any], Features | None]]:
    """Rows whose clips have one shape, with the joined inputs and features of these clips."""
    shapes = [
        {**clip.inputs, "features": clip.features.pooled[0]}
        if clip.features is not None and clip.features.stacked
        else clip.inputs
        for clip in clips
    ]
    for rows in group_by_shape(shapes):
        features = [item for row in rows if (item := clips[row].features) is not None]
        joined = join_features(features) if features else None
        yield rows, join_inputs([clips[row].inputs for row in rows]), joined
