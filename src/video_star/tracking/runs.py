"""Rounds in MLflow: a parent run per cycle, a child run per round. The only importer of mlflow.

    cycle "demo"        the headline curve, one point per round
      r0, r1, ...       parameters, yields, metrics, loss curve, data set digest, model

Files are the truth and MLflow shows them: publishing a round again replaces its child run, so that
the store holds each round once, however often the step is repeated.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from video_star.core.errors import ServiceError, VideoStarError
from video_star.core.paths import Workspace
from video_star.core.private import private_store
from video_star.core.urls import hide, without_credentials

ANSWER_WITHIN_S = 5
# A stopped server must be noticed in seconds; MLflow alone would retry for minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow  # noqa: E402
from alembic.util import CommandError  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run  # noqa: E402
from mlflow.entities.model_registry import ModelVersion  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from sqlalchemy.exc import SQLAlchemyError  # noqa: E402

EXPERIMENT = "video-star"
CHAMPION = "champion"
METRICS_AT_ONCE, PARAMS_AT_ONCE = 1000, 100  # the limits of MLflow's log_batch
PARENT_TAG = "mlflow.parentRunId"


@dataclass(frozen=True)
class TrainingSet:
    """The data set of a round: its path in the workspace and its DVC hash."""

    path: str
    digest: str


@dataclass(frozen=True)
class PublishedRound:
    """Everything that MLflow shows of a round."""

    cycle: str
    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    headline: Mapping[str, float]
    """What the parent's curve shows; its step is the round's number."""
    loss: Sequence[tuple[int, float, float]] = ()
    """(step, loss, learning rate) of the finetune."""
    training_set: TrainingSet | None = None
    model: Path | None = None
    """What the registry keeps: the folder of an adapter, or the file that names all weights."""

    @property
    def number(self) -> int:
        return int(self.name.removeprefix("r"))


class Tracker:
    """The runs of one MLflow store."""

    def __init__(self, workspace: Workspace, tracking_uri: str | None) -> None:
        """Open the workspace's own sqlite store, or the one that `tracking_uri` names."""
        uri = tracking_uri or local_uri(workspace)
        _refuse_stopped_server(uri)
        if tracking_uri is None:
            private_store(workspace.mlflow_store)
        self._uri = uri
        self._local_store = workspace.mlflow_store if tracking_uri is None else None
        with self._explained():
            self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)
            self._experiment = self._find_experiment(
                None if tracking_uri else (workspace.mlflow / "artifacts").as_uri()
            )

    def publish(self, item: PublishedRound, registered_model: str, champion_metric: str) -> str:
        """Make the round's child run (in place of an older one) and return its run id."""
        with self._explained():
            old = self._runs(item.cycle, "round", item.name)
            parent = self._parent(item)
            run_id = self._child(item, parent)
            self._register(item, run_id, registered_model, item.metrics.get(champion_metric))
            # The old run goes last: whatever stops us before, no round is ever missing.
            for run in old:
                self._remove(run.info.run_id, registered_model)
            self._crown(item.cycle, registered_model)
        return run_id

    @property
    def experiment_id(self) -> str:
        return self._experiment

    def _find_experiment(self, artifacts: str | None) -> str:
        found = self._client.get_experiment_by_name(EXPERIMENT)
        if found is None:
            return str(self._client.create_experiment(EXPERIMENT, artifact_location=artifacts))
        if found.lifecycle_stage == "deleted":
            self._client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def _runs(self, cycle: str, kind: str, round_name: str | None = None) -> list[Run]:
        wanted = f"tags.kind = '{kind}' and tags.cycle = {_quoted(cycle)}"
        if round_name is not None:
            wanted += f" and tags.round = '{round_name}'"
        return list(self._client.search_runs([self._experiment], wanted))

    def _parent(self, item: PublishedRound) -> str:
        """The cycle's run with this round on its curve; the curve never holds two values at once.

        MLflow keeps every value ever logged: when a round's value changed, a new parent takes over
        the other rounds' points and children, and the old one is deleted.
        """
        found = self._runs(item.cycle, "cycle")
        parent = found[0].info.run_id if found else self._new_parent(item.cycle)
        curve = self._curve(parent) if found else {}
        known = {key: points[item.number] for key, points in curve.items() if item.number in points}
        if known == dict(item.headline):
            return str(parent)
        if known:
            old, parent = parent, self._new_parent(item.cycle)
            self._log_curve(parent, curve, without=item.number)
            for child in self._runs(item.cycle, "round"):
                self._client.set_tag(child.info.run_id, PARENT_TAG, parent)
            self._client.delete_run(old)
        self._log_curve(parent, {key: {item.number: v} for key, v in item.headline.items()})
        return str(parent)

    def _new_parent(self, cycle: str) -> str:
        tags = {"kind": "cycle", "cycle": cycle}
        run = self._client.create_run(self._experiment, run_name=cycle, tags=tags)
        self._client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    def _curve(self, run_id: str) -> dict[str, dict[int, float]]:
        keys = self._client.get_run(run_id).data.metrics
        return {
            key: {point.step: point.value for point in self._client.get_metric_history(run_id, key)}
            for key in keys
        }

    def _log_curve(
        self, run_id: str, curve: Mapping[str, Mapping[int, float]], without: int | None = None
    ) -> None:
        now = _now_ms()
        points = [
            Metric(key, value, now, step)
            for key, line in curve.items()
            for step, value in line.items()
            if step != without
        ]
        self._log_metrics(run_id, points)

    def _child(self, item: PublishedRound, parent: str) -> str:
        tags = {**item.tags, "kind": "round", "cycle": item.cycle, "round": item.name}
        run = self._client.create_run(
            self._experiment, run_name=item.name, tags={**tags, PARENT_TAG: parent}
        )
        run_id, now = str(run.info.run_id), _now_ms()
        params = [Param(key, value[:6000]) for key, value in item.params.items()]
        for start in range(0, len(params), PARAMS_AT_ONCE):
            self._client.log_batch(run_id, params=params[start : start + PARAMS_AT_ONCE])
        points = [Metric(key, value, now, item.number) for key, value in item.metrics.items()]
        for step, loss, rate in item.loss:
            points.append(Metric("train/loss", loss, now, step))
            points.append(Metric("train/learning_rate", rate, now, step))
        self._log_metrics(run_id, points)
        if item.training_set is not None:
            self._log_training_set(run_id, item.training_set)
        self._client.set_terminated(run_id)
        return run_id

    def _log_metrics(self, run_id: str, points: Sequence[Metric]) -> None:
        for start in range(0, len(points), METRICS_AT_ONCE):
            self._client.log_batch(run_id, metrics=points[start : start + METRICS_AT_ONCE])

    def _log_training_set(self, run_id: str, data: TrainingSet) -> None:
        dataset = Dataset(
            name=data.path,
            digest=data.digest,
            source_type="local",
            source=json.dumps({"uri": data.path}),
        )
        tags = [InputTag("mlflow.data.context", "training"), InputTag("dvc.md5", data.digest)]
        self._client.log_inputs(run_id, [DatasetInput(dataset, tags)])

    def _register(
        self, item: PublishedRound, run_id: str, registered_model: str, mark: float | None
    ) -> None:
        """Keep an adapter, or the reference to weights, as a version of the registered model."""
        if item.model is None:
            return
        kind = "adapter" if item.model.is_dir() else "weights"
        model = self._client.create_logged_model(
            self._experiment,
            name=f"{kind}-{item.name}",
            source_run_id=run_id,
            tags=dict(item.tags),
            model_type="lora-adapter" if kind == "adapter" else "weights-reference",
        )
        store = self._client
        log = store.log_model_artifacts if kind == "adapter" else store.log_model_artifact
        log(model.model_id, str(item.model))
        self._client.finalize_logged_model(model.model_id, "READY")
        now = _now_ms()
        points = [
            Metric(key, value, now, item.number, model_id=model.model_id, run_id=run_id)
            for key, value in item.headline.items()
        ]
        self._log_metrics(run_id, points)
        if not self._client.search_registered_models(f"name = {_quoted(registered_model)}"):
            self._client.create_registered_model(registered_model)
        tags = {"cycle": item.cycle, "round": item.name}
        if mark is not None:
            tags["mark"] = repr(mark)
        self._client.create_model_version(
            registered_model, model.model_uri, run_id, tags=tags, model_id=model.model_id
        )

    def _remove(self, run_id: str, registered_model: str) -> None:
        for version in self._versions(registered_model):
            if version.run_id == run_id:
                self._client.delete_model_version(registered_model, version.version)
        for model in self._client.search_logged_models(
            [self._experiment], f"source_run_id = '{run_id}'"
        ):
            self._client.delete_logged_model(model.model_id)
        self._client.delete_run(run_id)

    def _versions(self, registered_model: str) -> list[ModelVersion]:
        wanted = f"name = {_quoted(registered_model)}"
        return list(self._client.search_model_versions(wanted))

    def _crown(self, cycle: str, registered_model: str) -> None:
        """Point the alias at the cycle's best round; of equal ones at the earliest."""
        marked = [
            (-float(version.tags["mark"]), int(version.tags["round"][1:]), version.version)
            for version in self._versions(registered_model)
            if version.tags.get("cycle") == cycle and "mark" in version.tags
        ]
        if marked:
            best = min(marked)[-1]
            self._client.set_registered_model_alias(registered_model, CHAMPION, best)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Run calls on this store; what MLflow says about an error becomes one sentence."""
        # The registry resolves a logged model through the store that is set globally.
        mlflow.set_tracking_uri(self._uri)
        mlflow.set_registry_uri(self._uri)
        try:
            yield
        except (MlflowException, OSError, SQLAlchemyError, CommandError) as error:
            if self._local_store is not None:
                raise VideoStarError(
                    f"{self._local_store}: {_first_cause(error)}; stop the program that holds it, "
                    "free some space, or move it away (publish makes it anew)."
                ) from error
            reason = hide(" ".join(str(error).split()), self._uri)
            raise ServiceError(
                f"MLflow at {without_credentials(self._uri)} did not do what was asked "
                f"({reason[:300]}); start it with `make up`, or set settings.tracking_uri in "
                "params.yaml."
            ) from error


def _first_cause(error: BaseException) -> str:
    """What SQLite or the system said; around it there is what a library was about to do."""
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    return " ".join(str(error).split())[:300]


def local_uri(workspace: Workspace) -> str:
    """The sqlite store in the workspace's mlflow folder."""
    return f"sqlite:///{workspace.mlflow_store.resolve()}"


def _refuse_stopped_server(uri: str) -> None:
    """ServiceError at once when nothing listens at an http address."""
    if not uri.startswith(("http://", "https://")):
        return
    import httpx

    try:
        httpx.get(uri, timeout=ANSWER_WITHIN_S)  # whatever it says, it answers
    except httpx.TransportError as error:
        raise ServiceError(
            f"The MLflow server at {without_credentials(uri)} does not answer; start it with "
            "`make up`, or set settings.tracking_uri in params.yaml to null for the local store."
        ) from error


def _now_ms() -> int:
    return int(time.time() * 1000)


def _quoted(text: str) -> str:
    """Text as a value of a filter; MLflow knows two kinds of quotes and no escapes."""
    return f'"{text}"' if "'" in text else f"'{text}'"
