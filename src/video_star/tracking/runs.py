"""Rounds in MLflow: a parent run per cycle, a child run per round. The only importer of mlflow.

    cycle "demo"        the curves over its rounds
      r0, r1, ...       parameters, metrics, loss curve, tables, data set digest, model

Files are the truth and MLflow shows them. Of each round there is one run, however often it is
published and wherever a publication was killed: what is written is looked for first, or is written
under the same key with the same time. MLflow cannot take back a parameter or a point of a metric,
so a round with other numbers gets a new run, and the old one is deleted (MLflow keeps it until
`mlflow gc`). No run is ever "the active one": every call names its run.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from video_star.core.errors import ServiceError, VideoStarError
from video_star.core.hashing import sha256
from video_star.core.paths import Workspace
from video_star.core.private import private_store
from video_star.core.times import Span
from video_star.core.urls import hide, without_credentials
from video_star.tracking.charts import LOSS, VIEW_TAG, curves_of, view_key, view_state
from video_star.tracking.note import changed_params

ANSWER_WITHIN_S = 5
# A stopped server must be noticed in seconds; MLflow alone would retry for minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow  # noqa: E402
from alembic.util import CommandError  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import (  # noqa: E402
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModel,
    LoggedModelOutput,
    Metric,
    Param,
    Run,
    RunTag,
)
from mlflow.entities.model_registry import ModelVersion  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.models import Model, ModelSignature  # noqa: E402
from mlflow.types import ColSpec, Schema  # noqa: E402
from sqlalchemy.exc import SQLAlchemyError  # noqa: E402

# It logs, with a traceback, what it raises as well.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)

EXPERIMENT = "video-star"
CHAMPION = "champion"
METRICS_AT_ONCE, PARAMS_AT_ONCE = 1000, 100  # the limits of MLflow's log_batch
PARAM_LENGTH = 6000  # and of a parameter
PARENT_TAG, NOTE_TAG = "mlflow.parentRunId", "mlflow.note.content"
TABLES_TAG, VERSIONS_TAG = "mlflow.loggedArtifacts", "mlflow.modelVersions"
CURVE_COLOUR = "#0072B2"  # MLflow's own are drawn by lot
CONTENT, WORKED, FAILED_STEP = "content", "worked", "failed_step"
SIGNATURE = ModelSignature(
    Schema([ColSpec("string", "video"), ColSpec("string", "question")]),
    Schema([ColSpec("string", "answer")]),
)


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
    note: str
    """The round in Markdown: description of its run, card of its model."""
    model: Path
    """What the registry keeps: the folder of an adapter, or the file that names all weights."""
    model_type: str
    loss: Sequence[tuple[int, float, float]] = ()
    """(step, loss, learning rate) of the finetune."""
    training_set: TrainingSet | None = None
    files: Path | None = None
    """A folder whose content becomes the run's artifacts."""
    worked: Span | None = None
    """When the steps of the round were done; None when this machine did not do them."""
    finetuned: Span | None = None
    champion: str | None = None
    """The round of the cycle to keep."""
    cycle_note: str = ""
    """Which one that is, and why, in Markdown."""

    @property
    def number(self) -> int:
        return int(self.name.removeprefix("r"))

    @property
    def content(self) -> str:
        """Digest of all that a run cannot change once it is logged."""
        data = self.training_set
        known = [
            *([*sorted(part.items())] for part in (self.params, self.metrics)),
            [*self.loss],
            data and data.digest,
            {key: self.tags[key] for key in sorted(self.tags) if key.endswith("_digest")},
        ]
        return sha256(json.dumps(known))


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

    def publish(self, item: PublishedRound, registered_model: str) -> str:
        """Bring the round's run up to date and return its id; FAILED when it cannot be finished."""
        with self._explained():
            run = self._claim(item)
            run_id = str(run.info.run_id)
            try:
                self._fill(item, run, registered_model)
            except BaseException:
                with suppress(Exception):  # the first error is the one to tell
                    self._client.set_terminated(run_id, "FAILED")
                raise
            # Other runs go last: whatever stops us before, no round is ever missing.
            for other in self._runs(item.cycle, "round", item.name):
                if other.info.run_id != run_id:
                    self._remove(other.info.run_id, registered_model)
            self._show_cycle(item.cycle, "FINISHED", item.cycle_note)
            self._crown(item, registered_model)
        return run_id

    def fail(self, cycle: str, name: str, step: str, note: str, worked: Span | None) -> str:
        """Show that a step of a round failed, in the run that its next publication goes on with."""
        with self._explained():
            started = [run for run in self._runs(cycle, "round", name) if not _is_finished(run)]
            run = started[0] if started else self._new_run(cycle, "round", name, worked)
            run_id = str(run.info.run_id)
            self._set_tags(run_id, {FAILED_STEP: step, NOTE_TAG: note})
            self._client.set_terminated(run_id, "FAILED")
            self._show_cycle(cycle, "FAILED", f"{name}: {note}")
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
        """The runs that are not deleted, the newest first."""
        wanted = f"{_of_cycle(cycle)} and tags.kind = '{kind}'"
        if round_name is not None:
            wanted += f" and tags.round = '{round_name}'"
        return list(self._client.search_runs([self._experiment], wanted))

    def _new_run(self, cycle: str, kind: str, name: str, worked: Span | None) -> Run:
        tags = {"kind": kind, "cycle": cycle} | ({"round": name} if kind == "round" else {})
        return self._client.create_run(
            self._experiment, worked.start if worked else None, tags=tags, run_name=name
        )

    def _claim(self, item: PublishedRound) -> Run:
        """The run with this very content, one that failed before it had any, or a new one."""
        runs = self._runs(item.cycle, "round", item.name)
        same = [run for run in runs if run.data.tags.get(CONTENT) == item.content]
        empty = [r for r in runs if CONTENT not in r.data.tags and not _is_finished(r)]
        if same:
            return same[0]
        run = empty[0] if empty else self._new_run(item.cycle, "round", item.name, item.worked)
        now = _now_ms()
        worked = item.worked or Span(now, now)
        finetuned = item.finetuned or worked
        # A publication that goes on after a kill gives its points the times of the first one.
        worked_at = json.dumps([worked.end, finetuned.start, finetuned.end])
        self._set_tags(run.info.run_id, {WORKED: worked_at, CONTENT: item.content})
        return self._client.get_run(run.info.run_id)

    def _fill(self, item: PublishedRound, run: Run, registered_model: str) -> None:
        """Log what the run does not have yet; what can change is logged anew."""
        run_id = str(run.info.run_id)
        end, first, last = json.loads(run.data.tags[WORKED])
        before = self._runs(item.cycle, "round", f"r{item.number - 1}")
        note = item.note
        if before:
            old = before[0].data
            note += "\n" + changed_params(old.tags["round"], old.params, dict(_params(item)))
        self._set_tags(run_id, {**item.tags, NOTE_TAG: note})
        if item.files is not None:
            self._client.log_artifacts(run_id, str(item.files))
            tables = [{"path": p.name, "type": "table"} for p in sorted(item.files.glob("*.json"))]
            self._client.set_tag(run_id, TABLES_TAG, json.dumps(tables))
        if _is_finished(run):
            return
        self._client.update_run(run_id, "RUNNING")
        if FAILED_STEP in run.data.tags:
            self._client.delete_tag(run_id, FAILED_STEP)
        params = [Param(*pair) for pair in _params(item)]
        for chunk in range(0, len(params), PARAMS_AT_ONCE):
            self._client.log_batch(run_id, params=params[chunk : chunk + PARAMS_AT_ONCE])
        if item.training_set is not None:
            self._log_training_set(run_id, item.training_set)
        model = self._register(item, run, registered_model)
        points = [
            Metric(key, value, end, item.number, model_id=model.model_id, run_id=run_id)
            for key, value in item.metrics.items()
        ]
        for place, (step, loss, rate) in enumerate(item.loss, start=1):
            when = first + (last - first) * place // len(item.loss)
            points.append(Metric("train/loss", loss, when, step))
            points.append(Metric("train/learning_rate", rate, when, step))
        self._log_metrics(run_id, points)
        self._client.set_terminated(run_id, "FINISHED", end)

    def _set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        self._client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])

    def _log_metrics(self, run_id: str, points: Sequence[Metric]) -> None:
        """Points that the run has already, value and time and all, are not logged twice."""
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

    def _show_cycle(self, cycle: str, status: str, note: str) -> None:
        """The cycle's run: the curves through its finished rounds, and the page that shows them.

        Parents whose curves hold another value of a round are deleted; a new one takes over.
        """
        rounds = self._runs(cycle, "round")
        points = [point for run in rounds if _is_finished(run) for point in self._points(run)]
        wanted = {(point.key, point.step): point.value for point in points}
        parents = self._runs(cycle, "cycle")
        fitting = [run for run in parents if self._curve(run).items() <= wanted.items()]
        first = min((run.info.start_time for run in rounds), default=_now_ms())
        parent = fitting[0] if fitting else self._new_run(cycle, "cycle", cycle, Span(first, first))
        parent_id = str(parent.info.run_id)
        self._set_tags(parent_id, {NOTE_TAG: note, "mlflow.runColor": CURVE_COLOUR})
        known = self._curve(parent)
        self._log_metrics(parent_id, [p for p in points if (p.key, p.step) not in known])
        for run in rounds:
            if run.data.tags.get(PARENT_TAG) != parent_id:
                self._client.set_tag(run.info.run_id, PARENT_TAG, parent_id)
        for run in parents:
            if run.info.run_id != parent_id:
                self._client.delete_run(run.info.run_id)
        last = max((run.info.end_time or 0 for run in rounds), default=0)
        self._client.set_terminated(parent_id, status, last or None)
        view = view_state(_of_cycle(cycle), {key for key, _ in wanted})
        self._client.set_experiment_tag(self._experiment, VIEW_TAG + view_key(cycle), view)

    def _points(self, run: Run) -> list[Metric]:
        """The points of a round on the curves of its cycle, at the times that they have there."""
        name, end = run.data.tags["round"], run.info.end_time
        curves = curves_of(run.data.metrics)
        points = [Metric(key, value, end, int(name[1:])) for key, value in curves.items()]
        if "train/loss" in run.data.metrics:
            history = self._client.get_metric_history(run.info.run_id, "train/loss")
            points += [Metric(LOSS + name, p.value, p.timestamp, p.step) for p in history]
        return points

    def _curve(self, run: Run) -> dict[tuple[str, int], float]:
        return {
            (key, point.step): point.value
            for key in run.data.metrics
            for point in self._client.get_metric_history(run.info.run_id, key)
        }

    def _register(self, item: PublishedRound, run: Run, registered_model: str) -> LoggedModel:
        """Keep an adapter, or the reference to weights, as a version of the registered model."""
        run_id = str(run.info.run_id)
        model, *_ = self._models(run_id) or [
            self._client.create_logged_model(
                self._experiment,
                name=f"{item.model_type}-{item.name}",
                source_run_id=run_id,
                tags={**item.tags, NOTE_TAG: item.note},
                params={k: v[:500] for k, v in item.params.items() if k.startswith("finetune.")},
                model_type=item.model_type,
            )
        ]
        if model.status != "READY":
            self._upload(item, model, run_id)
        if run.outputs is None or not run.outputs.model_outputs:
            self._client.log_outputs(run_id, [LoggedModelOutput(model.model_id, item.number)])
        if not self._client.search_registered_models(f"name = {_quoted(registered_model)}"):
            self._client.create_registered_model(registered_model)
        versions = [each for each in self._versions(registered_model) if each.run_id == run_id]
        version, *_ = versions or [
            self._client.create_model_version(
                registered_model,
                model.model_uri,
                run_id,
                tags={"cycle": item.cycle, "round": item.name},
                description=item.note,
                model_id=model.model_id,
            )
        ]
        shown = json.dumps([{"name": registered_model, "version": version.version}])
        self._client.set_logged_model_tags(model.model_id, {VERSIONS_TAG: shown})
        return model

    def _upload(self, item: PublishedRound, model: LoggedModel, run_id: str) -> None:
        """The weights, and beside them the card and what goes in and out."""
        log = self._client
        to_log = log.log_model_artifacts if item.model.is_dir() else log.log_model_artifact
        to_log(model.model_id, str(item.model))
        with TemporaryDirectory() as folder:
            (Path(folder) / "README.md").write_text(item.note, encoding="utf-8")
            described = Model(run_id=run_id, model_id=model.model_id, signature=SIGNATURE)
            described.save(str(Path(folder) / "MLmodel"))
            self._client.log_model_artifacts(model.model_id, folder)
        self._client.finalize_logged_model(model.model_id, "READY")

    def _models(self, run_id: str) -> list[LoggedModel]:
        wanted = f"source_run_id = '{run_id}'"
        return list(self._client.search_logged_models([self._experiment], wanted))

    def _remove(self, run_id: str, registered_model: str) -> None:
        for version in self._versions(registered_model):
            if version.run_id == run_id:
                self._client.delete_model_version(registered_model, version.version)
        for model in self._models(run_id):
            self._client.delete_logged_model(model.model_id)
        self._client.delete_run(run_id)

    def _versions(self, registered_model: str) -> list[ModelVersion]:
        wanted = f"name = {_quoted(registered_model)}"
        return list(self._client.search_model_versions(wanted))

    def _crown(self, item: PublishedRound, registered_model: str) -> None:
        """Point the alias at the version of the champion, if that is published."""
        for version in self._versions(registered_model):
            of_round = (version.tags.get("cycle"), version.tags.get("round"))
            if of_round == (item.cycle, item.champion):
                self._client.set_registered_model_alias(registered_model, CHAMPION, version.version)

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


def _of_cycle(cycle: str) -> str:
    """The filter of a cycle's runs."""
    return f"tags.cycle = {_quoted(cycle)}"


def _params(item: PublishedRound) -> list[tuple[str, str]]:
    return [(key, value[:PARAM_LENGTH]) for key, value in item.params.items()]


def _is_finished(run: Run) -> bool:
    return str(run.info.status) == "FINISHED"
