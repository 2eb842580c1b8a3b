"""Adapters: drawn from the seed, saved without a trace of machine or clock, gone on from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText

from video_star.errors import UsageError
from video_star.params import LoraParams
from video_star.training import lora

LISTED = LoraParams(r=2, alpha=4, dropout=0.0, target_modules=("v_proj", "q_proj"))


@pytest.fixture
def base(tiny_base: Path) -> Any:
    return AutoModelForImageTextToText.from_pretrained(tiny_base)


def test_the_same_weights_give_the_same_files(base: Any, tmp_path: Path) -> None:
    model = lora.attach(base, LISTED, None, seed=4)
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
    model = lora.attach(base, LISTED, None, seed=4)
    with torch.no_grad():
        for parameter in lora.trainable(model):
            parameter.add_(0.5)
    weights = lora.adapter_weights(model)
    lora.save_adapter(model, weights, tmp_path, "base")
    fresh = AutoModelForImageTextToText.from_pretrained(tiny_base)
    again = lora.attach(fresh, LISTED, tmp_path, seed=9)
    assert lora.trainable(again)
    for name, value in lora.adapter_weights(again).items():
        assert torch.equal(value, weights[name])
    other = LISTED.model_copy(update={"r": 3})
    with pytest.raises(UsageError, match="made with other r;"):
        lora.attach(AutoModelForImageTextToText.from_pretrained(tiny_base), other, tmp_path, 1)


def test_targets_that_match_nothing_are_refused(base: Any) -> None:
    nothing = LISTED.model_copy(update={"target_modules": "no_such_layer"})
    with pytest.raises(UsageError, match="no_such_layer"):
        lora.attach(base, nothing, None, seed=1)
