"""ingest: raw annotations to one manifest, once before all rounds."""

from __future__ import annotations

from collections import Counter

from video_star.context import StepContext
from video_star.domain import Failure, StepReport, VideoSample
from video_star.errors import DataError
from video_star.manifest import refuse_leaks, write_manifest
from video_star.readers import READERS
from video_star.readers.rows import DuplicateId, failure
from video_star.runner import StepResult


def run_ingest(context: StepContext) -> StepResult:
    """Read every source of `ingest.sources` and write the manifest.

    Raises DataError when the same recording is in train and test, or when no row is found at all.
    """
    samples: dict[str, VideoSample] = {}
    duplicates: list[VideoSample] = []
    failures: list[Failure] = []
    sources = context.params.ingest.sources
    for done, source in enumerate(sources, start=1):
        reader = READERS[source.reader]
        for row in reader(source, context.workspace.data, context.params.seed):
            if isinstance(row, Failure):
                failures.append(row)
            elif row.id in samples:
                duplicates.append(row)
                error = DuplicateId(f"{source.annotations} names {row.id} again; keep one row.")
                failures.append(failure(row.id, error))
            else:
                samples[row.id] = row
        context.progress.update(done, len(sources), "sources")
    # Duplicates are looked at too: a clip in both files would otherwise be kept in the first only.
    refuse_leaks([*samples.values(), *duplicates])
    if not samples and not failures:
        names = ", ".join(source.annotations for source in sources)
        raise DataError(f"No row in {names}; there is nothing to learn from.")
    written = write_manifest(context.workspace, samples.values())
    return StepResult(_report(context.round, samples, written, failures), tuple(failures))


def _report(
    round_name: str, samples: dict[str, VideoSample], written: int, failures: list[Failure]
) -> StepReport:
    splits = Counter(sample.split for sample in samples.values())
    return StepReport(
        step="ingest",
        round=round_name,
        read=written + len(failures),
        written=written,
        failed=len(failures),
        reasons=dict(sorted(Counter(item.error for item in failures).items())),
        metrics={"train": splits["train"], "test": splits["test"]},
    )
