"""ingest: raw annotations to one manifest, once before all rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from video_star.core.context import StepContext, StepResult
from video_star.core.errors import DataError
from video_star.core.jsonl import write_records
from video_star.core.paths import inside
from video_star.core.records import Failure, StepReport, VideoSample
from video_star.data.checksums import Checksums
from video_star.data.manifest import Leak, refuse_leaks, write_manifest
from video_star.data.questions import load_questions, using
from video_star.data.readers import open_readers
from video_star.data.readers.base import STEP, DuplicateId, Row, failure
from video_star.evaluation.leakage import refuse_shared_videos
from video_star.video.content import ContentHashes
from video_star.video.isolated import Limits


def run_ingest(context: StepContext) -> StepResult:
    """Read every source of `ingest.sources` and write the manifest.

    Raises DataError when a recording is learned from and held out at once (see leaks), or when no
    row is found at all.
    """
    samples: dict[str, VideoSample] = {}
    duplicates: list[VideoSample] = []
    failures: list[Failure] = []
    with using(_questions(context)):
        for name, row in _rows(context):
            if isinstance(row, Failure):
                failures.append(row)
            elif row.id in samples:
                duplicates.append(row)
                error = DuplicateId(f"{name} names {row.id} again; keep one row.")
                failures.append(failure(row.id, error))
            else:
                samples[row.id] = row
    if not samples and not failures:
        names = ", ".join(source["annotations"] for source in context.params.ingest.sources)
        raise DataError(f"No row in {names}; there is nothing to learn from.")
    # Duplicates are looked at too: a clip in both files would otherwise be kept in the first only.
    _refuse_leaks(context, [*samples.values(), *duplicates])
    report = _report(context.round, samples, failures)
    context.refuse_failures(report, failures)
    write_manifest(context.workspace, samples.values())
    return StepResult(report, tuple(failures))


def _refuse_leaks(context: StepContext, samples: Sequence[VideoSample]) -> None:
    """DataError for recordings that are learned from and held out; a file lists all of them."""
    try:
        refuse_leaks(samples)
        refuse_shared_videos(context, samples)
    except Leak as leak:
        path = context.paths.failures("ingest")
        write_records(
            path,
            (
                Failure(sample_id=offender, step=STEP, error="Leak", message=leak.problem)
                for offender in leak.offenders
            ),
        )
        raise DataError(f"{str(leak).removesuffix('.')} ({path} lists all).") from leak


def _questions(context: StepContext) -> dict[str, tuple[str, ...]]:
    """The templates of the file that params.yaml names."""
    name = context.params.ingest.questions
    return load_questions(inside(context.workspace.data, name)) if name else {}


def _rows(context: StepContext) -> Iterator[tuple[str, Row]]:
    """The rows of all sources, each with the name of its file."""
    params = context.params
    limits = Limits.of(params.settings)
    workspace = context.workspace
    readers = open_readers(
        params.ingest.sources, workspace.data, params.seed, limits, workspace.video_roots
    )
    hashes = ContentHashes(workspace.frames)
    for done, reader in enumerate(readers, start=1):
        checksums = Checksums(reader, hashes)
        for row in reader.rows():
            yield reader.source.annotations, checksums.checked(row)
        context.progress.update(done, len(readers), "sources")


def _report(
    round_name: str, samples: dict[str, VideoSample], failures: list[Failure]
) -> StepReport:
    splits = Counter(sample.split for sample in samples.values())
    return StepReport(
        step="ingest",
        round=round_name,
        read=len(samples) + len(failures),
        written=len(samples),
        failed=len(failures),
        reasons=dict(sorted(Counter(item.error for item in failures).items())),
        metrics={"train": splits["train"], "test": splits["test"]},
    )
