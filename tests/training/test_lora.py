"""Adapters: drawn from the seed, saved without a trace of machine or clock, gone on from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText

from video_star.core.errors import UsageError
from video_star.core.params import LoraParams
from video_star.models.parts import lora_targets
from video_star.training import lora

SHAPE = LoraParams(r=2, alpha=4, dropout=0.0, layers=("v_proj", "q_proj"))


@pytest.fixture
def base(tiny_base: Path) -> Any:
    return AutoModelForImageTextToText.from_pretrained(tiny_base)


def attach_adapter(base: Any, shape: LoraParams, start: Path | None, seed: int) -> Any:
    targets = lora_targets(base, ("language_model",), shape.layers)
    return lora.attach_adapter(base, shape, targets, start, seed)


def test_the_same_weights_give_the_same_files(base: Any, tmp_path: Path) -> None:
    model = attach_adapter(base, SHAPE, None, seed=4)
    for name in ("a", "b"):
        lora.save_adapter(model, lora.adapter_weights(model), tmp_path / name, "my/base")
    files = {path.name for path in (tmp_path / "a").iterdir()}
    assert files == {lora.WEIGHTS, lora.CONFIG}
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    config = (tmp_path / "a" / lora.CONFIG).read_text()
    assert '"base_model_name_or_path": "my/base"' in config
    assert str(tmp_path) not in config


def test_an_adapter_goes_on_from_saved_weights_and_stays_trainable(
    base: Any, tmp_path: Path, tiny_base: Path
) -> None:
    model = attach_adapter(base, SHAPE, None, seed=4)
    with torch.no_grad():
        for parameter in lora.trainable_parameters(model):
            parameter.add_(0.5)
    weights = lora.adapter_weights(model)
    lora.save_adapter(model, weights, tmp_path, "base")
    fresh = AutoModelForImageTextToText.from_pretrained(tiny_base)
    again = attach_adapter(fresh, SHAPE, tmp_path, seed=9)
    assert lora.trainable_parameters(again)
    for name, value in lora.adapter_weights(again).items():
        assert torch.equal(value, weights[name])
    for change, told in ({"r": 3}, "r"), ({"layers": ("q_proj",)}, "layers"):
        other = SHAPE.model_copy(update=change)
        fresh = AutoModelForImageTextToText.from_pretrained(tiny_base)
        with pytest.raises(UsageError, match=f"made with other {told};"):
            attach_adapter(fresh, other, tmp_path, 1)


def test_layers_that_match_nothing_are_refused(base: Any) -> None:
    with pytest.raises(UsageError, match="no_such_layer"):
        lora_targets(base, ("language_model",), "no_such_layer")


def test_without_layers_named_all_linear_layers_of_the_parts_are_adapted(base: Any) -> None:
    """As the expression did that params.yaml had before: the demo's adapters stay equal."""
    before = r"model\.language_model\..*(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
    chosen = lora_targets(base, ("language_model",), None)
    assert chosen == [name for name, _ in base.named_modules() if re.fullmatch(before, name)]
    both = lora_targets(base, ("language_model", "projector"), None)
    assert set(both) - set(chosen) == {
        "model.multi_modal_projector.linear_1",
        "model.multi_modal_projector.linear_2",
    }
