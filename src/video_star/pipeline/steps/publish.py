"""publish: show a round, in MLflow and on the page of the rounds (report.html).

Nothing depends on its result. It writes mlflow/rounds/rK.json: which run of the store shows the
round. That is a fact of the store, so it lies beside it; the files of the round stay reproducible.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from video_star.core.context import StepContext, StepResult
from video_star.core.errors import DataError, VideoStarError
from video_star.core.jsonl import dump_json, read_record, read_records, write_text
from video_star.core.params import Params
from video_star.core.paths import RoundPaths, Workspace
from video_star.core.records import LossPoint, ModelRef, Published, StepReport
from video_star.core.times import time_of, time_of_round
from video_star.core.urls import without_credentials
from video_star.evaluation.champion import champion_of
from video_star.pipeline.stages import STEPS
from video_star.report.page import write_report
from video_star.tracking.charts import HEADLINE, YIELD
from video_star.tracking.note import cycle_note, failure_note, round_note
from video_star.tracking.provenance import dvc_md5, git_state
from video_star.tracking.rounds_table import HEADLINES, RoundRow, rounds_rows
from video_star.tracking.runs import PublishedRound, Tracker, TrainingSet
from video_star.tracking.shown import write_answers, write_kinds, write_scores, write_steps

UNLOGGED_SECTIONS = ("settings", "cycle", "rounds", "plateau", "publish")
"""Sections that do not say how a single round was computed."""
ORIGINS: Final = ("direct", "rationalized")
_ADDRESS = re.compile(r'\w+://[^"]*')


def run_publish(context: StepContext) -> StepResult:
    """Bring what MLflow shows of a round up to date."""
    with TemporaryDirectory() as folder:
        item = published_round(context, Path(folder))
        _write_page(context, Path(folder))
        tracker = Tracker(context.workspace, context.params.settings.tracking_uri)
        run_id = tracker.publish(item, context.params.publish.registered_model)
    shown = Published(run_id=run_id, experiment_id=tracker.experiment_id, cycle=item.cycle)
    write_text(context.paths.mlflow_run, dump_json(shown.model_dump(mode="json")))
    report = StepReport(step="publish", round=context.round, read=1, written=1)
    return StepResult(report)


def _write_page(context: StepContext, folder: Path) -> None:
    """Write the page of all rounds so far, which becomes an artifact of this one too."""
    try:
        page = write_report(
            context.workspace, context.params, context.workspace.report, progress=context.progress
        )
    except DataError as error:  # of another round, as of one that is older than the manifest
        context.progress.note(f"no page of the rounds: {error}")
        return
    shutil.copyfile(page, folder / page.name)


def show_failure(
    workspace: Workspace, params: Params, round_name: str, step: str, reason: str
) -> None:
    """Show in MLflow that a step of a round failed, and the sentence that says why.

    The next publication of the round goes on with the same run, or removes it when the round is as
    it was before; it is due even then. Nothing is raised when MLflow cannot be asked: the failure
    of the step is what there is to tell.
    """
    steps = [name for name in STEPS if name != "publish"]
    worked = time_of_round(workspace, steps, round_name)
    with suppress(VideoStarError):
        tracker = Tracker(workspace, params.settings.tracking_uri)
        tracker.fail(params.cycle, round_name, step, failure_note(step, reason), worked)
        workspace.round(round_name).mlflow_run.unlink(missing_ok=True)


def published_round(context: StepContext, folder: Path) -> PublishedRound:
    """Collect what MLflow shows of a round from the round's files; `folder` takes its tables."""
    paths, params, workspace = context.paths, context.params, context.workspace
    row = next(r for r in rounds_rows(workspace) if r.round == context.round)
    reports = _reports(paths)
    ref = read_record(paths.model_json, ModelRef)
    champion = champion_of(context, params.evaluated)
    training_set = _training_set(paths)
    write_scores(folder, row)
    write_kinds(folder, row)
    write_steps(folder, reports.values())
    write_answers(folder, context)
    trained_on = f"{training_set.path} (DVC {training_set.digest})" if training_set else None
    metrics = {**scores_of(row, params), **yields_of(row), **totals_of(row, reports)}
    return PublishedRound(
        cycle=params.cycle,
        name=context.round,
        params=flat_params(params),
        metrics=dict(sorted(metrics.items(), key=lambda m: not m[0].startswith(HEADLINE))),
        tags=tags_of(context, ref),
        note=round_note(row, ref, headline_names(params), trained_on),
        model=paths.adapter if paths.adapter.is_dir() else paths.model_json,
        model_type=_model_type(ref),
        loss=loss_curve(paths),
        training_set=training_set,
        files=folder,
        worked=time_of_round(workspace, reports, context.round),
        finetuned=time_of(workspace, "finetune", context.round),
        champion=champion.round if champion else None,
        cycle_note=cycle_note(champion, params.publish.champion_metric),
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


def headline_names(params: Params) -> tuple[str, ...]:
    """The metrics by which rounds are judged."""
    plateau = [params.plateau.metric] if params.plateau is not None else []
    return tuple(dict.fromkeys([*HEADLINES, params.publish.champion_metric, *plateau]))


def scores_of(row: RoundRow, params: Params) -> dict[str, float]:
    """Every benchmark metric: headline/<its name in params.yaml>, or scores/<its name>."""
    first = headline_names(params)
    return {
        (HEADLINE if name in first else "scores/") + name: metric.value
        for name, metric in row.metrics.items()
    }


def yields_of(row: RoundRow) -> dict[str, float]:
    """How much of the training videos a round could use, in all and by kind; empty for r0."""
    shares = {
        "direct_yield": row.direct_yield,
        "rationalized_yield": row.rationalized_yield,
        "line_share": row.line_share,
    }
    whole = {HEADLINE + name: share for name, share in shares.items() if share is not None}
    by_kind = {
        f"{YIELD}{kind}/{origin}": getattr(share, origin)
        for kind, share in row.kinds.items()
        for origin in ORIGINS
    }
    return {**whole, **by_kind}


def totals_of(row: RoundRow, reports: Mapping[str, StepReport]) -> dict[str, float]:
    """Counts of the round as a whole; those of each step are a table."""
    learned = reports["finetune"].read if "finetune" in reports else 0
    failed = sum(report.failed for report in reports.values())
    return {"total/kept": row.kept, "total/examples": learned, "total/failed": failed}


def _reports(paths: RoundPaths) -> dict[str, StepReport]:
    """The reports of the round's steps, by step."""
    found = ((step, paths.report(step)) for step in STEPS if step != "publish")
    return {step: read_record(path, StepReport) for step, path in found if path.exists()}


def loss_curve(paths: RoundPaths) -> tuple[tuple[int, float, float], ...]:
    """(step, loss, learning rate) of the finetune; empty for r0."""
    if not paths.loss.exists():
        return ()
    points = read_records(paths.loss, LossPoint)
    return tuple((point.step, point.loss, point.learning_rate) for point in points)


def tags_of(context: StepContext, ref: ModelRef) -> dict[str, str]:
    """Which code and which weights the round has."""
    commit, changed = git_state(context.workspace.root)
    tags = {"base": ref.base, "base_digest": ref.base_digest}
    tuned = {"adapter_digest": ref.adapter_digest, "weights_digest": ref.weights_digest}
    tags |= {key: digest for key, digest in tuned.items() if digest is not None}
    if commit is not None:
        tags["git_commit"] = commit
        tags["git_changed"] = str(changed).lower()
    return tags


def _model_type(ref: ModelRef) -> str:
    """An adapter; or the reference, in place of gigabytes, of all weights or of the bare base."""
    if ref.adapter_digest is not None:
        return "adapter"
    return "weights" if ref.weights_digest is not None else "base"


def _training_set(paths: RoundPaths) -> TrainingSet | None:
    if not paths.train.is_dir():
        return None
    return TrainingSet(paths.train.relative_to(paths.root).as_posix(), dvc_md5(paths.train))
