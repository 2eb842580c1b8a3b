"""The MLflow store: a round is shown once, however often it is published."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from video_star.core.errors import ServiceError, VideoStarError
from video_star.core.paths import Workspace
from video_star.core.times import Span
from video_star.tracking.charts import VIEW_TAG, view_key
from video_star.tracking.runs import CHAMPION, PublishedRound, Tracker, TrainingSet, local_uri

CYCLE, MODEL, SCORE = "it's a demo", "star", "headline/kinetics_qa/open_accuracy"
KILLS = 2
CURVE = "kinetics_qa/open_accuracy"
WORKED, FINETUNED = Span(1_000_000, 9_000_000), Span(2_000_000, 3_000_000)


def published(name: str, accuracy: float, model: Path) -> PublishedRound:
    return PublishedRound(
        cycle=CYCLE,
        name=name,
        params={f"finetune.key{i}": "1" for i in range(120)},
        metrics={
            SCORE: accuracy,
            "yield/box/direct": 0.5,
            "yield/box/rationalized": 0.25,
            "total/kept": 3,
        },
        tags={"base_digest": "abc"},
        note=f"the card of {name}",
        loss=tuple((step, 1.0 / (step + 1), 0.001) for step in range(700)),
        training_set=TrainingSet(f"rounds/{name}/train", "0" * 32 + ".dir"),
        model=model,
        model_type="adapter",
        worked=WORKED,
        finetuned=FINETUNED,
        champion="r1",
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return with_adapters(tmp_path_factory.mktemp("star"))


def with_adapters(root: Path) -> Workspace:
    workspace = Workspace(root)
    for name, content in (("r1", "one"), ("r2", "two")):
        folder = workspace.round(name).adapter
        folder.mkdir(parents=True)
        (folder / "adapter_model.safetensors").write_text(content)
        (folder / "README.md").write_text("what PEFT writes")
    return workspace


@pytest.fixture(scope="module")
def tracker(workspace: Workspace) -> Tracker:
    """A store in which r1 and r2 are published."""
    tracker = Tracker(workspace, None)
    for name, accuracy in (("r1", 0.6), ("r2", 0.8)):
        tracker.publish(published(name, accuracy, workspace.round(name).adapter), MODEL)
    return tracker


def client(workspace: Workspace):  # type: ignore[no-untyped-def]
    from mlflow import MlflowClient

    return MlflowClient(local_uri(workspace), local_uri(workspace))


def runs(workspace: Workspace, kind: str):  # type: ignore[no-untyped-def]
    store = client(workspace)
    experiment = store.get_experiment_by_name("video-star").experiment_id
    return store.search_runs([experiment], f"tags.kind = '{kind}'")


def run_of(workspace: Workspace, name: str):  # type: ignore[no-untyped-def]
    (run,) = [run for run in runs(workspace, "round") if run.data.tags["round"] == name]
    return run


def history(workspace: Workspace, run_id: str, key: str) -> list[tuple[int, float, int]]:
    points = client(workspace).get_metric_history(run_id, key)
    return sorted((point.step, point.value, point.timestamp) for point in points)


def test_a_round_shows_its_parameters_loss_data_set_and_model(
    workspace: Workspace, tracker: Tracker, tmp_path: Path
) -> None:
    import mlflow

    run = run_of(workspace, "r1")
    assert len(run.data.params) == 120
    assert (run.info.status, run.info.start_time, run.info.end_time) == ("FINISHED", *WORKED)
    (data,) = run.inputs.dataset_inputs
    assert data.dataset.digest == "0" * 32 + ".dir"
    loss = history(workspace, run.info.run_id, "train/loss")
    assert len(loss) == 700
    assert FINETUNED.start < loss[0][2] < loss[349][2] < loss[-1][2] == FINETUNED.end

    uri = f"models:/{MODEL}@{CHAMPION}"
    got = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path)))
    assert (got / "adapter_model.safetensors").read_text() == "one"
    assert (got / "README.md").read_text() == "the card of r1"
    signature = mlflow.models.get_model_info(uri).signature
    assert signature.inputs.input_names() == ["video", "question"]
    (output,) = run.outputs.model_outputs
    model = client(workspace).get_logged_model(output.model_id)
    assert {metric.key: metric.value for metric in model.metrics}[SCORE] == 0.6


def test_what_differs_from_the_round_before_is_said(workspace: Workspace, tracker: Tracker) -> None:
    note = "mlflow.note.content"
    assert run_of(workspace, "r2").data.tags[note].endswith("All parameters are those of r1.")
    item = published("r3", 0.7, workspace.round("r2").adapter)
    tracker.publish(replace(item, params={**item.params, "finetune.key7": "<b>"}), MODEL)
    assert "| finetune.key7 | 1 | &lt;b&gt; |" in run_of(workspace, "r3").data.tags[note]


def test_the_same_round_is_the_same_run_and_other_numbers_are_another(tmp_path: Path) -> None:
    workspace = with_adapters(tmp_path)
    tracker, adapter = Tracker(workspace, None), workspace.round("r1").adapter
    first = tracker.publish(published("r1", 0.6, adapter), MODEL)
    tracker.publish(published("r2", 0.8, workspace.round("r2").adapter), MODEL)
    (parent,) = runs(workspace, "cycle")
    later = replace(published("r1", 0.6, adapter), worked=Span(1, 2), finetuned=None)
    assert tracker.publish(later, MODEL) == first
    assert runs(workspace, "cycle")[0].info.run_id == parent.info.run_id
    assert len(history(workspace, first, "train/loss")) == 700

    second = tracker.publish(published("r1", 0.5, adapter), MODEL)
    assert second != first
    assert client(workspace).get_run(first).info.lifecycle_stage == "deleted"
    children = runs(workspace, "round")
    assert sorted(run.data.tags["round"] for run in children) == ["r1", "r2"]
    (parent,) = runs(workspace, "cycle")
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    points = history(workspace, parent.info.run_id, CURVE)
    assert points == [(1, 0.5, WORKED.end), (2, 0.8, WORKED.end)]
    versions = client(workspace).search_model_versions(f"name = '{MODEL}'")
    assert sorted(version.tags["round"] for version in versions) == ["r1", "r2"]


def test_a_failed_round_goes_on_in_its_run(tmp_path: Path) -> None:
    workspace = with_adapters(tmp_path)
    tracker = Tracker(workspace, None)
    failed = tracker.fail(CYCLE, "r1", "finetune", "no <b>memory</b>", WORKED)
    assert tracker.fail(CYCLE, "r1", "evaluate", "no memory", WORKED) == failed
    run = run_of(workspace, "r1")
    assert (run.info.status, run.data.tags["failed_step"]) == ("FAILED", "evaluate")
    assert runs(workspace, "cycle")[0].info.status == "FAILED"
    assert tracker.publish(published("r1", 0.6, workspace.round("r1").adapter), MODEL) == failed
    run = run_of(workspace, "r1")
    assert run.info.status == "FINISHED"
    assert "failed_step" not in run.data.tags
    assert run.data.tags["mlflow.note.content"].startswith("the card of r1")
    assert runs(workspace, "cycle")[0].info.status == "FINISHED"


def test_a_publication_that_breaks_off_is_failed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    tracker = Tracker(workspace, None)
    with pytest.raises(VideoStarError):
        tracker.publish(published("r1", 0.6, tmp_path / "missing"), MODEL)
    assert run_of(workspace, "r1").info.status == "FAILED"


class Dying:
    """A client whose process is killed before the call of a number; it counts those before."""

    def __init__(self, real: Any, last: float) -> None:
        self.real, self.last, self.calls = real, last, 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if self.calls >= self.last:
                os.kill(os.getpid(), signal.SIGKILL)
            self.calls += 1
            return getattr(self.real, name)(*arguments, **named)

        return call


def killed(workspace: Workspace, item: PublishedRound, last: int) -> None:
    child = os.fork()
    if child == 0:
        try:
            tracker = Tracker(workspace, None)
            tracker._client = Dying(tracker._client, last)
            tracker.publish(item, MODEL)
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


def shown(workspace: Workspace) -> dict[str, object]:
    """All that the store shows of its cycle, less ids and what tells of now."""
    found: dict[str, object] = {}
    for kind in ("round", "cycle"):
        for run in runs(workspace, kind):
            found[run.info.run_name] = (
                (run.info.status, run.info.start_time, run.info.end_time),
                {k: v for k, v in run.data.tags.items() if k != "mlflow.parentRunId"},
                run.data.params,
                {key: history(workspace, run.info.run_id, key) for key in run.data.metrics},
                [each.dataset.digest for each in run.inputs.dataset_inputs],
                len(run.outputs.model_outputs),
            )
    for model in client(workspace).search_logged_models(["1"]):
        scores = sorted((metric.key, metric.value) for metric in model.metrics)
        found[model.name] = (str(model.status), scores)
    for version in client(workspace).search_model_versions(f"name = '{MODEL}'"):
        found[f"version {version.version}"] = version.tags
    best = client(workspace).get_model_version_by_alias(MODEL, CHAMPION)
    return {**found, CHAMPION: best.tags["round"]}


def test_killed_publications_are_finished_by_the_next_ones(tmp_path: Path) -> None:
    undisturbed = with_adapters(tmp_path / "undisturbed")
    workspace = with_adapters(tmp_path / "killed")
    Tracker(workspace, None)
    lot = random.Random(17)
    for number in range(1, KILLS + 1):
        item = published(f"r{number}", 0.6, undisturbed.round("r1").adapter)
        tracker = Tracker(undisturbed, None)
        tracker._client = counting = Dying(tracker._client, float("inf"))
        tracker.publish(item, MODEL)
        killed(workspace, item, lot.randrange(1, counting.calls))
        begun = [run for run in runs(workspace, "round") if run.data.tags["round"] == item.name]
        run_id = Tracker(workspace, None).publish(item, MODEL)
        assert [run.info.run_id for run in begun] in ([], [run_id])
    assert shown(workspace) == shown(undisturbed)


def test_the_page_of_a_cycle_has_its_curves(workspace: Workspace, tracker: Tracker) -> None:
    experiment = client(workspace).get_experiment(tracker.experiment_id)
    view = json.loads(experiment.tags[VIEW_TAG + view_key(CYCLE)])
    assert view["searchFilter"] == 'tags.cycle = "it\'s a demo"'
    charts = view["compareRunCharts"]
    (parent,) = runs(workspace, "cycle")
    # A metric without any chart of its own gets one from MLflow, at the end of the page.
    assert {chart["metricKey"] for chart in charts} == parent.data.metrics.keys()
    drawn = [chart["selectedMetricKeys"] for chart in charts if not chart["deleted"]]
    assert drawn[:2] == [[CURVE], ["box/direct", "box/rationalized"]]
    assert drawn[2:4] == [["loss/r1"], ["loss/r2"]]


def test_a_stopped_server_is_one_sentence_within_seconds(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(ServiceError, match=r"MLflow server at .* does not answer; start it"):
        Tracker(Workspace(tmp_path), f"http://127.0.0.1:{port}")
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("what", ["locked", "garbage", "of another version"])
def test_a_store_that_cannot_be_used_is_one_sentence(tmp_path: Path, what: str) -> None:
    store = Workspace(tmp_path).mlflow_store
    store.parent.mkdir()
    with closing(sqlite3.connect(store)) as other:
        if what == "locked":
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
            other.execute("BEGIN EXCLUSIVE")
            reason = "database is locked"
        elif what == "garbage":
            store.write_bytes(bytes(range(1, 256)) * 40)
            reason = "file is not a database"
        else:
            other.execute("CREATE TABLE alembic_version (version_num TEXT)")
            other.execute("INSERT INTO alembic_version VALUES ('unknown')")
            other.commit()
            reason = ".*unknown.*"
        with pytest.raises(VideoStarError, match=rf"mlflow\.db: {reason}; stop the .* or move it"):
            Tracker(Workspace(tmp_path), None)


def test_a_fully_finetuned_model_is_kept_by_reference(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    reference = workspace.round("r1").model_json
    reference.parent.mkdir(parents=True)
    reference.write_text('{"weights_digest": "abc"}')
    tracker = Tracker(workspace, None)
    tracker.publish(replace(published("r1", 0.6, reference), model_type="weights"), MODEL)
    (model,) = client(workspace).search_logged_models([tracker.experiment_id])
    assert (model.name, model.model_type) == ("weights-r1", "weights")
    kept = [path for path in (workspace.mlflow / "artifacts").rglob("*") if path.is_file()]
    assert [path.name for path in kept if path.read_bytes() == reference.read_bytes()] == [
        "model.json"
    ]
