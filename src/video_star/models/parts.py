"""The parts of a model that a finetune trains: language model, vision tower, projector.

The table of families has the names of their modules. Of a model outside of the table only the
language model is known, from transformers' `get_decoder`.
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
"""Gemma 4's name of the linear layer inside of a layer that clips its values."""


def part_modules(model: Any, part: Part) -> tuple[str, ...]:
    """Names of the modules, or single weights, of a part; UsageError when none are known."""
    family = family_of(model.config.model_type)
    if family is not None:
        names = tuple(name for name in family.modules(part) if _has(model, name))
        if names:
            return names
    elif part == "language_model":
        decoder = model.get_decoder()
        for name, module in model.named_modules():
            if module is decoder and name:
                return (name,)
    raise UsageError(
        f"finetune.parts: the {part} of a {model.config.model_type} model is not known; leave it "
        "out, or add the family to models/table.py."
    )


def lora_targets(
    model: Any, parts: Sequence[Part], layers: str | Sequence[str] | None
) -> list[str]:
    """Full names of the linear layers of the parts that LoRA adapts, in the order of the model.

    `layers` restricts them: endings of names, or a regular expression for full names; None means
    all. UsageError when no layer of a part is left.
    """
    chosen: set[str] = set()
    for part in parts:
        inside = _inside(model, [part])
        linear = [
            n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and inside(n)
        ]
        matching = [name for name in linear if _matches(name, layers)]
        if not matching:
            endings = ", ".join(sorted({_ending(name) for name in linear})[:8]) or "none"
            raise UsageError(
                f"finetune.lora.layers {layers!r} names no linear layer of the {part}, whose are "
                f"called {endings}; add some of them, or use null for all."
            )
        chosen.update(matching)
    return [name for name, _ in model.named_modules() if name in chosen]


def unfreeze_parts(model: Any, parts: Sequence[Part]) -> None:
    """Make exactly the weights of the parts trainable; the head goes with the language model."""
    inside = _inside(model, parts)
    for name, parameter in model.named_parameters():
        head = "language_model" in parts and name.startswith("lm_head.")
        parameter.requires_grad_(head or inside(name))


def _inside(model: Any, parts: Sequence[Part]) -> Callable[[str], bool]:
    """Tells whether a name is in one of the parts; the projector is never part of the tower."""
    roots = [root for part in parts for root in part_modules(model, part)]
    outside: list[str] = []
    if "projector" not in parts and "vision_tower" in parts:
        outside = list(part_modules(model, "projector"))

    def inside(name: str) -> bool:
        return _below(name, roots) and not _below(name, outside)

    return inside


def _below(name: str, roots: Sequence[str]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def _matches(name: str, layers: str | Sequence[str] | None) -> bool:
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
