"""publish: what MLflow shows comes from the round's files."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import tiny
from PIL import Image

from video_star.core.context import StepContext
from video_star.core.jsonl import dump_json, write_records, write_text
from video_star.core.paths import Workspace
from video_star.core.records import Prediction, Score, StepReport
from video_star.pipeline.stages import STEPS
from video_star.pipeline.steps.publish import (
    flat_params,
    published_round,
    run_publish,
    show_failure,
)
from video_star.tracking.shown import THUMBNAIL

ROOT = Path(__file__).resolve().parents[2]
METRIC = {"value": 0.75, "low": 0.7, "high": 0.8, "n": 40}
NOTHING = dict.fromkeys(("revision", "adapter", "adapter_digest"))
BASE = {"base": "base", "base_digest": "b" * 64, **NOTHING}


@pytest.fixture
def context(tmp_path: Path) -> StepContext:
    """Round r1 with every file that publish reads."""
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    workspace = Workspace(tmp_path)
    paths = workspace.round("r1")
    metrics: dict[str, Any] = {"round": "r1", "slices": {}}
    metrics["metrics"] = {"kinetics_qa/open_accuracy": METRIC, "star_qa/accuracy": METRIC}
    write_text(paths.metrics, json.dumps(metrics))
    shares = {"kept": 30.0, "direct_yield": 0.4, "rationalized_yield": 0.2}
    shares |= {"direct_yield/box": 0.3, "rationalized_yield/box": 0.1}
    report = StepReport(step="curate", round="r1", read=50, written=90, failed=2, metrics=shares)
    write_text(paths.report("curate"), dump_json(report.model_dump()))
    ref = {**BASE, "adapter": "a", "adapter_digest": "c" * 64}
    write_text(paths.model_json, dump_json(ref))
    write_text(paths.loss, '{"step": 1, "loss": 2.5, "learning_rate": 0.001}\n')
    write_text(paths.adapter / "adapter_config.json", "{}")
    write_text(paths.train / "0.jsonl", "{}\n")
    return tiny.context_of(workspace, "r1")


def test_a_round_is_read_from_its_files(context: StepContext, tmp_path: Path) -> None:
    item = published_round(context, tmp_path)
    assert item.metrics == {
        "headline/kinetics_qa/open_accuracy": 0.75,
        "headline/direct_yield": 0.4,
        "headline/rationalized_yield": 0.2,
        "scores/star_qa/accuracy": 0.75,
        "yield/box/direct": 0.3,
        "yield/box/rationalized": 0.1,
        "total/kept": 30,
        "total/examples": 0,
        "total/failed": 2,
    }
    assert next(iter(item.metrics)).startswith("headline/")
    assert item.loss == ((1, 2.5, 0.001),)
    assert item.params["finetune.lora.r"] == "16"
    assert not any(key.startswith("settings") for key in item.params)
    assert item.training_set is not None
    assert item.training_set.path == "rounds/r1/train"
    assert item.model == context.paths.adapter
    assert item.tags["adapter_digest"] == "c" * 64
    assert item.worked is None  # as on a machine that did not do the work


def test_intervals_tests_and_counts_are_tables(context: StepContext, tmp_path: Path) -> None:
    whole = json.loads(context.paths.metrics.read_text())
    pair = {"difference": 0.5, "low": 0.4, "high": 0.6, "n": 39, "clusters": 9, "left_out": 2}
    whole["comparisons"] = {"kinetics_qa/open_accuracy": {"r0": {**pair, "p": 0.01}}}
    context.paths.metrics.write_text(json.dumps(whole))
    item = published_round(context, tmp_path)
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert dict(zip(scores["columns"], scores["data"][0], strict=True)) == {
        "metric": "kinetics_qa/open_accuracy",
        **METRIC,
        "against": "r0",
        "difference": 0.5,
        "difference low": 0.4,
        "difference high": 0.6,
        "difference p": 0.01,
        "difference n": 39,
    }
    steps = json.loads((tmp_path / "steps.json").read_text())
    assert ["curate", "failed", 2] in steps["data"]
    assert "| 75.0% | 70.0% to 80.0% | +50.0% against r0 (p = 0.010) |" in item.note


def test_held_out_answers_stand_beside_a_frame(context: StepContext, tmp_path: Path) -> None:
    (sample,) = tiny.tiny_samples(1, "test")
    tiny.write_clip(context.workspace.video(sample.video), tiny.moving_square(1))
    write_records(context.workspace.manifest, [sample])
    folder = context.paths.predictions / "kinetics_qa"
    name = f"{sample.id}/open"
    answers = {name: "<img onerror=x>", "of no known video": "Answer: b"}
    write_records(
        folder / "predictions.jsonl",
        [Prediction(item_id=key, prompt="What?", text=text) for key, text in answers.items()],
    )
    score: dict[str, Any] = {"metric": "open_accuracy", "value": 1, "cluster": "c"}
    scores = [Score(item_id=key, **score, reason="match") for key in answers]
    write_records(folder / "scores.jsonl", scores)
    published_round(context, tmp_path / "shown")
    table = json.loads((tmp_path / "shown" / "answers.json").read_text())
    ((frame, *rest),) = table["data"]
    told = ["What?", "<img onerror=x>", "open_accuracy: 1", "match"]
    assert rest == [f"kinetics_qa/{name}", *told]
    with Image.open(tmp_path / "shown" / frame["filepath"]) as image:
        assert max(image.size) <= THUMBNAIL


@pytest.mark.slow
def test_publishing_writes_which_run_shows_the_round(context: StepContext) -> None:
    run_publish(context)
    shown = json.loads(context.paths.mlflow_run.read_text())
    assert set(shown) == {"run_id", "experiment_id", "cycle"}
    assert (context.workspace.mlflow / "mlflow.db").exists()
    assert list((context.workspace.mlflow / "artifacts").rglob("adapter_config.json"))


@pytest.mark.slow
def test_a_failure_is_shown_in_the_run_that_is_published_later(context: StepContext) -> None:
    show_failure(context.workspace, context.params, "r1", "finetune", "Out of <b>memory</b>.")
    run_publish(context)
    with closing(sqlite3.connect(context.workspace.mlflow_store)) as store:
        assert store.execute("SELECT status FROM runs WHERE name = 'r1'").fetchall() == [
            ("FINISHED",)
        ]


def test_a_round_is_published_again_when_a_parameter_that_it_shows_changes(
    context: StepContext,
) -> None:
    shown = {name.partition(".")[0] for name in flat_params(context.params)}
    assert shown <= {*STEPS["publish"].sections}


@pytest.mark.slow
def test_a_failure_that_was_undone_is_shown_no_longer(context: StepContext) -> None:
    run_publish(context)
    shown = context.paths.mlflow_run.read_text()
    show_failure(context.workspace, context.params, "r1", "curate", "There is no such file.")
    assert not context.paths.mlflow_run.exists()  # DVC publishes again, though nothing has changed
    run_publish(context)
    assert context.paths.mlflow_run.read_text() == shown
    with closing(sqlite3.connect(context.workspace.mlflow_store)) as store:
        living = store.execute("SELECT status FROM runs WHERE lifecycle_stage = 'active'")
        assert living.fetchall() == [("FINISHED",)] * 2  # of the round and of its cycle


def test_of_a_fully_finetuned_model_only_the_reference_is_published(context: StepContext) -> None:
    paths = context.paths
    ref = {**BASE, "weights": "rounds/r1/model/weights", "weights_digest": "d" * 64}
    write_text(paths.model_json, dump_json(ref))
    paths.adapter.rename(paths.weights)
    item = published_round(context, paths.root / "shown")
    assert item.model == paths.model_json
    assert item.tags["weights_digest"] == "d" * 64
    assert "adapter_digest" not in item.tags
