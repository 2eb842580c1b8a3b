"""finetune: 1 process and 2 of the real launcher, what is written, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import finetuned
import forked
import pytest
import tiny

from video_star.core.errors import DataError, TooManyFailures, UsageError, VideoStarError
from video_star.core.jsonl import write_shards
from video_star.core.model_paths import read_ref
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import Failure
from video_star.pipeline.runner import run_step
from video_star.pipeline.steps.finetune import run_finetune
from video_star.training.failures import write_failures
from video_star.training.job import Job


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, clips: Path) -> Workspace:
    """A finetune by one process, which no launcher started."""
    workspace = finetuned.ready(tmp_path_factory.mktemp("finetuned") / "ws", tiny_base, clips)
    with forked.trains():
        run_step("finetune", "r1", workspace, Silent())
    return workspace


def losses(workspace: Workspace) -> list[float]:
    lines = workspace.round("r1").loss.read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


@pytest.mark.slow
def test_one_process_learns_and_writes_an_adapter_and_nothing_else(done: Workspace) -> None:
    files = finetuned.model_bytes(done)
    assert sorted(files) == [
        "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors",
        "loss.jsonl",
        "model.json",
    ]
    curve = losses(done)
    assert len(curve) == 15
    assert sum(curve[-3:]) < 0.6 * sum(curve[:3])
    config = json.loads(files["adapter/adapter_config.json"])
    assert config["base_model_name_or_path"] == "base"
    assert str(done.root).encode() not in b"".join(files.values())
    ref = read_ref(done.round("r1").model_json, done.root)
    assert ref.adapter == "rounds/r1/model/adapter"
    assert not list(done.work.glob("finetune-*-*"))


@pytest.mark.slow
def test_the_adapter_reloads_and_changes_what_the_model_says(done: Workspace) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText

    base = AutoModelForImageTextToText.from_pretrained(done.root / "base").eval()
    ids = torch.tensor([[1, 80, 81, 82]])
    with torch.no_grad():
        before = base(input_ids=ids).logits
        adapted = PeftModel.from_pretrained(base, done.round("r1").adapter).eval()
        after = adapted(input_ids=ids).logits
    assert not torch.allclose(before, after, atol=1e-3)


@pytest.mark.slow
def test_two_launched_processes_with_smaller_micro_batches_learn_the_same(
    tmp_path: Path, tiny_base: Path, clips: Path, done: Workspace
) -> None:
    two = finetuned.ready(
        tmp_path / "two",
        tiny_base,
        clips,
        settings__processes=2,
        settings__micro_batch_size=2,
    )
    report = run_step("finetune", "r1", two, Silent())
    assert report.metrics["steps"] == 15
    assert losses(two) == pytest.approx(losses(done), rel=2e-2)


def test_a_batch_that_does_not_divide_among_the_processes_is_refused(
    tmp_path: Path, tiny_base: Path, clips: Path
) -> None:
    workspace = finetuned.ready(tmp_path / "ws", tiny_base, clips, settings__processes=3)
    with pytest.raises(UsageError, match="batch_size 8 is not divisible by 3"):
        run_step("finetune", "r1", workspace, Silent())


def test_a_round_without_training_examples_is_refused(
    tmp_path: Path, tiny_base: Path, clips: Path
) -> None:
    workspace = finetuned.ready(tmp_path / "ws", tiny_base, clips)
    write_shards(workspace.round("r1").train, [], lambda example: "")
    with pytest.raises(DataError, match="no training example"):
        run_step("finetune", "r1", workspace, Silent())


def test_too_many_unreadable_clips_stop_the_step_and_are_listed(
    tmp_path: Path, tiny_base: Path, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = finetuned.ready(tmp_path / "ws", tiny_base, clips)

    def stopped(job_file: Path, job: Job, hostfile: object, progress: object) -> None:
        failure = Failure(sample_id="tiny/train-0", step="finetune", error="VideoError", message="")
        write_failures(job, 0, {0: failure, 10: failure, 20: failure})
        raise VideoStarError("stopped")

    monkeypatch.setattr("video_star.pipeline.steps.finetune.launch", stopped)
    with pytest.raises(TooManyFailures, match=r"3 of 24 samples failed.*most often: VideoError"):
        run_step("finetune", "r1", workspace, Silent())
    lines = workspace.round("r1").failures("finetune").read_text().splitlines()
    assert [json.loads(line)["sample_id"] for line in lines] == ["tiny/train-0"] * 3


@pytest.mark.slow
def test_a_few_unreadable_clips_are_counted_and_left_out(
    tmp_path: Path, tiny_base: Path, clips: Path
) -> None:
    workspace = finetuned.ready(
        tmp_path / "ws", tiny_base, clips, max_failure_rate=0.5, finetune__epochs=2
    )
    (workspace.data / "clips" / "train-0.mp4").write_bytes(b"no video")
    with forked.trains():
        report = run_step("finetune", "r1", workspace, Silent())
    assert (report.read, report.written, report.failed) == (24, 21, 3)
    assert report.reasons == {"VideoError": 3}
    assert report.metrics["steps"] == 6


def test_a_missing_previous_adapter_is_named(tmp_path: Path, tiny_base: Path, clips: Path) -> None:
    workspace = finetuned.ready(tmp_path / "ws", tiny_base, clips, finetune__start_from="previous")
    workspace.round("r0").model_json.unlink()
    with pytest.raises(DataError, match=r"model\.json"):
        run_finetune(tiny.context_of(workspace, "r1"))
