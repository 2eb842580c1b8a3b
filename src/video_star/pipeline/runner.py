"""`run_step`: parameters and paths in, one step's work, its report out. The only caller of steps.

Guards, however it is started (command line, DVC, Prefect): a step runs once at a time, fails when
its parameters change while it runs, stops when too many samples fail, and writes its report last.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from operator import attrgetter

from video_star.core.context import StepContext, StepResult
from video_star.core.engine import Engine
from video_star.core.errors import BusyError, UsageError, VideoStarError
from video_star.core.jsonl import dump_json, write_text
from video_star.core.params import Params, load_params
from video_star.core.paths import Workspace
from video_star.core.progress import Progress
from video_star.core.records import ModelRef, StepReport
from video_star.core.throughput import Measured
from video_star.core.times import keep_time
from video_star.pipeline.chain import update_chain
from video_star.pipeline.stages import STEPS, rounds_of


def run_step(step: str, round_name: str, workspace: Workspace, progress: Progress) -> StepReport:
    """Run one step of one round and write its report and failures."""
    params = load_params(workspace.params)
    if step not in STEPS:
        raise UsageError(f"There is no step {step!r}; the steps are {', '.join(STEPS)}.")
    known = rounds_of(step, params)
    if round_name not in known:
        raise UsageError(
            f"Step {step} has no round {round_name!r}; it exists for {', '.join(known)} "
            "(rounds in params.yaml)."
        )
    workspace = workspace.allowing(params.settings.video_roots)
    module, _, name = STEPS[step].function.partition(":")
    update_chain(workspace, params)
    started, measured = time.time(), Measured(progress)
    context = context_of(workspace, params, round_name, measured)
    with only_one(workspace, f"{step}-{round_name}"):
        function: Callable[[StepContext], StepResult] = getattr(import_module(module), name)
        result = function(context)
        _refuse_changed_params(step, params, load_params(workspace.params))
        context.refuse_failures(result.report, result.failures)
        _write_report(context, result.report)
        keep_time(workspace, step, round_name, started, time.time())
        measured.record(workspace, step, params, result.report.read)
    return result.report


def context_of(
    workspace: Workspace, params: Params, round_name: str, progress: Progress
) -> StepContext:
    """What a step of a round gets."""

    def open_engine(ref: ModelRef) -> Engine:
        from video_star.generation.opening import open_engine as opening

        return opening(ref, params, workspace, progress)

    return StepContext(workspace, params, round_name, open_engine, progress)


def _refuse_changed_params(step: str, before: Params, after: Params) -> None:
    """DVC records parameters when a stage ends: an edit in between would be recorded as used."""
    changed = [
        name for name in STEPS[step].sections if attrgetter(name)(before) != attrgetter(name)(after)
    ]
    if changed:
        raise VideoStarError(
            f"{', '.join(changed)} in params.yaml changed while {step} ran, so its result would be "
            "filed under the wrong parameters; run it again."
        )


def _write_report(context: StepContext, report: StepReport) -> None:
    if report.notes:
        context.progress.note(f"{report.notes[0]} In all {len(report.notes)} such; see the report.")
    empty = {name for name in ("notes", "engine") if not getattr(report, name)}
    text = dump_json(report.model_dump(mode="json", exclude=empty))
    write_text(context.paths.report(report.step), text)


@contextmanager
def only_one(workspace: Workspace, name: str) -> Iterator[None]:
    """Hold a named lock of the workspace; the kernel drops it when the process dies."""
    workspace.work.mkdir(parents=True, exist_ok=True)
    with (workspace.work / f"{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                f"Another process works on {name} in {workspace.root}; wait for it or stop it."
            ) from error
        yield
