"""From conversations to batches: what the loss sees, and what is kept of each clip."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import finetuned
import pytest
import tiny
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForImageTextToText, AutoProcessor

from video_star.core.params import VideoParams
from video_star.models.conversation import Conversations
from video_star.models.features import encode_clips
from video_star.training.clips import clip_encoder
from video_star.training.examples import IGNORED
from video_star.training.trainer import Collator, count_answer_tokens, summed_loss
from video_star.video.cache import FrameCache
from video_star.video.decode import Frames

DECODER = r".*language_model\..*(q_proj|v_proj)"
EVERYWHERE = "all-linear"
VIDEO = VideoParams(frames=4, sampling="uniform", fps=None, short_side=28)


@pytest.fixture
def data(tmp_path: Path, clips: Path) -> Path:
    shutil.copytree(clips, tmp_path / "data" / "clips")
    return tmp_path / "data"


def adapted(base: Path, targets: str) -> Any:
    model = AutoModelForImageTextToText.from_pretrained(base)
    return get_peft_model(model, LoraConfig(r=2, target_modules=targets)).eval()


def batch_of(base: Path, model: Any, data: Path, features: bool = True) -> dict[str, Any]:
    """Six examples about clips of one shape: a batch of one part."""
    examples = [
        item.model_copy(update={"video": f"clips/train-{i % 10}.mp4"})
        for i, item in enumerate(finetuned.examples(12))
    ]
    frames = FrameCache(data.parent / "frames", VIDEO, 1)
    conversations = Conversations(AutoProcessor.from_pretrained(base))
    rows = finetuned.rows(model, examples[:6], conversations, frames, data, features)
    return Collator(0, model.get_base_model().forward)(rows)


def test_cut_logits_give_the_loss_that_all_logits_give(tiny_base: Path, data: Path) -> None:
    model = adapted(tiny_base, DECODER)
    batch = batch_of(tiny_base, model, data)
    (part,) = batch["parts"]
    length = part.inputs["input_ids"].shape[1]
    labels = torch.full((6, length), IGNORED)
    labels[:, length - part.inputs["logits_to_keep"] :] = part.labels
    whole = replace(part, inputs={**part.inputs, "logits_to_keep": length}, labels=labels)
    assert count_answer_tokens({"labels": labels}) == count_answer_tokens(batch)
    with torch.no_grad():
        assert float(summed_loss(model, {"parts": [whole]})) == pytest.approx(
            float(summed_loss(model, batch)), rel=1e-5
        )


def test_an_adapter_in_the_tower_takes_the_plain_path_and_learns_there(
    tiny_base: Path, data: Path
) -> None:
    model = adapted(tiny_base, EVERYWHERE)
    batch = batch_of(tiny_base, model, data)
    assert "pixel_values_videos" in batch["parts"][0].inputs
    summed_loss(model, batch).backward()
    tower = [
        parameter
        for name, parameter in model.named_parameters()
        if "vision_tower" in name and "lora_B" in name
    ]
    assert tower
    assert any(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in tower)


def test_features_are_those_of_the_evaluated_model_while_another_one_trains(
    tiny_base: Path, data: Path
) -> None:
    """Bit by bit, whether weights are shared or copied, and whatever the model is told."""
    model = adapted(tiny_base, DECODER)
    inner = model.get_base_model()
    batch = batch_of(tiny_base, model, data, features=False)
    clip = {"pixel_values_videos": batch["parts"][0].inputs["pixel_values_videos"][:1]}
    with torch.no_grad():
        wanted = encode_clips(inner, [clip])
    for copied in (False, True):
        encoder = clip_encoder(inner, clip, copy_weights=copied)
        tower, own = (m.model.vision_tower for m in (encoder, inner))
        weights = zip(tower.parameters(), own.parameters(), strict=True)
        assert all((a is b) != copied for a, b in weights)
        assert encoder.get_decoder() is inner.get_decoder()
        model.train()
        assert own.training
        assert not tower.training
        with torch.no_grad():
            found = encode_clips(encoder, [clip])
        assert wanted is not None
        assert torch.equal(wanted[0].pooled[0], found[0].pooled[0])


def test_an_answer_follows_exactly_what_generation_starts_from(tiny_base: Path) -> None:
    processor = AutoProcessor.from_pretrained(tiny_base)
    conversations = Conversations(processor)
    asked = conversations.render("What?", None)
    assert asked.endswith("assistant\n")
    assert conversations.render("What?", "jumping") == asked + "jumping<|im_end|>"
    processor.chat_template = (
        "{% for m in messages %}{{ m['role'] | upper }}:"
        "{% for c in m['content'] if c['type'] == 'video' %}{{ ' <video>' }}{% endfor %}"
        "{% for c in m['content'] if c['type'] == 'text' %}{{ ' ' + c['text'] }}{% endfor %}"
        "{{ '\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
    )
    conversations = Conversations(processor)
    asked = conversations.render("What?", None)
    assert conversations.render("What?", "jumping") == asked + " jumping<|im_end|>"


def test_a_clip_is_preprocessed_once_for_all_its_examples(
    tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor = AutoProcessor.from_pretrained(tiny_base)
    calls: list[int] = []
    real = type(processor.video_processor).__call__

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(type(processor.video_processor), "__call__", counted)
    conversations = Conversations(processor)
    for seed in (1, 2):
        pixels = tiny.moving_square(seed)
        clip = conversations.prepare(Frames(pixels, tuple(i / 8 for i in range(12)), 1.5))
        for prompt in ("What?", "Who?", "Why?"):
            conversations.encode_conversation(clip, prompt, "surfing")
    assert len(calls) == 2
