"""publish: copy a round's numbers, model and data set version from its files to MLflow.

Nothing depends on its result. It writes mlflow/rounds/rK.json: which run of the store shows the
round. That is a fact of the store, so it lies beside it; the files of the round stay reproducible.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from video_star.core.context import StepContext, StepResult
from video_star.core.jsonl import dump_json, read_record, read_records, write_text
from video_star.core.params import Params
from video_star.core.paths import RoundPaths
from video_star.core.records import LossPoint, ModelRef, Published, StepReport
from video_star.core.urls import without_credentials
from video_star.pipeline.stages import STEPS
from video_star.tracking.provenance import dvc_md5, git_state
from video_star.tracking.rounds_table import MetricRow, RoundRow, rounds_rows
from video_star.tracking.runs import PublishedRound, Tracker, TrainingSet

UNLOGGED_SECTIONS = ("settings", "cycle", "rounds", "plateau", "publish")
"""Sections that do not say how a single round was computed."""
_ADDRESS = re.compile(r'\w+://[^"]*')


def run_publish(context: StepContext) -> StepResult:
    """Publish one round; publishing it again replaces what MLflow shows of it."""
    item = published_round(context)
    tracker = Tracker(context.workspace, context.params.settings.tracking_uri)
    publish = context.params.publish
    run_id = tracker.publish(item, publish.registered_model, publish.champion_metric)
    shown = Published(run_id=run_id, experiment_id=tracker.experiment_id, cycle=item.cycle)
    write_text(context.paths.mlflow_run, dump_json(shown.model_dump(mode="json")))
    report = StepReport(step="publish", round=context.round, read=1, written=1)
    return StepResult(report)


def published_round(context: StepContext) -> PublishedRound:
    """Collect what MLflow shows of a round from the round's files."""
    paths = context.paths
    row = next(r for r in rounds_rows(context.workspace) if r["round"] == context.round)
    benchmarks = benchmark_metrics(row["metrics"])
    yields = yields_of(row)
    headline = {name: metric["value"] for name, metric in row["metrics"].items()}
    return PublishedRound(
        cycle=context.params.cycle,
        name=context.round,
        params=flat_params(context.params),
        metrics={**report_metrics(paths), **yields, **benchmarks},
        tags=tags_of(context, paths),
        headline={**headline, **yields},
        loss=loss_curve(paths),
        training_set=_training_set(paths),
        model=paths.adapter if paths.adapter.is_dir() else _weights(paths),
    )


def flat_params(params: Params) -> dict[str, str]:
    """The sections that a round's result depends on, as dotted keys with text values."""
    tree = params.model_dump(mode="json", exclude=set(UNLOGGED_SECTIONS))
    return {key: _shown(value) for key, value in _leaves(tree, "")}


def _leaves(tree: dict[str, Any], prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            found += _leaves(value, f"{prefix}{key}.")
        else:
            found.append((f"{prefix}{key}", value))
    return found


def _shown(value: object) -> str:
    if isinstance(value, str):
        return without_credentials(value) if "://" in value else value
    text = json.dumps(value, ensure_ascii=False)
    return _ADDRESS.sub(lambda found: without_credentials(found[0]), text)


def report_metrics(paths: RoundPaths) -> dict[str, float]:
    """Counts and metrics of each step's report, as `<step>/<name>`."""
    found: dict[str, float] = {}
    for step in STEPS:
        path = paths.report(step)
        if step == "publish" or not path.exists():
            continue
        report = read_record(path, StepReport)
        for name in ("read", "written", "rejected", "failed"):
            found[f"{step}/{name}"] = float(getattr(report, name))
        if step != "evaluate":  # its metrics stand under their own names
            found.update({f"{step}/{name}": value for name, value in report.metrics.items()})
    return found


def yields_of(row: RoundRow) -> dict[str, float]:
    """How much of the training videos a round could use; empty for r0."""
    if row["direct_yield"] is None or row["rationalized_yield"] is None:
        return {}
    return {
        "kept": float(row["kept"]),
        "direct_yield": row["direct_yield"],
        "rationalized_yield": row["rationalized_yield"],
    }


def benchmark_metrics(metrics: dict[str, MetricRow]) -> dict[str, float]:
    """Each benchmark metric, its 95 % interval and number of items, and its paired differences."""
    found: dict[str, float] = {}
    for name, metric in metrics.items():
        found[name] = metric["value"]
        found[f"{name}_low"] = metric["low"]
        found[f"{name}_high"] = metric["high"]
        found[f"{name}_n"] = float(metric["n"])
        for other, pair in metric["against"].items():
            found[f"{name}_minus_{other}"] = pair["difference"]
            found[f"{name}_minus_{other}_low"] = pair["low"]
            found[f"{name}_minus_{other}_high"] = pair["high"]
            found[f"{name}_minus_{other}_p"] = pair["p"]
            found[f"{name}_minus_{other}_n"] = float(pair["n"])
    return found


def loss_curve(paths: RoundPaths) -> tuple[tuple[int, float, float], ...]:
    """(step, loss, learning rate) of the finetune; empty for r0."""
    if not paths.loss.exists():
        return ()
    points = read_records(paths.loss, LossPoint)
    return tuple((point.step, point.loss, point.learning_rate) for point in points)


def tags_of(context: StepContext, paths: RoundPaths) -> dict[str, str]:
    """Which code and which weights the round has."""
    ref = read_record(paths.model_json, ModelRef)
    commit, changed = git_state(context.workspace.root)
    tags = {"base": ref.base, "base_digest": ref.base_digest}
    if ref.adapter_digest is not None:
        tags["adapter_digest"] = ref.adapter_digest
    if ref.weights_digest is not None:
        tags["weights_digest"] = ref.weights_digest
    if commit is not None:
        tags["git_commit"] = commit
        tags["git_changed"] = str(changed).lower()
    return tags


def _weights(paths: RoundPaths) -> Path | None:
    """Where and what a fully finetuned model is: its reference, in place of gigabytes."""
    return paths.model_json if paths.weights.is_dir() else None


def _training_set(paths: RoundPaths) -> TrainingSet | None:
    if not paths.train.is_dir():
        return None
    return TrainingSet(paths.train.relative_to(paths.root).as_posix(), dvc_md5(paths.train))
