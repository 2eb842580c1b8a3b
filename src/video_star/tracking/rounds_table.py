"""The table of rounds: what each round kept and how good its model is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, Field
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from video_star.core.errors import DataError
from video_star.core.jsonl import read_record
from video_star.core.labels import Record
from video_star.core.params import load_params
from video_star.core.paths import RoundPaths, Workspace
from video_star.core.records import MetricValue, Outcome, PairedDifference, StepReport
from video_star.evaluation.metrics import RoundMetrics
from video_star.evaluation.significance import SURE

R = TypeVar("R", bound=BaseModel)

HEADLINES = (
    "held_out/accuracy",
    "kinetics_qa/open_accuracy",
    "kinetics_qa/choice_accuracy",
    "tempcompass/accuracy",
)
"""Metrics of the terminal table, where they were measured; --json has all of them."""

AGAINST_FIRST, AGAINST_PREVIOUS = "*", "'"


class MetricRow(MetricValue):
    """A metric of a round."""

    against: dict[str, PairedDifference] = Field(default_factory=dict)
    """By round (r0 and the one before): the paired difference on the same items."""


class KindYield(Record):
    """Shares of the train samples with a label of one kind."""

    direct: float
    rationalized: float
    doubtful: float
    """Share of the answers, direct and rationalized, whose label of this kind is doubtful."""


class RoundRow(Record):
    """One round; yields are shares of the train samples, None for r0."""

    round: str
    kept: int = 0
    direct_yield: float | None = None
    rationalized_yield: float | None = None
    line_share: float | None = None
    """Share of the direct answers that end with a final line."""
    kinds: dict[str, KindYield] = Field(default_factory=dict)
    """Yields by label kind; empty for r0."""
    metrics: dict[str, MetricRow]


def rows_json(rows: list[RoundRow]) -> list[dict[str, Any]]:
    """What `--json` shows: all but the number of clusters of a difference."""
    unshown = {"metrics": {"__all__": {"against": {"__all__": {"clusters"}}}}}
    return [row.model_dump(mode="json", exclude=unshown) for row in rows]


def rounds_rows(workspace: Workspace) -> list[RoundRow]:
    """One row for each evaluated round of params.yaml, in order; DataError when there is none."""
    params = load_params(workspace.params)
    paths = [workspace.round(name) for name in params.evaluated]
    rows = [_row(path) for path in paths if path.metrics.exists()]
    if not rows:
        raise DataError(
            f"{workspace.root / 'rounds'}: no round is evaluated yet; run the cycle, or "
            "`video-star evaluate r0`."
        )
    return rows


def _row(paths: RoundPaths) -> RoundRow:
    found = _read(paths.metrics, RoundMetrics)
    curated = paths.report("curate")
    counts = _read(curated, StepReport).metrics if curated.exists() else {}
    judged = [
        _read(path, StepReport).metrics
        for path in (paths.report("verify"), paths.report("verify-rationales"))
        if path.exists()
    ]
    return RoundRow(
        round=paths.name,
        kept=int(counts.get("kept", 0)),
        direct_yield=counts.get("direct_yield"),
        rationalized_yield=counts.get("rationalized_yield"),
        line_share=judged[0].get("line_share") if judged else None,
        kinds=_kind_yields(counts, judged),
        metrics={
            name: MetricRow(**dict(value), against=found.comparisons.get(name, {}))
            for name, value in sorted(found.metrics.items())
        },
    )


def _kind_yields(counts: dict[str, float], judged: list[dict[str, float]]) -> dict[str, KindYield]:
    kinds = [name.partition("/")[2] for name in counts if name.startswith("direct_yield/")]
    return {
        kind: KindYield(
            direct=counts[f"direct_yield/{kind}"],
            rationalized=counts[f"rationalized_yield/{kind}"],
            doubtful=_doubtful(kind, judged),
        )
        for kind in sorted(kinds)
    }


def _doubtful(kind: str, judged: list[dict[str, float]]) -> float:
    n = {
        outcome: sum(counts.get(f"{outcome}/{kind}", 0) for counts in judged)
        for outcome in get_args(Outcome)
    }
    return n["doubtful"] / max(1, sum(n.values()))


def _read(path: Path, kind: type[R]) -> R:
    try:
        return read_record(path, kind)
    except DataError as error:
        step = "evaluate" if kind is RoundMetrics else path.stem
        raise DataError(
            f"{path}: not what {step} writes; delete it and run `video-star {step}` "
            "of that round again."
        ) from error


def print_rounds(rows: list[RoundRow]) -> None:
    """Print the table, and one of the yields by label kind where there are several kinds."""
    console = Console()
    console.print(rounds_table(rows))
    if any(len(row.kinds) > 1 for row in rows):
        console.print(kinds_table(rows))


def rounds_table(rows: list[RoundRow]) -> Table:
    """Yields and headline metrics: percent, 95 % interval, change against the first row."""
    names = headline_metrics(rows)
    caption = (
        "Percent; below it the 95 % interval, or how many answers end with a final line; + and - "
        "against the first row; p < 0.05 against the "
        f"first row {AGAINST_FIRST}, against the round before {AGAINST_PREVIOUS} (paired test on "
        "the same items)."
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption=caption, caption_justify="left")
    for heading in ("round", "kept", "direct\nyield", "rational-\nized\nyield"):
        table.add_column(heading, justify="left" if heading == "round" else "right")
    for name in names:
        benchmark, _, metric = name.partition("/")
        heading = "\n".join([benchmark, *metric.split("_"), items_of(rows, name)])
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        cells = [_metric(row.metrics.get(n), None if row is rows[0] else rows[0], n) for n in names]
        table.add_row(
            row.round,
            str(row.kept) if row.direct_yield is not None else "-",
            _direct(row),
            _share(row.rationalized_yield),
            *cells,
        )
    return table


def kinds_table(rows: list[RoundRow]) -> Table:
    """How much of each label kind a round could use: answered, and explained."""
    learning = [row for row in rows if row.kinds]
    caption = "Percent: answered + explained, and ? where answers are doubtful."
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption=caption, caption_justify="left")
    table.add_column("label\nkind")
    for row in learning:
        table.add_column(f"{row.round}\nyield", justify="right", no_wrap=True)
    for kind in sorted({kind for row in learning for kind in row.kinds}):
        table.add_row(kind, *(_kind(row.kinds.get(kind)) for row in learning))
    return table


def _kind(share: KindYield | None) -> Text:
    if share is None:
        return Text("-")
    cell = Text(f"{100 * share.direct:.0f}", style="bold")
    cell.append(f" + {100 * share.rationalized:.0f}", style="dim")
    doubtful = round(100 * share.doubtful)
    return cell.append(f"  {doubtful} ?", style="yellow") if doubtful else cell


NO_SHARES = ("spearman", "r_l2", "judged_score")
"""Metrics that are numbers of their own scale; all others are shares."""


def is_share(name: str) -> bool:
    """Whether a metric is shown in percent."""
    return name.rpartition("/")[2] not in NO_SHARES


def metric_format(name: str) -> str:
    """How its value is written, as a format specification: percent, or its own scale."""
    return ".1%" if is_share(name) else ".3f"


def headline_metrics(rows: list[RoundRow]) -> list[str]:
    """The headline metrics that any row has; the first three of all when it has none of them."""
    measured = {name for row in rows for name in row.metrics if is_share(name)}
    # Of the others those first that are shares and better when they are more.
    others = sorted(measured, key=lambda name: (not name.endswith("accuracy"), name))
    return [n for n in HEADLINES if n in measured] or others[:3]


def _direct(row: RoundRow) -> Text:
    """The yield of the direct answers, and below it how many of them end with a final line."""
    cell = Text(_share(row.direct_yield))
    share = row.line_share
    return cell if share is None else cell.append(f"\n{100 * share:.0f} lines", style="dim")


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def items_of(rows: list[RoundRow], name: str) -> str:
    """How many items the rounds have scored: of all the same, or the least and the most."""
    counts = sorted({row.metrics[name].n for row in rows if name in row.metrics})
    return f"n {counts[0]}" if len(counts) == 1 else f"n {counts[0]}-{counts[-1]}"


def _metric(metric: MetricRow | None, first: RoundRow | None, name: str) -> Text:
    """One cell; `first` is the first row, None in that row itself."""
    if metric is None:
        return Text("-")
    cell = Text()
    if first is not None and name in first.metrics:
        pair = metric.against.get(first.round)
        # On the same items, where both rounds have some.
        plain = metric.value - first.metrics[name].value
        change = 100 * (pair.difference if pair is not None else plain)
        style = "green" if change > 0 else "red" if change < 0 else ""
        cell.append(f"{change:+.1f}{_sure(metric, first)} ", style=style)
    cell.append(f"{100 * metric.value:.1f}", style="bold")
    cell.append(f"\n{100 * metric.low:.1f} - {100 * metric.high:.1f}", style="dim")
    return cell


def _sure(metric: MetricRow, first: RoundRow) -> str:
    """The marks of the rounds from which it surely differs."""
    sure = {name for name, pair in metric.against.items() if pair.p < SURE}
    marks = AGAINST_FIRST if first.round in sure else ""
    return marks + (AGAINST_PREVIOUS if sure - {first.round} else "")
