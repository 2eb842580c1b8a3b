"""The self-check of a base model: it answers questions about two clips before any round runs.

Step `base` and `doctor` run it, on the device and in the dtype of params.yaml. A pass is recorded
by content, device and versions, so that a large model is loaded for it once.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from video_star.core.device import pick_device
from video_star.core.errors import UsageError, is_out_of_memory
from video_star.core.hashing import sha256
from video_star.core.jsonl import write_text
from video_star.core.model_paths import base_location, base_ref
from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.core.records import ModelRef

if TYPE_CHECKING:  # where a pass is recorded, torch and transformers are not imported
    from video_star.generation.transformers import Loaded
    from video_star.models.conversation import PreparedClip
    from video_star.video.decode import Frames

CHECK_VERSION = 1
"""Increased when the check requires more."""
QUESTION = "What happens in this video?"


def check_base(params: Params, workspace: Workspace) -> ModelRef:
    """The base, by content, if it passes; UsageError otherwise.

    It must answer questions about videos, and have the parts that params.yaml wants trained.
    """
    device, tune = pick_device(params.settings.device), params.finetune
    ref = base_ref(params.model, workspace.root)
    versions = [version(name) for name in ("torch", "transformers", "peft")]
    parts = (CHECK_VERSION, device, params.model.dtype, ref.base_digest, tune.method, tune.parts)
    key = sha256(repr((*versions, *parts, tune.lora.layers)))
    passed = workspace.work / "checked" / key
    if not passed.is_file():
        from video_star.generation.transformers import load
        from video_star.models.loading import check_files, load_weights
        from video_star.models.parts import lora_targets, part_modules

        location = base_location(params.model, workspace.root)
        trusted = params.model.trust_remote_code
        check_files(location, trusted)
        # Names and shapes of all weights first, on the meta device, which takes no memory.
        empty = load_weights(location, trusted, device_map="meta")
        for part in tune.parts:
            part_modules(empty, part)
        if tune.method != "full":
            lora_targets(empty, tune.parts, tune.lora.layers)
        check_model(load(params.model, location, None, device), location)
        write_text(passed, f"{ref.base}\n")
    return ref


def check_model(loaded: Loaded, folder: Path) -> bool:
    """Whether features can replace pixels; UsageError when the model cannot be used."""
    import torch

    from video_star.generation.transformers import features_match_pixels

    conversations = loaded.conversations
    clips = _as_usage_error(folder, lambda: [conversations.prepare(_clip(i)) for i in (1, 2)])
    with torch.inference_mode():
        logits = _as_usage_error(folder, lambda: [_logits(loaded, clip) for clip in clips])
        if not torch.isfinite(logits[0]).all():
            raise UsageError(
                f"model.base {folder.name}: its logits are not numbers in {loaded.model.dtype}; "
                "choose another model.dtype, such as bfloat16 or float32."
            )
        if torch.equal(logits[0], logits[1]):
            raise UsageError(
                f"model.base {folder.name}: its answer does not depend on the video; name a "
                "video-language model (docs/models.md lists the families)."
            )
        question = conversations.encode_question(clips[0], QUESTION)
        return features_match_pixels(loaded, clips[0], question)


def _logits(loaded: Loaded, clip: PreparedClip) -> Any:
    from video_star.generation.transformers import first_logits
    from video_star.models.batches import on_device, pad_id, padded

    tokens = loaded.conversations.encode_question(clip, QUESTION)
    text = padded([tokens], pad_id(loaded.conversations.tokenizer), "left")
    return first_logits(loaded.model, on_device({**text, **clip.inputs}, loaded.model))


def _as_usage_error(folder: Path, work: Callable[[], Any]) -> Any:
    """Run `work`; what a processor or model raises about a clip becomes a UsageError."""
    try:
        return work()
    except (ValueError, TypeError, RuntimeError, IndexError, KeyError, AttributeError) as error:
        if is_out_of_memory(error):
            raise UsageError(
                f"model.base {folder.name}: does not fit in memory; use a larger device, or a "
                "smaller model or model.dtype."
            ) from error
        reason = " ".join(str(error).split())[:150]
        raise UsageError(
            f"model.base {folder.name}: cannot answer a question about a clip ({reason}); check "
            "that config, processor and weights are of one checkpoint."
        ) from error


def _clip(seed: int) -> Frames:
    """Four frames of noise, half a second apart."""
    import numpy as np

    from video_star.video.decode import Frames

    pixels = np.random.default_rng(seed).integers(0, 256, (4, 112, 112, 3), dtype=np.uint8)
    return Frames(pixels, (0.0, 0.5, 1.0, 1.5), 2.0)
