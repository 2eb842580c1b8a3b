"""The shipped base model: what loads it, what it can say, what its batches mean."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForImageTextToText, AutoProcessor

from video_star.core import prompts
from video_star_demo import packing, pretrain, skeleton, world

BASE = Path(packing.__file__).parent / "base"
WHICH = [round(i * 15 / 7) for i in range(8)]


@pytest.fixture(scope="module")
def processor() -> Any:
    return AutoProcessor.from_pretrained(BASE)


@pytest.fixture(scope="module")
def model() -> Any:
    return AutoModelForImageTextToText.from_pretrained(BASE).eval()


def _ask(model: Any, processor: Any, clip: world.Clip, question: str) -> str:
    content = [{"type": "video"}, {"type": "text", "text": question}]
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    frames = world.render(clip, WHICH)
    inputs = processor(text=[text], videos=[frames], return_tensors="pt")
    out = model.generate(**inputs, max_new_tokens=48)
    said: str = processor.tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], True)
    return said


def test_the_weights_are_small_and_safetensors_only() -> None:
    files = list(BASE.iterdir())
    assert [f.name for f in files if f.suffix == ".safetensors"] == ["model.safetensors"]
    assert not [f for f in files if f.suffix in (".bin", ".pt", ".pkl", ".py")]
    assert sum(f.stat().st_size for f in files) <= 8 * 2**20


@given(text=st.text())
def test_the_tokenizer_says_any_text_and_reads_it_back(processor: Any, text: str) -> None:
    tokenizer = processor.tokenizer
    ids = tokenizer.encode(text, add_special_tokens=False)
    if not any(special in text for special in tokenizer.all_special_tokens):
        assert tokenizer.decode(ids) == text


def test_the_processor_makes_as_many_tokens_as_the_model(processor: Any, model: Any) -> None:
    clip = world.draw_clip(world.KNOWN[0].program, 1)
    inputs = processor(text=["<video>"], videos=[world.render(clip, WHICH)], return_tensors="pt")
    assert inputs["pixel_values_videos"].shape == (1, 8, 3, 56, 56)
    assert (inputs["input_ids"] == model.config.video_token_id).sum() == skeleton.VIDEO_TOKENS
    own = packing.pixels(world.render(clip, WHICH)[None], 0.0, torch.Generator())
    assert torch.allclose(own, inputs["pixel_values_videos"], atol=1e-5)


def test_it_names_a_known_action_and_repeats_a_told_label(processor: Any, model: Any) -> None:
    hits = 0
    for seed, action in enumerate(world.KNOWN):
        clip = world.draw_clip(action.program, 100 + seed)
        hits += action.name in _ask(model, processor, clip, prompts.direct("Which action is this?"))
    assert hits >= 3
    clip = world.draw_clip(world.UNKNOWN[0].program, 7)
    said = _ask(model, processor, clip, prompts.with_label("Which action is this?", "dancing"))
    assert said.endswith("This is dancing.")


def test_a_packed_row_equals_separate_conversations(processor: Any, model: Any) -> None:
    tokenizer = processor.tokenizer
    pool = packing.draw_pool(2, 1.0, 4)
    packed = packing.Packer(tokenizer, 400).of_clips(pool, 1, {"told": 1.0}, 0.0, random.Random(3))
    alone = packing.Packer(tokenizer, 0).of_clips(pool, 1, {"told": 1.0}, 0.0, random.Random(3))
    learner = pretrain.Learner(model)

    def hidden(batch: packing.Batch) -> Any:
        embedded = model.get_input_embeddings()(batch.ids)
        embedded = torch.cat(
            [embedded[:, :1], learner.see(batch.videos), embedded[:, packing.PREFIX :]], dim=1
        )
        return model.model.language_model(
            inputs_embeds=embedded, attention_mask=batch.mask, position_ids=batch.positions
        ).last_hidden_state

    with torch.no_grad():
        one, many = hidden(alone), hidden(packed)
    assert many.shape[1] > one.shape[1]
    assert np.allclose(one[0], many[0, : one.shape[1]], atol=1e-4)
