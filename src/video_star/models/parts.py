"""Which layers a finetune touches: language model, vision tower, projector; nothing beside them.

A family's row says under which names they lie. Of a model outside of the table only the language
model is known, as transformers itself tells it (`get_decoder`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import torch

from video_star.core.errors import UsageError
from video_star.core.params import Part
from video_star.models.table import family_of

WRAPPED = ".linear"
"""How Gemma 4 names the layer inside of a layer that bounds its values."""


def part_modules(model: Any, part: Part) -> tuple[str, ...]:
    """Modules, or single weights, of a part by name; UsageError when none are known."""
    family = family_of(model.config.model_type)
    if family is not None:
        there = tuple(name for name in family.modules(part) if _has(model, name))
        if there:
            return there
    elif part == "language_model":
        decoder = model.get_decoder()
        names = [name for name, module in model.named_modules() if module is decoder and name]
        if names:
            return (names[0],)
    raise UsageError(
        f"finetune.parts: the {part} of a {model.config.model_type} model is not known; leave it "
        "out, or add the family to models/table.py."
    )


def lora_targets(
    model: Any, parts: Sequence[Part], layers: str | Sequence[str] | None
) -> list[str]:
    """Full names of the linear layers that LoRA adapts, in the order of the model.

    `layers` narrows them down: endings of names, or a regular expression over whole names; None is
    every linear layer of the parts. UsageError when nothing of a part is left.
    """
    chosen: set[str] = set()
    for part in parts:
        inside = _inside(model, [part])
        there = [
            n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and inside(n)
        ]
        found = [name for name in there if _wanted(name, layers)]
        if not found:
            endings = ", ".join(sorted({_ending(name) for name in there})[:8]) or "none"
            raise UsageError(
                f"finetune.lora.layers {layers!r} names no linear layer of the {part}, whose are "
                f"called {endings}; add some of them, or use null for all."
            )
        chosen.update(found)
    return [name for name, _ in model.named_modules() if name in chosen]


def unfreeze_parts(model: Any, parts: Sequence[Part]) -> None:
    """Let exactly the weights of the parts learn; the head learns with the language model."""
    inside = _inside(model, parts)
    for name, parameter in model.named_parameters():
        head = "language_model" in parts and name.startswith("lm_head.")
        parameter.requires_grad_(head or inside(name))


def _inside(model: Any, parts: Sequence[Part]) -> Callable[[str], bool]:
    """Whether a name lies in one of the parts; the projector is never part of the tower."""
    roots = [root for part in parts for root in part_modules(model, part)]
    outside: list[str] = []
    if "projector" not in parts and "vision_tower" in parts:
        outside = list(part_modules(model, "projector"))

    def inside(name: str) -> bool:
        return _below(name, roots) and not _below(name, outside)

    return inside


def _below(name: str, roots: Sequence[str]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def _wanted(name: str, layers: str | Sequence[str] | None) -> bool:
    if layers is None:
        return True
    if isinstance(layers, str):
        return re.fullmatch(layers, name) is not None
    short = name.removesuffix(WRAPPED)
    return any(short == ending or short.endswith(f".{ending}") for ending in layers)


def _ending(name: str) -> str:
    return name.removesuffix(WRAPPED).rpartition(".")[2]


def _has(model: Any, name: str) -> bool:
    try:
        attrgetter(name)(model)
    except AttributeError:
        return False
    return True
