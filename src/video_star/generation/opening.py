"""Opens the engine that settings.engine names."""

from __future__ import annotations

from typing import Any

from video_star.core.engine import Engine
from video_star.core.errors import UsageError
from video_star.core.model_paths import location_of
from video_star.core.params import Params
from video_star.core.paths import Workspace, inside
from video_star.core.progress import Progress
from video_star.core.records import ModelRef
from video_star.video.cache import open_frames


def open_engine(ref: ModelRef, params: Params, workspace: Workspace, progress: Progress) -> Engine:
    """The engine for the weights of `ref`, which are loaded for the first request."""
    settings = params.settings
    frames = open_frames(workspace, params)
    kind, _, rest = settings.engine.partition(":")
    if kind == "scripted" and rest:
        from video_star.generation.scripted import read_script

        return read_script(workspace.root / rest, ref, frames, settings.batch_size)
    if kind not in ("openai", "vllm") and settings.engine != "transformers":
        raise UsageError(
            f"settings.engine is {kind!r}; use transformers, vllm, openai:URL or scripted:FILE "
            "(docs/models.md)."
        )
    shared: dict[str, Any] = {
        "model": params.model,
        "location": location_of(ref, params.model, workspace.root),
        "frames": frames,
        "batch_size": settings.batch_size,
    }
    if kind == "openai":
        from video_star.generation.openai import OpenAIEngine, read_address

        return OpenAIEngine(address=read_address(rest), base=ref, **shared)
    shared["adapter"] = None if ref.adapter is None else inside(workspace.root, ref.adapter)
    if kind == "vllm":
        from video_star.generation.vllm import VLLMEngine, read_options

        return VLLMEngine(base=ref, options=read_options(rest), **shared)
    from video_star.core.device import pick_device
    from video_star.generation.transformers import TransformersEngine

    device = pick_device(settings.device)
    return TransformersEngine(ref=ref, device=device, progress=progress, **shared)
