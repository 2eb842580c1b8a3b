"""Full finetuning: a folder that loads by itself, answers, and is gone on from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import finetuned
import forked
import pytest
import tiny

from video_star.core.context import StepContext
from video_star.core.errors import DataError, UsageError
from video_star.core.jsonl import write_shards
from video_star.core.model_paths import read_ref
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.pipeline.runner import run_step
from video_star.pipeline.steps import finetune
from video_star.training.job import Job


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, clips: Path) -> Workspace:
    """A finished full finetune of the language model; r2 starts from it."""
    workspace = finetuned.ready(
        tmp_path_factory.mktemp("full") / "ws",
        tiny_base,
        clips,
        finetune__method="full",
        finetune__epochs=2,
        finetune__start_from="previous",
    )
    with forked.trains():
        run_step("finetune", "r1", workspace, Silent())
    return workspace


def no_engine(ref: object) -> Any:
    raise AssertionError("finetune asks no engine")


@pytest.mark.slow
def test_the_result_is_a_model_that_loads_by_itself(done: Workspace) -> None:
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    files = finetuned.model_bytes(done)
    base = {path.name: path.read_bytes() for path in (done.root / "base").iterdir()}
    beside = {name.removeprefix("weights/") for name in files} & base.keys()
    assert beside == base.keys()
    changed = {name for name in beside if files[f"weights/{name}"] != base[name]}
    assert changed == {"model.safetensors"}
    assert str(done.root).encode() not in b"".join(files.values())
    folder = done.round("r1").weights
    AutoProcessor.from_pretrained(folder)
    before, after = (
        AutoModelForImageTextToText.from_pretrained(path).state_dict()
        for path in (done.root / "base", folder)
    )
    for name, value in after.items():
        trained = "language_model" in name or name.startswith("lm_head")
        assert torch.equal(value, before[name]) != trained, name


@pytest.mark.slow
def test_the_reference_names_the_weights_and_notices_a_change(done: Workspace) -> None:
    paths = done.round("r1")
    ref = read_ref(paths.model_json, done.root)
    base = read_ref(done.round("r0").model_json, done.root)
    assert (ref.weights, ref.adapter) == ("rounds/r1/model/weights", None)
    assert ref.base_digest == base.base_digest
    assert ref.key != base.key
    config = paths.weights / "generation_config.json"
    kept = config.read_bytes()
    config.write_bytes(kept + b" ")
    with pytest.raises(DataError, match=r"not the weights that model\.json names"):
        read_ref(paths.model_json, done.root)
    config.write_bytes(kept)


@pytest.mark.slow
def test_the_next_round_answers_with_the_weights(done: Workspace) -> None:
    assert run_step("generate", "r2", done, Silent()).written == 20
    lines = [
        line
        for path in sorted(done.round("r2").answers.glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    assert any(json.loads(line)["text"] for line in lines)


@pytest.mark.slow
def test_the_next_round_trains_on_from_the_weights(
    done: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Job] = []

    def stand_in(job_file: Path, job: Job, hostfile: object, progress: object) -> None:
        started.append(job)
        raise DataError("stop here")

    monkeypatch.setattr(finetune, "launch", stand_in)
    write_shards(done.round("r2").train, finetuned.examples(), lambda example: example.sample_id)
    with pytest.raises(DataError, match="stop here"):
        run_step("finetune", "r2", done, Silent())
    assert started[0].base == done.round("r1").weights.resolve()
    assert started[0].start_adapter is None
    params = tiny.params_of(done)
    lora = params.finetune.model_copy(update={"method": "lora"})
    context = StepContext(
        done, params.model_copy(update={"finetune": lora}), "r2", no_engine, Silent()
    )
    with pytest.raises(UsageError, match="lora cannot go on from rounds/r1/model/weights"):
        finetune.run_finetune(context)


def test_four_bits_without_cuda_are_refused_before_anything_is_read(
    tmp_path: Path, tiny_base: Path, clips: Path
) -> None:
    workspace = finetuned.ready(tmp_path / "ws", tiny_base, clips, finetune__method="qlora")
    (workspace.data / "clips" / "train-0.mp4").write_bytes(b"no video")
    with pytest.raises(UsageError, match="qlora needs a CUDA device"):
        run_step("finetune", "r1", workspace, Silent())
