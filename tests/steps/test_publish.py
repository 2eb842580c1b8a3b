"""publish: what MLflow shows comes from the round's files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from video_star.core.context import StepContext
from video_star.core.engine import Engine
from video_star.core.jsonl import dump_json, write_text
from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.core.records import ModelRef, StepReport
from video_star.pipeline.steps.publish import published_round, run_publish

ROOT = Path(__file__).resolve().parents[2]
METRIC = {"value": 0.75, "low": 0.7, "high": 0.8, "n": 40}


def no_engine(_: ModelRef) -> Engine:
    raise AssertionError("publish asks no model")


@pytest.fixture
def context(tmp_path: Path) -> StepContext:
    """Round r1 with every file that publish reads."""
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    workspace = Workspace(tmp_path)
    paths = workspace.round("r1")
    metrics = {"round": "r1", "metrics": {"kinetics_qa/open_accuracy": METRIC}, "slices": {}}
    write_text(paths.metrics, json.dumps(metrics))
    shares = {"kept": 30.0, "direct_yield": 0.4, "rationalized_yield": 0.2}
    report = StepReport(step="curate", round="r1", read=50, written=90, metrics=shares)
    write_text(paths.report("curate"), dump_json(report.model_dump()))
    ref = ModelRef(
        base="base", revision=None, base_digest="b" * 64, adapter="a", adapter_digest="c" * 64
    )
    write_text(paths.model_json, dump_json(ref.model_dump()))
    write_text(paths.loss, '{"step": 1, "loss": 2.5, "learning_rate": 0.001}\n')
    write_text(paths.adapter / "adapter_config.json", "{}")
    write_text(paths.train / "0.jsonl", "{}\n")
    return StepContext(workspace, load_params(workspace.params), "r1", no_engine)


def test_a_round_is_read_from_its_files(context: StepContext) -> None:
    item = published_round(context)
    assert item.metrics["kinetics_qa/open_accuracy_low"] == 0.7
    assert item.metrics["kinetics_qa/open_accuracy_n"] == 40
    assert item.metrics["curate/written"] == 90
    assert item.headline == {"kinetics_qa/open_accuracy": 0.75, **item.headline}
    assert (item.metrics["kept"], item.metrics["direct_yield"]) == (30.0, 0.4)
    assert item.loss == ((1, 2.5, 0.001),)
    assert item.params["finetune.lora.r"] == "16"
    assert not any(key.startswith("settings") for key in item.params)
    assert item.training_set is not None
    assert item.training_set.path == "rounds/r1/train"
    assert item.model == context.paths.adapter
    assert item.tags["adapter_digest"] == "c" * 64


def test_paired_differences_are_shown_with_their_interval_test_and_items(
    context: StepContext,
) -> None:
    name = "kinetics_qa/open_accuracy"
    whole = json.loads(context.paths.metrics.read_text())
    pair = {"difference": 0.5, "low": 0.4, "high": 0.6, "n": 39, "clusters": 9, "left_out": 2}
    whole["comparisons"] = {name: {"r0": {**pair, "p": 0.01}}}
    context.paths.metrics.write_text(json.dumps(whole))
    metrics = published_round(context).metrics
    ends = ("", "_low", "_high", "_p", "_n")
    assert [metrics[f"{name}_minus_r0{end}"] for end in ends] == [0.5, 0.4, 0.6, 0.01, 39]


@pytest.mark.slow
def test_publishing_writes_which_run_shows_the_round(context: StepContext) -> None:
    run_publish(context)
    shown = json.loads(context.paths.mlflow_run.read_text())
    assert set(shown) == {"run_id", "experiment_id", "cycle"}
    assert (context.workspace.mlflow / "mlflow.db").exists()
    assert list((context.workspace.mlflow / "artifacts").rglob("adapter_config.json"))


def test_of_a_fully_finetuned_model_only_the_reference_is_published(context: StepContext) -> None:
    paths = context.paths
    ref = ModelRef(
        base="base",
        revision=None,
        base_digest="b" * 64,
        adapter=None,
        adapter_digest=None,
        weights="rounds/r1/model/weights",
        weights_digest="d" * 64,
    )
    write_text(paths.model_json, dump_json(ref.model_dump()))
    paths.adapter.rename(paths.weights)
    item = published_round(context)
    assert item.model == paths.model_json
    assert item.tags["weights_digest"] == "d" * 64
    assert "adapter_digest" not in item.tags
