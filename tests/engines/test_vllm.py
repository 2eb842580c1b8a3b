"""The engine of vLLM, against a stand-in that takes exactly the documented arguments."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import vllm_package
from asking import answers, engine_for, generated_alike, requests_for
from vllm_package import Recorded

from video_star.core.errors import UsageError, VideoStarError
from video_star.core.params import LoraParams
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.generation.vllm import VLLMEngine, read_options
from video_star.models.loading import load_weights
from video_star.models.parts import lora_targets
from video_star.pipeline.runner import run_step
from video_star.training.lora import adapter_weights, attach_adapter, save_adapter


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    return vllm_package.install(monkeypatch)


def vllm_engine(base: Path, scratch: Path, batch_size: int = 4, options: str = "") -> VLLMEngine:
    like = engine_for(base, scratch, batch_size)
    return VLLMEngine(
        like.ref, like.model, base, None, like.frames, batch_size, read_options(options)
    )


def saved_adapter(base: Path, folder: Path, parts: tuple[str, ...] = ("language_model",)) -> Path:
    """An adapter of rank 4 that changes answers."""
    model = load_weights(base, False)
    shape = LoraParams(r=4, alpha=16, dropout=0.0, layers=None)
    tuned = attach_adapter(model, shape, lora_targets(model, parts, None), None, 1)  # type: ignore[arg-type]
    weights = {n: torch.full_like(w, 0.3) for n, w in adapter_weights(tuned).items()}
    save_adapter(tuned, weights, folder, "tiny")
    return folder


def test_it_gives_the_answers_of_transformers(
    vllm: Recorded, tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    requests = requests_for(clips)
    here = answers(engine_for(tiny_base, tmp_path), requests)
    assert answers(vllm_engine(tiny_base, tmp_path), requests) == here


def test_vllm_gets_the_frames_of_the_cache_with_their_times(
    vllm: Recorded, tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    engine = vllm_engine(tiny_base, tmp_path)
    requests = requests_for(clips, n=1)
    answers(engine, requests)
    clip = requests[0].clip
    assert clip is not None
    frames = engine.frames.get(clip)
    assert frames.times is not None
    assert len(vllm.prompts) == len(requests)
    for prompt in vllm.prompts:
        assert prompt.multi_modal_data is not None
        assert prompt.multi_modal_uuids is not None
        ((pixels, metadata),) = prompt.multi_modal_data.video
        assert (pixels == frames.pixels).all()
        times = [index / metadata["fps"] for index in metadata["frames_indices"]]
        assert times == pytest.approx(frames.times, abs=1e-6)
        assert metadata["duration"] == frames.duration
        assert prompt.multi_modal_uuids.video == [engine.frames.key(clip)]


def test_the_engine_is_told_what_to_load(
    vllm: Recorded, tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    options = "tensor_parallel_size=2 gpu_memory_utilization=0.8 max_model_len=2048"
    engine = vllm_engine(tiny_base, tmp_path, 4, options)
    answers(engine, requests_for(clips))
    (args,) = vllm.engines
    assert args.model_dump(exclude_unset=True) == {
        "model": str(tiny_base),
        "dtype": "float32",
        "trust_remote_code": False,
        "enable_prefix_caching": True,
        "limit_mm_per_prompt": {"video": 1},
        "tensor_parallel_size": 2,
        "gpu_memory_utilization": 0.8,
        "max_model_len": 2048,
    }
    assert max(vllm.at_a_time) <= 4


def test_each_request_has_its_seed_and_no_other_sampling(
    vllm: Recorded, tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    requests = requests_for(clips, n=1)
    engine = vllm_engine(tiny_base, tmp_path)
    answers(engine, requests)
    end = engine.loaded.conversations.end_id
    told = [s.model_dump(exclude_unset=True) for s in vllm.sampling]
    plain = {"max_tokens": 12, "stop_token_ids": [end]}
    assert told == [
        {**plain, "temperature": 0.0},
        {**plain, "temperature": 0.8, "top_p": 1.0, "seed": requests[1].seed},
        {**plain, "temperature": 0.8, "top_p": 0.7, "seed": requests[2].seed},
    ]


def test_an_adapter_is_served_as_lora(
    vllm: Recorded, tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    adapter = saved_adapter(tiny_base, tmp_path / "adapter")
    requests = requests_for(clips)
    plain = engine_for(tiny_base, tmp_path)
    tuned = plain.ref.model_copy(update={"adapter": "adapter", "adapter_digest": "a" * 64})
    here = answers(replace(plain, ref=tuned, adapter=adapter), requests)
    assert here != answers(plain, requests)
    engine = replace(vllm_engine(tiny_base, tmp_path), base=tuned, adapter=adapter)
    assert answers(engine, requests) == here
    (args,) = vllm.engines
    assert (args.enable_lora, args.max_loras, args.max_lora_rank) == (True, 1, 8)
    assert {a and (a.lora_name, a.lora_path) for a in vllm.adapters} == {(tuned.key, str(adapter))}
    assert engine.ref.key not in (
        tuned.key,
        plain.ref.key,
        vllm_engine(tiny_base, tmp_path).ref.key,
    )


def test_an_adapter_of_the_vision_tower_is_refused(
    vllm: Recorded, tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    adapter = saved_adapter(tiny_base, tmp_path / "adapter", ("language_model", "projector"))
    engine = replace(vllm_engine(tiny_base, tmp_path), adapter=adapter)
    with pytest.raises(UsageError, match=r"language model only.*multi_modal_projector"):
        answers(engine, requests_for(clips))
    assert not vllm.engines


@pytest.mark.parametrize(
    ("behaviour", "options", "says"),
    [
        ({"drops_frames": True}, "", r"reads \d+ tokens .* not the \d+ of the processor"),
        ({}, "max_model_len=9", r"vllm:max_model_len=.*video\.frames"),
        ({"finish_reason": "abort"}, "", "'abort'"),
        ({"refuses": "X is not supported"}, "", r"cannot load .*not supported.*transformers"),
    ],
    ids=["another prompt", "too long", "cut off", "unknown model"],
)
def test_what_vllm_cannot_do_is_one_sentence(
    vllm: Recorded, tiny_base: Path, clips: Path, tmp_path: Path,
    behaviour: dict[str, Any], options: str, says: str,
) -> None:  # fmt: skip
    for name, value in behaviour.items():
        setattr(vllm, name, value)
    with pytest.raises(VideoStarError, match=says):
        answers(vllm_engine(tiny_base, tmp_path, 4, options), requests_for(clips))


def test_without_vllm_it_is_one_sentence(
    tiny_base: Path, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(UsageError, match=r"cannot be imported.*docs/models\.md"):
        answers(vllm_engine(tiny_base, tmp_path), requests_for(clips))


@pytest.mark.parametrize(
    "text", ["quantization=fp8", "max_model_len=many", "max_model_len", "tensor_parallel_size=0"]
)
def test_options_that_change_answers_or_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"settings\.engine.*vllm:NAME=VALUE"):
        read_options(text)


def test_a_step_writes_the_answers_that_it_writes_with_transformers(
    vllm: Recorded, new_workspace: Callable[..., Workspace]
) -> None:
    workspace = generated_alike(new_workspace, "vllm:max_model_len=4096")
    n_asked = len(vllm.prompts)
    run_step("generate", "r1", workspace, Silent())
    assert len(vllm.prompts) == n_asked
