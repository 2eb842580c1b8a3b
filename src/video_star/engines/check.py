"""The self-check of a base model: one clip through it, before anything is spent.

Step `base` and `doctor` run it, on the device and in the dtype of params.yaml. What passed is
remembered by content, dtype and version of transformers, so a large model is loaded for it once.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from video_star.domain import ModelRef
from video_star.errors import UsageError
from video_star.layout import Workspace
from video_star.models import base_location, base_ref
from video_star.params import Params
from video_star.records import write_text

if TYPE_CHECKING:  # a model that has passed is known without loading what loads models
    from video_star.engines.transformers import Loaded
    from video_star.families.conversation import PreparedClip
    from video_star.video import Frames

CHECK = 1
"""Goes up when the check asks for more."""
QUESTION = "What happens in this video?"


def check_base(params: Params, workspace: Workspace) -> ModelRef:
    """The base by content, once it has passed; UsageError says in one sentence what failed."""
    ref = base_ref(params.model, workspace.root)
    parts = (CHECK, version("transformers"), params.model.dtype, ref.base_digest)
    key = hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()
    passed = workspace.work / "checked" / key
    if not passed.is_file():
        from video_star.engines.transformers import load, pick_device

        location = base_location(params.model, workspace.root)
        loaded = load(params.model, location, None, pick_device(params.settings.device))
        check_model(loaded, location)
        write_text(passed, f"{ref.base}\n")
    return ref


def check_model(loaded: Loaded, folder: Path) -> bool:
    """Whether features may stand in for pixels; UsageError when the model cannot be used at all."""
    import torch

    from video_star.engines.transformers import sharing_changes_nothing

    conversations = loaded.conversations
    unknown = conversations.tokenizer.unk_token_id
    if conversations.end_id is None or conversations.end_id == unknown:
        raise UsageError(
            f"model.base {folder.name}: its chat template ends a turn with "
            f"{conversations.end_of_turn!r}, which its tokenizer does not know; take both files "
            "from the same checkpoint."
        )
    clips = [conversations.prepare(_clip(seed)) for seed in (1, 2)]
    with torch.inference_mode():
        logits = [_logits(loaded, clip, folder) for clip in clips]
        if not torch.isfinite(logits[0]).all():
            raise UsageError(
                f"model.base {folder.name}: its logits are not numbers in {loaded.model.dtype}; "
                "choose another model.dtype, such as bfloat16 or float32."
            )
        if torch.equal(logits[0], logits[1]):
            raise UsageError(
                f"model.base {folder.name}: its answer does not depend on the video; name a "
                "video-language model (README lists the families)."
            )
        question = conversations.ask(clips[0], QUESTION)
        return bool(sharing_changes_nothing(loaded, clips[0], question))


def _logits(loaded: Loaded, clip: PreparedClip, folder: Path) -> Any:
    from video_star.engines.transformers import first_logits
    from video_star.families.batches import on_device, pad_id, padded

    text = padded(
        [loaded.conversations.ask(clip, QUESTION)], pad_id(loaded.conversations.tokenizer), "left"
    )
    try:
        return first_logits(loaded.model, on_device({**text, **clip.inputs}, loaded.model))
    except (ValueError, TypeError, RuntimeError, IndexError, KeyError) as error:
        reason = " ".join(str(error).split())[:150]
        raise UsageError(
            f"model.base {folder.name}: cannot answer a question about a clip ({reason}); check "
            "that config, processor and weights are of one checkpoint."
        ) from error


def _clip(seed: int) -> Frames:
    """Four frames of noise, half a second apart."""
    import numpy as np

    from video_star.video import Frames

    pixels = np.random.default_rng(seed).integers(0, 256, (4, 112, 112, 3), dtype=np.uint8)
    return Frames(pixels, (0.0, 0.5, 1.0, 1.5), 2.0)
