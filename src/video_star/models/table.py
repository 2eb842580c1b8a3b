"""The table of model families: what cannot be read from a checkpoint.

A model is looked up by `model_type` in its config.json. How it takes videos, ends an answer and
uses times follows from its processor and chat template, which `generation/check.py` checks; a model
outside of the table can be used when that check passes. docs/models.md is written from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from video_star.core.params import Part

PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class Family:
    """One row; names of modules are those in the model with its head, as in PEFT."""

    name: str
    example: str
    """A published checkpoint."""
    vision_tower: tuple[str, ...]
    projector: tuple[str, ...]
    """May be inside of the vision tower (Qwen's merger); it is not part of the tower then."""
    language_model: tuple[str, ...] = ("model.language_model",)
    times: str | None = None
    """How the model is told the times of frames, or None when it is not."""
    text_after_video: Literal["largest"] | None = None
    """"largest": text continues after the largest position of the video (models/positions.py)."""
    limits: str = ""
    """Known limits, for the documentation."""

    def modules(self, part: Part) -> tuple[str, ...]:
        """Names of the modules that make up a part."""
        names: tuple[str, ...] = getattr(self, part)
        return names


_TOWER, _PROJECTOR = ("model.vision_tower",), ("model.multi_modal_projector",)
_VISUAL, _MERGER = ("model.visual",), ("model.visual.merger",)

FAMILIES: dict[str, Family] = {
    "video_llava": Family(
        "Video-LLaVA",
        "LanguageBind/Video-LLaVA-7B-hf",
        vision_tower=("model.video_tower", "model.image_tower"),
        projector=_PROJECTOR,
        limits="trained on 8 frames",
    ),
    "llava_next_video": Family(
        "LLaVA-NeXT-Video",
        "llava-hf/LLaVA-NeXT-Video-7B-hf",
        vision_tower=_TOWER,
        projector=(*_PROJECTOR, "model.image_newline"),
    ),
    "llava_onevision": Family(
        "LLaVA-OneVision",
        "llava-hf/llava-onevision-qwen2-7b-ov-hf",
        vision_tower=_TOWER,
        projector=(*_PROJECTOR, "model.image_newline"),
    ),
    "qwen2_vl": Family(
        "Qwen2-VL",
        "Qwen/Qwen2-VL-7B-Instruct",
        vision_tower=_VISUAL,
        projector=_MERGER,
        text_after_video="largest",
    ),
    "qwen2_5_vl": Family(
        "Qwen2.5-VL",
        "Qwen/Qwen2.5-VL-7B-Instruct",
        vision_tower=_VISUAL,
        projector=_MERGER,
        times="mean gap, as positions",
        text_after_video="largest",
        limits="uneven gaps between frames are given as their mean",
    ),
    "qwen3_vl": Family(
        "Qwen3-VL",
        "Qwen/Qwen3-VL-4B-Instruct",
        vision_tower=_VISUAL,
        projector=("model.visual.merger", "model.visual.deepstack_merger_list"),
        times="text, 0.1 s, per two frames",
    ),
    "smolvlm": Family(
        "SmolVLM2",
        "HuggingFaceTB/SmolVLM2-2.2B-Instruct",
        language_model=("model.text_model",),
        vision_tower=("model.vision_model",),
        projector=("model.connector",),
        times="text, 1 s",
        limits="frames within one second have the same time",
    ),
    "internvl": Family(
        "InternVL3",
        "OpenGVLab/InternVL3-1B-hf",
        vision_tower=_TOWER,
        projector=_PROJECTOR,
        limits="only the -hf checkpoints",
    ),
    "perception_lm": Family(
        "PerceptionLM",
        "facebook/Perception-LM-3B",
        vision_tower=_TOWER,
        projector=_PROJECTOR,
    ),
    "video_llama_3": Family(
        "VideoLLaMA3",
        "lkhl/VideoLLaMA3-2B-Image-HF",
        vision_tower=("model.vision_model",),
        projector=("model.projector",),
        times="text, 0.1 s",
        limits="only checkpoints in transformers' own format",
    ),
    "gemma4": Family(
        "Gemma 4",
        "google/gemma-4-E2B-it",
        vision_tower=("model.vision_tower",),
        projector=("model.embed_vision",),
        times="text, 1 s",
        limits="frames within one second have the same time; at least 70 tokens a frame",
    ),
}


def family_of(model_type: str) -> Family | None:
    """The row of a model, or None."""
    return FAMILIES.get(model_type)


def markdown_table() -> str:
    """The table in docs/models.md."""
    lines = [
        "| family | for instance | frame times | "
        "language model; vision tower; projector | known limits |",
        "| --- | --- | --- | --- | --- |",
    ]
    for family in FAMILIES.values():
        parts = "; ".join(
            ", ".join(f"`{name.removeprefix('model.')}`" for name in family.modules(part))
            for part in PARTS
        )
        lines.append(
            f"| {family.name} | `{family.example}` | {family.times or 'no'} | "
            f"{parts} | {family.limits or '-'} |"
        )
    return "\n".join(lines) + "\n"
