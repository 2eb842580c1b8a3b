"""The table of rounds as the page shows it: a row for each measure, a cell for each round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from video_star.evaluation.significance import SURE
from video_star.report.charts import headlines
from video_star.tracking.rounds_table import RoundRow, is_share, items_of


@dataclass(frozen=True)
class Cell:
    """One value of a round, as text."""

    value: str
    interval: str = ""
    change: str = ""
    """Against the first round; * where it is sure."""
    way: str = ""
    """up | down where the change is sure."""


@dataclass(frozen=True)
class Row:
    """One measure over the rounds; None where a round does not have it."""

    label: str
    cells: tuple[Cell | None, ...]
    items: str = ""
    """How many items were scored."""


def first_rows(rows: list[RoundRow]) -> list[Row]:
    """What each round kept, and the headline of each benchmark."""
    return [
        _row("samples kept", rows, _count),
        _row("direct yield", rows, lambda row: _percent(row.direct_yield)),
        _row("rationalized yield", rows, lambda row: _percent(row.rationalized_yield)),
        _row("answers with a final line", rows, lambda row: _percent(row.line_share)),
        *(_metric(name, rows) for names in headlines(rows).values() for name in names),
    ]


def other_rows(rows: list[RoundRow]) -> list[Row]:
    """All metrics that `first_rows` leaves out."""
    shown = {name for names in headlines(rows).values() for name in names}
    names = {name for row in rows for name in row.metrics}
    return [_metric(name, rows) for name in sorted(names - shown)]


def _row(label: str, rows: list[RoundRow], cell: Callable[[RoundRow], Cell | None]) -> Row:
    return Row(label, tuple(map(cell, rows)))


def _count(row: RoundRow) -> Cell | None:
    return None if row.direct_yield is None else Cell(f"{row.kept:,}")


def _percent(value: float | None) -> Cell | None:
    return None if value is None else Cell(f"{100 * value:.1f}")


def _metric(name: str, rows: list[RoundRow]) -> Row:
    unit, digits = (100, 1) if is_share(name) else (1, 2)

    def cell(row: RoundRow) -> Cell | None:
        metric = row.metrics.get(name)
        if metric is None:
            return None
        ends = metric.value, metric.low, metric.high
        value, low, high = (f"{unit * end:.{digits}f}" for end in ends)
        pair = metric.against.get(rows[0].round)
        change = way = ""
        if pair is not None:
            sure = pair.p < SURE
            change = f"{unit * pair.difference:+.{digits}f}".replace("-", "\u2212") + "*" * sure
            way = ("up" if pair.difference > 0 else "down") if sure else ""
        return Cell(value, f"{low} to {high}", change, way)

    benchmark, _, metric = name.partition("/")
    label = f"{benchmark} {metric.replace('/', ' ').replace('_', ' ')}"
    return Row(label, tuple(map(cell, rows)), items_of(rows, name))
