"""`video-star plan`: counts against what the steps really do, sums against published numbers."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dvc_workspace
import pytest
import tiny
import transformers
from click.testing import Result
from test_vllm import saved_adapter
from typer.testing import CliRunner

from video_star.cli.main import app
from video_star.core.engine import Clip
from video_star.core.hashing import sha256
from video_star.core.jsonl import read_shards
from video_star.core.paths import Workspace
from video_star.core.presets import apply_preset
from video_star.core.progress import Silent
from video_star.core.prompts import direct, line_request
from video_star.core.records import Answer
from video_star.core.throughput import Measured, read_speed
from video_star.data.manifest import read_manifest
from video_star.models.adapters import adapted_layers
from video_star.models.conversation import Conversations
from video_star.models.loading import load_processor, load_weights
from video_star.pipeline.dvc import DvcCannotSay, reasons_to_run
from video_star.pipeline.footprint import Shape, finetuning, generating, shape_of
from video_star.pipeline.plan import Plan
from video_star.pipeline.runner import run_step
from video_star.video.cache import open_frames

Make = Callable[..., Workspace]
SCRIPT = json.dumps([{"text": "So it goes. Answer: surfing"}])


def numbers(workspace: Workspace, n: int | None = None) -> dict[tuple[str, str], float | None]:
    """The plan of all rounds by part and what; without DVC a cycle is planned as a whole."""
    params = tiny.params_of(workspace)
    rows = Plan(workspace, params, 10 if n is None else n).rows()
    return {(row.part, row.what): row.number.value for row in rows}


def bases(workspace: Workspace) -> dict[tuple[str, str], str]:
    rows = Plan(workspace, tiny.params_of(workspace), 10).rows()
    return {(row.part, row.what): row.number.basis for row in rows}


# ---- what will run, and why


def test_why_a_stage_runs_is_named(tmp_path: Path) -> None:
    root = dvc_workspace.make_workspace(tmp_path / "ws", rounds=1)
    before = reasons_to_run(root)
    assert set(before.values()) == {("never run",)}
    assert len(before) == 2 + 6 + 2 * 2
    assert [*before].index("ingest") < [*before].index("generate@r1") < [*before].index("verify@r1")
    dvc_workspace.dvc(root, "repro", "--quiet")
    assert reasons_to_run(root) == {}
    dvc_workspace.set_param(root, "rationalize", "temperature", 0.5)
    why = reasons_to_run(root)
    assert why["rationalize@r1"] == ("rationalize.temperature: 1.2 -> 0.5",)
    assert why["verify-rationales@r1"] == ("after rationalize@r1",)
    assert not why.keys() & {"ingest", "base", "generate@r1", "verify@r1", "evaluate-r0"}
    (root / "data" / "file.txt").write_text("other")
    assert "data modified" in reasons_to_run(root)["ingest"]


# ---- counts


def test_counts_are_those_of_the_steps(new_workspace: Make) -> None:
    """Ten training samples, two rounds, two samples per question; batches of 32, three epochs."""
    workspace = new_workspace(finetune__epochs=3, finetune__batch_size=32)
    found = numbers(workspace)
    assert found["samples", "test"] == 4
    assert found["generate", "questions"] == found["verify", "answers"] == 2 * 10 * 2
    assert found["rationalize", "questions"] == 2 * 10  # at most all of them fail
    # Direct, chain of thought, and of two wrong labels each a choice and a pair of yes and no.
    assert found["finetune", "examples"] == 2 * 10 * (1 + 1 + 2 + 4)
    assert found["finetune", "optimizer steps"] == 2 * 8  # 240 examples a round, 7.5 batches
    assert found["generate", "answer tokens"] == 2 * 20 * 12  # at most


def test_tokens_of_prompts_are_those_that_the_model_reads(
    new_workspace: Make, tiny_base: Path
) -> None:
    workspace = new_workspace()
    params = tiny.params_of(workspace)
    frames, conversations = (
        open_frames(workspace, params),
        Conversations(load_processor(tiny_base, False)),
    )
    train = sorted(read_manifest(workspace, "train"), key=lambda s: sha256(s.id))[:8]
    lengths = [
        len(
            conversations.encode_question(
                conversations.prepare(frames.get(Clip(workspace.video(s.video), None, None))),
                direct(s.question, line_request(s.labels, True)),
            )
        )
        for s in train
    ]
    assert numbers(workspace)["generate", "prompt tokens"] == pytest.approx(40 * sum(lengths) / 8)


def test_a_plan_needs_no_weights_and_no_clip_that_can_be_read(new_workspace: Make) -> None:
    workspace = new_workspace()
    (workspace.root / "base" / "model.safetensors").unlink()
    whole = numbers(workspace)
    assert whole["generate", "prompt tokens"]
    assert whole["memory of generate", "each GPU"]
    for clip in (workspace.data / "clips").iterdir():
        clip.write_bytes(b"nothing")
    found, says = numbers(workspace), bases(workspace)
    assert found["generate", "prompt tokens"]
    assert "noise, as /" in says["generate", "prompt tokens"]
    assert "at most" in says["disk", "frames of these clips"]
    (workspace.root / "base" / "config.json").unlink()
    assert numbers(workspace)["generate", "prompt tokens"] is None


def test_what_is_up_to_date_takes_no_time(new_workspace: Make) -> None:
    workspace = new_workspace()
    plan = Plan(workspace, tiny.params_of(workspace))
    plan.runs = {}
    assert {row.part for row in plan.rows()} == {
        *("samples", "disk", "memory of generate", "memory of finetune"),
    }


def test_more_samples_take_in_proportion(new_workspace: Make) -> None:
    small, large = (numbers(new_workspace(str(n)), n) for n in (10, 650_000))
    for key in (("generate", "prompt tokens"), ("disk", "frames of these clips")):
        assert large[key] == pytest.approx(65_000 * (small[key] or 0))
    assert large["samples", "train"] == large["samples", "clips to train on"] == 650_000
    assert large["memory of generate", "each GPU"] == small["memory of generate", "each GPU"]
    assert large["disk", "models of all rounds"] == small["disk", "models of all rounds"]


def test_what_was_measured_replaces_bounds_and_gives_hours(new_workspace: Make) -> None:
    workspace = new_workspace(settings__engine="scripted:script.json")
    (workspace.root / "script.json").write_text(SCRIPT)
    before = bases(workspace)
    assert before["generate", "time"] == "not measured here"
    for step, name in (("base", "r0"), ("generate", "r1"), ("verify", "r1"), ("rationalize", "r1")):
        run_step(step, name, workspace, Silent())
    answers = list(read_shards(workspace.round("r1").answers, Answer))
    failed = len(list(read_shards(workspace.round("r1").rationales, Answer)))
    assert 0 < failed < 10
    found, says = numbers(workspace), bases(workspace)
    assert found["rationalize", "questions"] == 2 * failed
    mean = sum(answer.n_tokens for answer in answers) / len(answers)
    assert found["generate", "answer tokens"] == pytest.approx(40 * mean)
    speed = read_speed(workspace, "generate", tiny.params_of(workspace))
    assert speed is not None
    ((n, seconds),) = speed.values()
    assert n == 20
    assert found["generate", "time"] == pytest.approx(40 * seconds / n / 3600)
    assert "20 answers" in says["generate", "time"]
    assert "others when they have run" in says["all", "time"]


# ---- throughput


def test_a_speed_counts_what_was_done_and_belongs_to_its_model(new_workspace: Make) -> None:
    workspace = new_workspace()
    params = tiny.params_of(workspace)

    def ran(first: int, last: int) -> None:
        measured = Measured(Silent())
        measured.update(first, 100, "answers")
        measured.update(last, 100, "answers")
        measured.record(workspace, "generate", params, 100)

    ran(60, 100)  # 60 were known
    known = read_speed(workspace, "generate", params)
    assert known is not None
    assert known["answers"][0] == 40
    ran(95, 100)  # a smaller run says less
    ran(100, 100)  # nor does one that had all answers
    assert read_speed(workspace, "generate", params) == known
    other = params.model_copy(update={"video": params.video.model_copy(update={"frames": 9})})
    assert read_speed(workspace, "generate", other) is None
    (workspace.work / "throughput" / "generate.json").write_text("{}")
    assert read_speed(workspace, "generate", params) is None


# ---- memory


def shape(**changes: int) -> Shape:
    sizes = {"weights": 0, "trained": 0, "layers": 1, "hidden": 1, "intermediate": 1}
    return Shape(**{**sizes, "kv_values": 1, "vocabulary": 1, **changes})


@pytest.mark.parametrize(
    ("zero", "gb"), [("zero0", 120), ("zero1", 31.4), ("zero2", 16.6), ("zero3", 1.88)]
)
def test_training_state_is_that_of_the_zero_paper(
    new_workspace: Make, zero: str, gb: float
) -> None:
    """Rajbhandari et al. 2020 (arXiv 1910.02054), figure 1: 7.5 billion weights on 64 GPUs."""
    workspace = new_workspace(settings__zero=zero, model__dtype="bfloat16", finetune__method="full")
    big = shape(weights=7_500_000_000, trained=7_500_000_000)
    found = finetuning(big, tiny.params_of(workspace), 64, 1, 1)
    state = sum(found[name] for name in ("weights", "gradients", "optimizer"))
    assert state / 1e9 == pytest.approx(gb, rel=0.01)


def test_offloaded_state_is_in_the_host(new_workspace: Make) -> None:
    sizes = shape(weights=100, trained=100)
    for zero, gone in (
        ("zero2_offload", {"optimizer"}),
        ("zero3_offload", {"optimizer", "weights"}),
    ):
        params = tiny.params_of(new_workspace(zero, settings__zero=zero, finetune__method="full"))
        plain = params.settings.model_copy(update={"zero": zero.removesuffix("_offload")})
        whole = finetuning(sizes, params.model_copy(update={"settings": plain}), 2, 1, 1)
        found = finetuning(sizes, params, 2, 1, 1)
        assert whole.keys() - found.keys() == gone
        assert found["in the host"] == sum(whole[name] for name in gone)


def test_a_kv_cache_is_that_of_the_vllm_paper(new_workspace: Make) -> None:
    """Kwon et al. 2023 (arXiv 2309.06180), section 3: 800 KB a token of OPT-13B in 16 bits."""
    params = tiny.params_of(
        new_workspace(settings__batch_size=1, model__dtype="float16", generate__max_new_tokens=1)
    )
    opt = shape(layers=40, hidden=5120, kv_values=2 * 40 * 5120)
    assert generating(opt, params, 0)["KV cache"] == 800 * 1024


def qwen3_vl(folder: Path, deepstack: list[int], tied: bool, text: str, vision: str) -> Path:
    """A config of Qwen3-VL by sizes: hidden, intermediate, layers, heads; depth, hidden, ..."""
    hidden, intermediate, layers, heads = map(int, text.split())
    depth, tower, tower_intermediate = map(int, vision.split())
    config = transformers.Qwen3VLConfig(
        text_config={
            "hidden_size": hidden, "intermediate_size": intermediate, "num_hidden_layers": layers,
            "num_attention_heads": heads, "num_key_value_heads": 8, "head_dim": 128,
            "vocab_size": 151936, "tie_word_embeddings": tied,
        },
        vision_config={
            "depth": depth, "hidden_size": tower, "intermediate_size": tower_intermediate,
            "num_heads": 16, "out_hidden_size": hidden, "patch_size": 16,
            "num_position_embeddings": 2304, "deepstack_visual_indexes": deepstack,
        },
        tie_word_embeddings=tied,
    )  # fmt: skip
    config.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("name", "processes", "weights", "sizes"),
    [
        ("24gb", 1, 4_437_815_808, ([5, 11, 17], True, "2560 9728 36 32", "24 1024 4096")),
        ("8gpu", 8, 8_767_123_696, ([8, 16, 24], False, "4096 12288 36 32", "27 1152 4304")),
    ],
)
def test_memory_of_the_docs_is_that_of_published_models(
    tmp_path: Path, name: str, processes: int, weights: int, sizes: tuple[Any, ...]
) -> None:
    """`weights` is the total that the Hugging Face hub shows of 4B and of 8B Instruct."""
    shutil.copy(tiny.ROOT / "params.yaml", tmp_path)
    params = apply_preset(Workspace(tmp_path), tiny.ROOT / "presets" / f"{name}.yaml")
    found = shape_of(qwen3_vl(tmp_path / "model", *sizes), params)
    assert found.weights == weights
    page = (tiny.ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    for step, parts in (
        ("generate", generating(found, params, 1000)),
        ("finetune", finetuning(found, params, processes, 1200, 200)),
    ):
        (row,) = re.findall(rf"^\| {name}.yaml \| {step} \| (.*) \|$", page, re.M)
        names = ("weights", "KV cache", "gradients", "optimizer", "activations", "logits")
        gib = {part: size / 2**30 for part, size in parts.items()}
        shown = [f"{gib[part]:.1f}" if part in gib else "-" for part in names]
        assert row.split(" | ") == [*shown, f"{sum(gib.values()):.1f}"]


def test_an_adapter_has_as_many_weights_as_it_is_said_to(
    new_workspace: Make, tiny_base: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    params = tiny.params_of(
        new_workspace(finetune__lora={"r": 4, "alpha": 16, "dropout": 0.0, "layers": None})
    )
    adapter = saved_adapter(tiny_base, tmp_path / "adapter")
    found = shape_of(tiny_base, params)
    weights = load_file(adapter / "adapter_model.safetensors")
    assert found.trained == sum(weight.numel() for weight in weights.values())
    assert len(adapted_layers(adapter)) > 0
    model = load_weights(tiny_base, False)
    assert found.weights == sum(weight.numel() for weight in model.parameters())


# ---- the command


def test_the_command_prints_tables_and_json(
    new_workspace: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_STAR_HOME", str(new_workspace().root))

    def plan(*options: str) -> Result:
        return CliRunner().invoke(app, ["plan", *options])

    table = plan("--samples", "650000").stdout
    assert "1.3 M" in table
    assert "unknown" in table
    done = json.loads(plan("--samples", "650000", "--json").stdout)
    rows = {(row["part"], row["what"]): row for row in done["rows"]}
    assert rows["generate", "questions"]["value"] == 2_600_000
    assert rows["generate", "time"]["value"] is None
    assert isinstance(plan().exception, DvcCannotSay)  # no DVC repository
