"""What the `video-star score` commands share: the report, who judged, and how it is printed.

No model is loaded. What is wrong with the answers is named item by item before anything is scored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.table import Table

from video_star.evaluation.benchmarks.judging import Judge
from video_star.evaluation.benchmarks.prediction_files import Problem
from video_star.evaluation.benchmarks.predictions import Predictions
from video_star.evaluation.metrics import Bootstrap

VERSION = 1
"""Version of the reports."""


@dataclass(frozen=True)
class Scored:
    """The report, and what was wrong with the answers."""

    report: dict[str, Any]
    problems: Sequence[Problem]
    stopping: Mapping[str, int]
    """How many of the problems of each kind are such that nothing was scored."""


def report_of(
    figures: Mapping[str, Any],
    predictions: Predictions[Any],
    stopping: Mapping[str, int],
    judge: Judge[Any] | None,
    bootstrap: Bootstrap,
) -> Scored:
    """A report of a benchmark's `figures` and of what was read."""
    report = {
        "report": VERSION,
        "refused": bool(stopping),
        "bootstrap": {"resamples": bootstrap.resamples, "seed": bootstrap.seed, "by": "video"},
        "files": predictions.files,
        "ignored_files": predictions.ignored,
        "notes": [*predictions.notes, *(judge.notes if judge else ())],
        "problems": [asdict(problem) for problem in predictions.problems],
        **figures,
    }
    return Scored(report, predictions.problems, stopping)


def judge_report(
    judge: Judge[Any] | None, judged: int, items: int, unscored: Iterable[str]
) -> dict[str, Any]:
    """Who judged, how many of the items, and for which reasons items are unscored."""
    return {
        "name": judge.name if judge else None,
        "version": judge.version if judge else None,
        "judged": judged,
        "share": 100 * judged / items if items else None,
        "unscored": dict(sorted(Counter(why.partition(":")[0] for why in unscored).items())),
    }


def table(headings: Sequence[str]) -> Table:
    """An empty table, its numbers at the right."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for number, heading in enumerate(headings):
        made.add_column(heading, justify="right" if number else "left", no_wrap=True)
    return made


def closing_lines(
    report: Mapping[str, Any], no_judge: str, missing: str, judged: Sequence[str] = ()
) -> Iterator[str]:
    """Who judged, what is missing and how intervals are drawn."""
    judge = report["judge"]
    if judge["name"] is None:
        yield f"No judge: {no_judge}"
    else:
        yield f"Judge: {judge['name']} ({judge['version']})"
        yield f"Judged: {judge['judged']} of {report['questions']} answers, {judge['share']:.1f} %"
        yield from judged
    if report["missing"]:
        yield f"{report['missing']:,} answers are missing, {missing}"
    drawn = report["bootstrap"]
    yield f"Intervals: bootstrap over videos, {drawn['resamples']} resamples, seed {drawn['seed']}."
