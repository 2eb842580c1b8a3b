"""The transformers engine: neither batch, sharing, memory nor order changes an answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from asking import Notes, answers, engine_for, requests_for
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForImageTextToText

from video_star.core.device import pick_device
from video_star.core.engine import Reply
from video_star.core.errors import UsageError, VideoStarError
from video_star.generation import transformers as engine_module
from video_star.generation.transformers import load


def test_dropping_finished_rows_changes_no_answer(
    tiny_base: Path, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = requests_for(clips, n=10, tokens=60)
    # Many end tokens make answers end early and at different lengths.
    engine = engine_for(tiny_base, tmp_path, 30)
    loaded = load(engine.model, engine.location, None, "cpu")
    loaded.model.generation_config.eos_token_id = list(range(2, 40))
    engine.loaded = replace(loaded, ends=set(range(2, 40)))
    dropped = answers(engine, requests)
    monkeypatch.setattr("video_star.generation.decoding.FEWEST_ROWS", 1000)
    assert answers(engine, requests) == dropped
    lengths = {r.n_tokens for r in dropped.values() if isinstance(r, Reply)}
    assert len(lengths) > 3


def test_a_batch_that_does_not_fit_is_halved(
    tiny_base: Path, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = requests_for(clips)
    calm = answers(engine_for(tiny_base, tmp_path, 2), requests)
    engine = engine_for(tiny_base, tmp_path, 8)
    real = engine_module.decode

    def narrow(model: object, inputs: dict[str, torch.Tensor], *rest: object) -> object:
        if len(inputs["input_ids"]) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(model, inputs, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(engine_module, "decode", narrow)
    assert answers(engine, requests) == calm
    assert isinstance(engine.progress, Notes)
    assert [n for n in engine.progress.notes if "Out of memory" in n] == [
        "Out of memory: from here on 3 answers at a time.",
        "Out of memory: from here on 1 answers at a time.",
    ]


def test_one_answer_that_does_not_fit_is_an_error_with_a_way_out(
    tiny_base: Path, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(engine_module, "decode", never)
    with pytest.raises(VideoStarError, match=r"lower video\.frames"):
        answers(engine_for(tiny_base, tmp_path, 2), requests_for(clips))


def test_an_adapter_changes_answers_as_peft_applies_it(
    tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    model = AutoModelForImageTextToText.from_pretrained(tiny_base)
    torch.manual_seed(1)
    tuned = get_peft_model(
        model, LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    )
    tuned.save_pretrained(tmp_path / "adapter")
    requests = requests_for(clips)
    load_adapter = replace(engine_for(tiny_base, tmp_path), adapter=tmp_path / "adapter")
    found = answers(load_adapter, requests)
    assert found != answers(engine_for(tiny_base, tmp_path), requests)
    unmerged = engine_for(tiny_base, tmp_path)
    loaded = load(unmerged.model, unmerged.location, None, "cpu")
    settings = loaded.model.generation_config
    peft = PeftModel.from_pretrained(loaded.model, str(tmp_path / "adapter"))
    inner = peft.get_base_model().eval()
    inner.generation_config = settings
    unmerged.loaded = replace(loaded, model=inner)
    assert answers(unmerged, requests) == found


def test_a_missing_model_is_one_sentence(tiny_base: Path, tmp_path: Path, clips: Path) -> None:
    engine = replace(engine_for(tiny_base, tmp_path), location=tmp_path)
    with pytest.raises(UsageError, match=r"model\.base"):
        answers(engine, requests_for(clips, n=1))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_asking_for_an_absent_device_is_refused() -> None:
    with pytest.raises(UsageError, match="use auto or cpu"):
        pick_device("cuda")
    assert pick_device("auto") == "cpu"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_the_gpu_gives_the_answers_of_the_cpu(tiny_base: Path, clips: Path, tmp_path: Path) -> None:
    requests = requests_for(clips)
    on_cpu = answers(engine_for(tiny_base, tmp_path), requests)
    assert answers(replace(engine_for(tiny_base, tmp_path), device="cuda"), requests) == on_cpu
