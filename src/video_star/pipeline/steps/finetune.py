"""Step `finetune`: trains an adapter, or all weights, on the examples of a round."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from video_star.core.context import StepContext, StepResult
from video_star.core.device import pick_device
from video_star.core.errors import DataError, UsageError, VideoStarError
from video_star.core.hashing import sha256, sha256_files, stable_seed
from video_star.core.jsonl import dump_json, read_records, read_shards, write_records, write_text
from video_star.core.model_paths import (
    base_location,
    base_ref,
    location_of,
    read_ref,
    tuned_ref,
    write_ref,
)
from video_star.core.paths import inside
from video_star.core.records import Failure, LossPoint, ModelRef, StepReport, TrainingExample
from video_star.core.replacing import replacing_folder
from video_star.pipeline.stages import STEPS
from video_star.training.checkpoints import delete_incomplete
from video_star.training.failures import read_failures
from video_star.training.job import Job, fit_micro_batch
from video_star.training.launch import count_processes, hostfile_of, launch
from video_star.training.requirements import check_requirements
from video_star.training.threads import threads_for
from video_star.video.isolated import Limits


def run_finetune(context: StepContext) -> StepResult:
    """Train on rounds/rK/train; write rounds/rK/model: model.json, loss.jsonl, adapter or weights.

    A run that was killed resumes from its last complete checkpoint. With the same number of
    processes it ends in the same bytes as an undisturbed one.
    """
    check_requirements(context.params, context.workspace)
    if next(read_shards(context.paths.train, TrainingExample), None) is None:
        raise DataError(
            f"{context.paths.train} holds no training example; look at the reports of verify and "
            "curate in the same round for the reasons."
        )
    base = base_ref(context.params.model, context.workspace.root)
    job, job_file, read = _describe(context, base)
    if not job.done.exists():
        delete_incomplete(job, context.progress.note)
        hostfile = hostfile_of(context.params.settings, context.workspace.root)
        try:
            launch(job_file, job, hostfile, context.progress)
        except VideoStarError:
            _check_failures(context, job, read)
            raise
    failures = _check_failures(context, job, read)
    _publish_result(context, job, base)
    report = _report(context, read, read - len(failures), failures)
    shutil.rmtree(job.folder)
    return StepResult(report, failures)


def _check_failures(context: StepContext, job: Job, read: int) -> tuple[Failure, ...]:
    """The examples that could not be read; TooManyFailures when they are too many."""
    failures = tuple(read_failures(job).values())
    context.refuse_failures(_report(context, read, 0, failures), failures)
    return failures


def _describe(context: StepContext, base: ModelRef) -> tuple[Job, Path, int]:
    """Write the job to a scratch folder, whose name is a hash of all that makes the result.

    Returns also its file and its number of examples.
    """
    params, root = context.params, context.workspace.root
    world = count_processes(params.settings, root)
    start, location = _start(context), base_location(params.model, root)
    adapter = None if start is None or start.adapter is None else inside(root, start.adapter)
    folder = _scratch(context, base, start)
    job = Job(
        folder=folder,
        data=context.workspace.data.absolute(),
        video_roots=context.workspace.video_roots,
        frames=context.workspace.frames.absolute(),
        limits=Limits.of(params.settings),
        examples=folder / "examples.jsonl",
        max_failure_rate=params.max_failure_rate,
        base=location if start is None else location_of(start, params.model, root),
        base_name=base.base,
        trust_remote_code=params.model.trust_remote_code,
        dtype=params.model.dtype,
        start_adapter=None if adapter is None else adapter.absolute(),
        device=pick_device(params.settings.device),
        seed=stable_seed(params.seed, "finetune", context.round),
        threads=threads_for(location, params.settings.processes),
        world_size=world,
        micro_batch_size=fit_micro_batch(
            params.finetune.batch_size, world, params.settings.micro_batch_size
        ),
        checkpoint_steps=params.settings.checkpoint_steps,
        zero=params.settings.zero,
        gradient_checkpointing=params.settings.gradient_checkpointing,
        liger=params.settings.liger,
        video=params.video,
        finetune=params.finetune,
    )
    folder.mkdir(parents=True, exist_ok=True)
    n = write_records(job.examples, read_shards(context.paths.train, TrainingExample))
    job_file = folder / "job.json"
    write_text(job_file, dump_json(job.model_dump(mode="json")))
    return job, job_file, n


def _start(context: StepContext) -> ModelRef | None:
    """The previous round's model if training starts from it; None: it starts from the base."""
    tune = context.params.finetune
    if tune.start_from == "base":
        return None
    ref = read_ref(context.previous.model_json, context.workspace.root)
    other = ref.adapter if tune.method == "full" else ref.weights
    if other is not None:
        raise UsageError(
            f"finetune.start_from is 'previous', but {tune.method} cannot go on from {other}; keep "
            "finetune.method over all rounds, or start from the base."
        )
    return None if ref.tuned_digest is None else ref


def _scratch(context: StepContext, base: ModelRef, start: ModelRef | None) -> Path:
    """.work/finetune-<round>-<hash>; scratch of other inputs of this round is deleted."""
    params = context.params
    parts = (
        STEPS["finetune"].version,
        params.seed,
        base.key,
        start and start.key,
        params.model.model_dump_json(),
        params.video.model_dump_json(),
        params.finetune.model_dump_json(),
        sha256_files(context.paths.train.iterdir(), context.paths.train),
    )
    digest = sha256(f"{part}\n" for part in parts)
    work = context.workspace.work.absolute()
    folder = work / f"finetune-{context.round}-{digest[:16]}"
    for other in work.glob(f"finetune-{context.round}-*"):
        if other.is_dir() and other != folder:
            shutil.rmtree(other)
    return folder


def _publish_result(context: StepContext, job: Job, base: ModelRef) -> None:
    """Copy result and loss curve to the round in one rename, then write model.json."""
    paths, root = context.paths, context.workspace.root
    full = job.finetune.method == "full"
    result = paths.weights if full else paths.adapter
    with replacing_folder(paths.model) as building:
        shutil.copytree(job.result / result.name, building / result.name)
        shutil.copy(job.result / "loss.jsonl", building / paths.loss.name)
    ref = tuned_ref(base, "weights" if full else "adapter", result, root)
    write_ref(paths.model_json, ref)


def _report(
    context: StepContext, read: int, written: int, failures: Sequence[Failure]
) -> StepReport:
    metrics: dict[str, float] = {}
    if written:
        losses = [point.loss for point in read_records(context.paths.loss, LossPoint)]
        metrics = {"steps": len(losses), "first_loss": losses[0], "last_loss": losses[-1]}
    return StepReport(
        step="finetune",
        round=context.round,
        read=read,
        written=written,
        failed=len(failures),
        reasons=Counter(failure.error for failure in failures),
        metrics=metrics,
    )
