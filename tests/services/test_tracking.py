"""The MLflow store: a round is shown once, however often it is published."""

from __future__ import annotations

import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from video_star.core.errors import ServiceError, VideoStarError
from video_star.core.paths import Workspace
from video_star.tracking.runs import CHAMPION, PublishedRound, Tracker, TrainingSet, local_uri

MODEL, MARK = "star", "kinetics_qa/open_accuracy"


def published(name: str, accuracy: float, adapter: Path | None) -> PublishedRound:
    return PublishedRound(
        cycle="it's a demo",
        name=name,
        params={f"finetune.key{i}": "1" for i in range(120)},
        metrics={MARK: accuracy, "direct_yield": 0.5},
        tags={"base_digest": "abc"},
        headline={MARK: accuracy},
        loss=tuple((step, 1.0 / (step + 1), 0.001) for step in range(700)),
        training_set=TrainingSet(f"rounds/{name}/train", "0" * 32 + ".dir") if adapter else None,
        model=adapter,
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("star")
    for name, content in (("r1", "one"), ("r2", "two")):
        folder = root / "rounds" / name / "model" / "adapter"
        folder.mkdir(parents=True)
        (folder / "adapter_model.safetensors").write_text(content)
    return Workspace(root)


@pytest.fixture(scope="module")
def tracker(workspace: Workspace) -> Tracker:
    """A store in which r0, r1 and r2 are published; r2 is the best one."""
    tracker = Tracker(workspace, None)
    tracker.publish(published("r0", 0.3, None), MODEL, MARK)
    tracker.publish(published("r1", 0.6, workspace.round("r1").adapter), MODEL, MARK)
    tracker.publish(published("r2", 0.8, workspace.round("r2").adapter), MODEL, MARK)
    return tracker


def client(workspace: Workspace):  # type: ignore[no-untyped-def]
    from mlflow import MlflowClient

    return MlflowClient(local_uri(workspace), local_uri(workspace))


def runs(workspace: Workspace, tracker: Tracker, kind: str):  # type: ignore[no-untyped-def]
    return client(workspace).search_runs([tracker.experiment_id], f"tags.kind = '{kind}'")


def champion(workspace: Workspace) -> str:
    version = client(workspace).get_model_version_by_alias(MODEL, CHAMPION)
    return str(version.tags["round"])


def test_publishing_again_replaces_the_child_and_moves_curve_and_champion(
    workspace: Workspace, tracker: Tracker
) -> None:
    assert champion(workspace) == "r2"
    first_parent = runs(workspace, tracker, "cycle")[0].info.run_id

    tracker.publish(published("r2", 0.8, workspace.round("r2").adapter), MODEL, MARK)
    assert runs(workspace, tracker, "cycle")[0].info.run_id == first_parent
    tracker.publish(published("r2", 0.5, workspace.round("r2").adapter), MODEL, MARK)

    children = runs(workspace, tracker, "round")
    assert sorted(run.data.tags["round"] for run in children) == ["r0", "r1", "r2"]
    (parent,) = runs(workspace, tracker, "cycle")
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    history = client(workspace).get_metric_history(parent.info.run_id, MARK)
    assert sorted((point.step, point.value) for point in history) == [(0, 0.3), (1, 0.6), (2, 0.5)]
    assert champion(workspace) == "r1"
    versions = client(workspace).search_model_versions(f"name = '{MODEL}'")
    assert sorted(version.tags["round"] for version in versions) == ["r1", "r2"]


def test_a_round_shows_parameters_loss_data_set_and_adapter(
    workspace: Workspace, tracker: Tracker, tmp_path: Path
) -> None:
    import mlflow

    (run,) = [r for r in runs(workspace, tracker, "round") if r.data.tags["round"] == "r1"]
    assert len(run.data.params) == 120
    assert len(client(workspace).get_metric_history(run.info.run_id, "train/loss")) == 700
    (data,) = run.inputs.dataset_inputs
    assert data.dataset.digest == "0" * 32 + ".dir"

    got = mlflow.artifacts.download_artifacts(f"models:/{MODEL}@{CHAMPION}", dst_path=str(tmp_path))
    assert (Path(got) / "adapter_model.safetensors").read_text() == "one"


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
    tracker.publish(published("r1", 0.6, reference), MODEL, MARK)
    (model,) = client(workspace).search_logged_models([tracker.experiment_id])
    assert (model.name, model.model_type) == ("weights-r1", "weights-reference")
    kept = [path for path in (workspace.mlflow / "artifacts").rglob("*") if path.is_file()]
    assert [path.name for path in kept if path.read_bytes() == reference.read_bytes()] == [
        "model.json"
    ]
