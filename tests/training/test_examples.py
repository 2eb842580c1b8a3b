"""Labels on the answer alone, and features in place of pixels without a change of the loss."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import finetuned
import pytest
import tiny
import torch
from qwen import build_qwen2_vl
from transformers import AutoModelForImageTextToText, AutoProcessor

from video_star.frames import FrameCache
from video_star.params import LoraParams, VideoParams
from video_star.training import lora
from video_star.training.clips import ClipInputs
from video_star.training.examples import IGNORED, Encoded, Encoder, encode_all
from video_star.training.trainer import Collate, answer_tokens, summed_loss

DECODER = r".*language_model\..*(q_proj|v_proj)"
EVERYWHERE = ".*"
LORA = LoraParams(r=2, alpha=4, dropout=0.0, layers=None)
VIDEO = VideoParams(frames=4, sampling="uniform", fps=None, short_side=28)


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_qwen2_vl(tmp_path_factory.mktemp("qwen"))


@pytest.fixture(params=["llava", "qwen"])
def base(request: pytest.FixtureRequest, tiny_base: Path, qwen: Path) -> Path:
    return tiny_base if request.param == "llava" else qwen


@pytest.fixture
def data(tmp_path: Path, clips: Path) -> Path:
    shutil.copytree(clips, tmp_path / "data" / "clips")
    return tmp_path / "data"


def adapted(base: Path, layers: str) -> Any:
    model = AutoModelForImageTextToText.from_pretrained(base)
    targets = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and re.fullmatch(layers, name)
    ]
    return lora.attach(model, LORA, targets, None, seed=1).eval()


def prepared(
    base: Path, model: Any, data: Path, features: bool | None
) -> tuple[list[Encoded], ClipInputs]:
    examples = [
        item.model_copy(update={"video": f"clips/train-{i % 10}.mp4"})
        for i, item in enumerate(finetuned.examples(12))
    ]
    clips = ClipInputs(model, 10, data.parent / "spill", features)
    encoded: dict[int, Encoded] = {}
    frames = FrameCache(data.parent / "frames", VIDEO, 1)
    encoder = Encoder(AutoProcessor.from_pretrained(base))
    for work in encode_all(examples, encoder, frames, data):
        clips.add(work.inputs)
        encoded |= dict(work.encoded)
    clips.flush()
    return [encoded[i] for i in range(len(examples))], clips


def batch_of(base: Path, model: Any, data: Path, features: bool | None) -> dict[str, Any]:
    encoded, clips = prepared(base, model, data, features)
    return Collate(clips, 0, model.get_base_model().forward)(encoded[:6])


def test_only_the_answer_and_its_end_token_carry_loss(
    base: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = adapted(base, DECODER)
    tokenizer = AutoProcessor.from_pretrained(base).tokenizer
    batch = batch_of(base, model, data, None)
    for row, example in enumerate(finetuned.examples(6)):
        labels = batch["labels"][row]
        text = tokenizer.decode(labels[labels != IGNORED])
        assert text == example.completion + tokenizer.eos_token
    assert (batch["labels"][:, 0] == IGNORED).all()
    assert batch["labels"].shape[1] == batch["logits_to_keep"] < batch["input_ids"].shape[1]


def test_features_give_the_loss_that_pixels_give(base: Path, data: Path) -> None:
    model = adapted(base, DECODER)
    fast, plain = (batch_of(base, model, data, wanted) for wanted in (None, False))
    assert "features" in fast
    assert "pixel_values_videos" not in fast
    assert "pixel_values_videos" in plain
    assert torch.equal(fast["input_ids"], plain["input_ids"])
    with torch.no_grad():
        losses = [float(summed_loss(model, batch)) for batch in (fast, plain)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_cut_logits_give_the_loss_that_all_logits_give(tiny_base: Path, data: Path) -> None:
    model = adapted(tiny_base, DECODER)
    batch = batch_of(tiny_base, model, data, None)
    length = batch["input_ids"].shape[1]
    labels = torch.full((6, length), IGNORED)
    labels[:, length - batch["logits_to_keep"] :] = batch["labels"]
    whole = {**batch, "labels": labels, "logits_to_keep": length}
    assert answer_tokens(whole) == answer_tokens(batch)
    with torch.no_grad():
        assert float(summed_loss(model, whole)) == pytest.approx(
            float(summed_loss(model, batch)), rel=1e-5
        )


def test_an_adapter_in_the_tower_takes_the_plain_path_and_learns_there(
    tiny_base: Path, data: Path
) -> None:
    model = adapted(tiny_base, EVERYWHERE)
    batch = batch_of(tiny_base, model, data, None)
    assert "pixel_values_videos" in batch
    summed_loss(model, batch).backward()
    tower = [
        parameter
        for name, parameter in model.named_parameters()
        if "vision_tower" in name and "lora_B" in name
    ]
    assert tower
    assert any(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in tower)


def test_pixels_beyond_the_bound_wait_in_files_and_come_back_equal(
    tiny_base: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = adapted(tiny_base, DECODER)
    held = batch_of(tiny_base, model, data, False)
    monkeypatch.setattr("video_star.training.clips.PIXELS_AT_MOST", 0)
    spilled = batch_of(tiny_base, model, data, False)
    assert list((data.parent / "spill").iterdir())
    assert torch.equal(held["pixel_values_videos"], spilled["pixel_values_videos"])


def test_an_answer_follows_exactly_what_generation_starts_from(tiny_base: Path) -> None:
    processor = AutoProcessor.from_pretrained(tiny_base)
    encoder = Encoder(processor)
    asked = encoder.render("What?", None)
    assert asked.endswith("assistant\n")
    assert encoder.render("What?", "jumping") == asked + "jumping<|im_end|>"
    processor.chat_template = (
        "{% for m in messages %}{{ m['role'] | upper }}:"
        "{% for c in m['content'] if c['type'] == 'video' %}{{ ' <video>' }}{% endfor %}"
        "{% for c in m['content'] if c['type'] == 'text' %}{{ ' ' + c['text'] }}{% endfor %}"
        "{{ '\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
    )
    asked = encoder.render("What?", None)
    assert encoder.render("What?", "jumping") == asked + " jumping<|im_end|>"


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
    encoder = Encoder(processor)
    for seed in (1, 2):
        frames = tiny.moving_square(seed)
        encoder.clip(frames)
        for prompt in ("What?", "Who?", "Why?"):
            encoder.example(frames, prompt, "surfing", 0)
    assert len(calls) == 2
