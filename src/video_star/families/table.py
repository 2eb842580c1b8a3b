"""The table of families: what must be known of each kind of video-language model, and nothing more.

A model is looked up by `model_type` in its config.json. How its video goes in, what an answer ends
with and what it is told about time come from its own processor and chat template and are checked by
`engines/check.py`; a model outside of the table works when that check passes. README's table of
families is made of this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from packaging.version import Version

Part = Literal["language_model", "vision_tower", "projector"]
PARTS: tuple[Part, ...] = ("language_model", "vision_tower", "projector")


@dataclass(frozen=True)
class Family:
    """One row; module names are those of the model with its head, as PEFT sees them."""

    name: str
    example: str
    """A published checkpoint."""
    language_model: str
    vision_tower: tuple[str, ...]
    projector: tuple[str, ...]
    """May lie inside of the vision tower (Qwen's merger): then it is no part of the tower."""
    times: str | None = None
    """How the model is told when a frame is shown, or None when it is not."""
    text_after_video: Literal["largest"] | None = None
    """"largest": text goes on after the largest position of the video (families/positions.py)."""
    since: str = "5.23"
    """First version of transformers that this family was tested with; older ones are refused."""
    limits: str = ""
    """What is known not to work, for people."""

    def modules(self, part: Part) -> tuple[str, ...]:
        """Names of the modules that make up a part."""
        named = {
            "language_model": (self.language_model,),
            "vision_tower": self.vision_tower,
            "projector": self.projector,
        }
        return named[part]


_LLAVA = ("model.vision_tower",), ("model.multi_modal_projector",)
_QWEN = ("model.visual",), ("model.visual.merger",)

FAMILIES: dict[str, Family] = {
    "video_llava": Family(
        "Video-LLaVA",
        "LanguageBind/Video-LLaVA-7B-hf",
        "model.language_model",
        ("model.video_tower", "model.image_tower"),
        ("model.multi_modal_projector",),
        limits="trained on 8 frames",
    ),
    "llava_next_video": Family(
        "LLaVA-NeXT-Video",
        "llava-hf/LLaVA-NeXT-Video-7B-hf",
        "model.language_model",
        *_LLAVA,
    ),
    "llava_onevision": Family(
        "LLaVA-OneVision",
        "llava-hf/llava-onevision-qwen2-7b-ov-hf",
        "model.language_model",
        *_LLAVA,
    ),
    "qwen2_vl": Family(
        "Qwen2-VL",
        "Qwen/Qwen2-VL-7B-Instruct",
        "model.language_model",
        *_QWEN,
        text_after_video="largest",
        limits="is not told times",
    ),
    "qwen2_5_vl": Family(
        "Qwen2.5-VL",
        "Qwen/Qwen2.5-VL-7B-Instruct",
        "model.language_model",
        *_QWEN,
        times="mean seconds between frames, as positions",
        text_after_video="largest",
        limits="uneven gaps between frames are told as their mean",
    ),
    "qwen3_vl": Family(
        "Qwen3-VL",
        "Qwen/Qwen3-VL-8B-Instruct",
        "model.language_model",
        ("model.visual",),
        ("model.visual.merger", "model.visual.deepstack_merger_list"),
        times="text, tenths of a second, one for each two frames",
    ),
    "smolvlm": Family(
        "SmolVLM2",
        "HuggingFaceTB/SmolVLM2-2.2B-Instruct",
        "model.text_model",
        ("model.vision_model",),
        ("model.connector",),
        times="text, whole seconds",
        limits="times within one second look the same",
    ),
    "internvl": Family(
        "InternVL3",
        "OpenGVLab/InternVL3-8B-hf",
        "model.language_model",
        *_LLAVA,
        limits="is not told times",
    ),
    "perception_lm": Family(
        "PerceptionLM",
        "facebook/Perception-LM-3B",
        "model.language_model",
        *_LLAVA,
        limits="is not told times",
    ),
    "video_llama_3": Family(
        "VideoLLaMA3",
        "lkhl/VideoLLaMA3-7B-Image-HF",
        "model.language_model",
        ("model.vision_model",),
        ("model.projector",),
        times="text, tenths of a second",
    ),
    "gemma4": Family(
        "Gemma 4",
        "google/gemma-4-E4B-it",
        "model.language_model",
        ("model.vision_tower",),
        ("model.embed_vision",),
        times="text, whole seconds",
        limits="times within one second look the same",
    ),
}


def family_of(model_type: str) -> Family | None:
    """The row of a model, or None: then only the self-check speaks for it."""
    return FAMILIES.get(model_type)


def too_old(family: Family, transformers: str) -> bool:
    """Whether a version of transformers is older than those the family was tested with."""
    return Version(transformers) < Version(family.since)
