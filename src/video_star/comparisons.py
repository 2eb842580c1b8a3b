"""A round's measures against r0 and the round before, on the same items.

Marks of other rounds are read from their predictions/<benchmark>/scores.jsonl, so nothing is asked
again, and a benchmark that is new in this round is compared with nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from video_star.benchmarks.base import Benchmark, Measure
from video_star.context import StepContext
from video_star.domain import PairedDifference, Score
from video_star.errors import DataError
from video_star.layout import RoundPaths
from video_star.metrics import Bootstrap
from video_star.paired import paired_difference
from video_star.records import digest_files, read_records

Measured = Mapping[str, tuple[Benchmark[Any], Sequence[Measure]]]
"""Benchmark name to the benchmark and this round's measures."""


def compared_rounds(context: StepContext) -> tuple[str, ...]:
    """r0 and the round before; nothing for r0."""
    if context.round == "r0":
        return ()
    return tuple(dict.fromkeys(("r0", context.params.previous(context.round))))


def refuse_unmeasured(context: StepContext) -> None:
    """DataError, before anything is asked, when a round to compare with is not evaluated."""
    for name in compared_rounds(context):
        paths = context.workspace.round(name)
        if not paths.metrics.exists() or not paths.predictions.is_dir():
            raise DataError(
                f"{context.round} is compared with {name}, which is not evaluated yet; run "
                f"`video-star evaluate {name}` first."
            )


def compare(
    context: StepContext, measured: Measured, bootstrap: Bootstrap
) -> dict[str, dict[str, PairedDifference]]:
    """Metric name to round to the paired difference of this round minus that one."""
    found: dict[str, dict[str, PairedDifference]] = {}
    for other in compared_rounds(context):
        paths = context.workspace.round(other)
        for name, (benchmark, measures) in measured.items():
            before = {m.name: m for m in benchmark.measures(_scores(paths, name))}
            for after in measures:
                pair = _pair(before.get(after.name), after, bootstrap)
                if pair is not None:
                    found.setdefault(f"{name}/{after.name}", {})[other] = pair
    return found


def _pair(before: Measure | None, after: Measure, bootstrap: Bootstrap) -> PairedDifference | None:
    if before is None:
        return None
    return paired_difference(before.points, after.points, bootstrap, after.statistic)


def _scores(paths: RoundPaths, benchmark: str) -> list[Score]:
    path = paths.predictions / benchmark / "scores.jsonl"
    return list(read_records(path, Score)) if path.exists() else []


def digest_scores(paths: RoundPaths) -> str:
    """sha256 over the marks of all benchmarks of a round."""
    return digest_files(paths.predictions.rglob("scores.jsonl"), paths.predictions)
