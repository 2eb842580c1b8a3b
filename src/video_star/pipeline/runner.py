"""`run_step`: parameters and paths in, one step's work, its report out. The only caller of steps.

Guards, however it is started (command line, DVC, Prefect): a step runs once at a time, fails when
its parameters change while it runs, stops when too many samples fail, and writes its report last.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
from video_star.pipeline.chain import update_chain


@dataclass(frozen=True)
class Step:
    """One entry of the list of steps."""

    function: str
    """module:function, imported only when the step runs."""
    sections: tuple[str, ...]
    """Sections (or keys: "a.b") of params.yaml that change its result: its DVC stage's `params`."""
    rounds: str
    """Which rounds it exists for: "once" (r0 only), "rounds" (r1..), "evaluated" (r0, r1..)."""
    version: int
    """Goes up when the step's code changes what it writes; shown as the Prefect task's version."""


STEPS: dict[str, Step] = {
    "ingest": Step(
        "video_star.pipeline.steps.ingest:run_ingest",
        ("seed", "ingest", "evaluate.benchmarks"),
        "once",
        3,
    ),
    "base": Step("video_star.pipeline.steps.base:run_base", ("model",), "once", 2),
    "generate": Step(
        "video_star.pipeline.steps.generate:run_generate",
        ("seed", "model", "video", "prompts", "generate"),
        "rounds",
        3,
    ),
    "verify": Step(
        "video_star.pipeline.steps.verify:run_verify",
        ("model", "verify", "generate.enabled"),
        "rounds",
        3,
    ),
    "rationalize": Step(
        "video_star.pipeline.steps.rationalize:run_rationalize",
        ("seed", "model", "video", "prompts", "rationalize"),
        "rounds",
        3,
    ),
    "verify-rationales": Step(
        "video_star.pipeline.steps.verify:run_verify_rationales", ("model", "verify"), "rounds", 3
    ),
    "curate": Step(
        "video_star.pipeline.steps.curate:run_curate",
        ("seed", "prompts", "curate", "rounds", "evaluate.benchmarks"),
        "rounds",
        3,
    ),
    "finetune": Step(
        "video_star.pipeline.steps.finetune:run_finetune",
        ("seed", "model", "video", "finetune"),
        "rounds",
        2,
    ),
    "evaluate": Step(
        "video_star.pipeline.steps.evaluate:run_evaluate",
        (
            "seed",
            "model",
            "video",
            "prompts",
            "evaluate",
            # of `verify` all but its judge: benchmarks are scored without one
            "verify.method",
            "verify.preset",
            "verify.thresholds",
            "verify.allow_hedge",
            "verify.embedding_model",
            "verify.verifiers",
        ),
        "evaluated",
        4,
    ),
    "publish": Step(
        "video_star.pipeline.steps.publish:run_publish", ("cycle", "publish"), "evaluated", 3
    ),
}


def rounds_of(step: str, params: Params) -> tuple[str, ...]:
    """The rounds for which a step exists."""
    kinds = {"once": ("r0",), "rounds": params.round_names, "evaluated": params.evaluated}
    return kinds[STEPS[step].rounds]


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
    measured = Measured(progress)
    context = context_of(workspace, params, round_name, measured)
    with only_one(workspace, f"{step}-{round_name}"):
        function: Callable[[StepContext], StepResult] = getattr(import_module(module), name)
        result = function(context)
        _refuse_changed_params(step, params, load_params(workspace.params))
        context.refuse_failures(result.report, result.failures)
        _write_report(context, result.report)
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
