"""`video-star diff` in a terminal: tables of what changed between two rounds, and examples."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from video_star.cli.trace import indented, marked, text_of
from video_star.core.excerpt import visible
from video_star.core.labels import label_text
from video_star.core.records import Verdict
from video_star.tracking.lives import (
    STANDINGS,
    Attempt,
    Difference,
    ItemChange,
    MetricChange,
    Moved,
    RoundLife,
    SampleChanges,
)


def print_difference(found: Difference) -> None:
    """Print what changed; every text of data and models is shown as it is, never as markup."""
    console = Console(highlight=False)
    names = found.before, found.after
    if found.samples is None:
        console.print("Samples are not compared: one of the rounds has no verdicts.\n")
    else:
        _print_samples(console, found.samples, *names)
    if found.metrics:
        console.print(_metrics(found.metrics, *names))
        more = sum(not row.items for row in found.metrics)
        if more:
            console.print(f"{more} metrics that are made of others: --json.")
    else:
        console.print("Benchmarks are not compared: one of the rounds is not evaluated.")
    moves, items = found.samples, (found.newly_right, found.newly_wrong)
    for title, moved in (
        ("newly passing", moves.newly_passing if moves else ()),
        ("newly failing", moves.newly_failing if moves else ()),
    ):
        for one in moved:
            _print_moved(console, title, one)
    for title, changed in zip(("newly right", "newly wrong"), items, strict=True):
        for item in changed:
            _print_item(console, title, item, names)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.padding = (0, 2, 0, 0)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    return table


def _share(n: int, of: int) -> str:
    return f"{n:,} ({n / of:.1%})" if of else "0"


def _print_samples(console: Console, changes: SampleChanges, before: str, after: str) -> None:
    table = _table(
        "Train samples that pass",
        *("label kind", "samples", before, after, "newly\npassing", "newly\nfailing"),
    )
    for row in changes.kinds:
        passing = (_share(n, row.samples) for n in row.passing)
        turned = (_share(n, row.samples) for n in (row.newly_passing, row.newly_failing))
        table.add_row(row.kind or "all", f"{row.samples:,}", *passing, *turned)
    console.print(table, "")
    table = _table(f"How they stand in {before} (rows) and in {after}", before, *STANDINGS)
    for was in STANDINGS:
        if own := changes.standings.get(was):
            table.add_row(was, *(f"{own[now]:,}" if now in own else "" for now in STANDINGS))
    console.print(table)
    learned = [
        f"{n:,} in {name}"
        for n, name in zip(changes.learned_from, (before, after), strict=True)
        if n is not None
    ]
    if learned:
        console.print(f"Samples learned from: {', '.join(learned)}.")
    console.print()


def _print_moved(console: Console, title: str, moved: Moved) -> None:
    _print_heading(console, title, moved.sample.id)
    console.print(text_of(label_text(moved.sample.labels)))
    for own in (moved.before, moved.after):
        told = _telling(own)
        reason = f": {told[1].reason}" if told and not told[1].passed else ""
        console.print(text_of(f"{own.round} {own.standing}{reason}"))
        if told is not None:
            console.print(indented(marked(told[0].answer.text, told[1])))


def _telling(own: RoundLife) -> tuple[Attempt, Verdict] | None:
    """The attempt that decides how the sample stands: the first of the best."""
    order = ("pass", "doubtful", "fail")
    judged = [(one, one.verdict) for one in (*own.answers, *own.rationales) if one.verdict]
    return min(judged, key=lambda pair: order.index(pair[1].outcome), default=None)


def _print_heading(console: Console, title: str, name: str) -> None:
    style = "green" if title in ("newly passing", "newly right") else "red"
    console.print()
    console.print(Text.assemble((title, style), "  ", (visible(name), "bold"), overflow="fold"))


def _metrics(rows: Sequence[MetricChange], before: str, after: str) -> Table:
    table = _table(
        "Benchmarks (difference on the items that both rounds have)",
        *("metric", before, after, "difference", "newly\nright", "newly\nwrong"),
    )
    for row in rows:
        if not row.items:
            continue
        values = (f"{one.value:.3f}" if one else "" for one in (row.before, row.after))
        told = ""
        if (pair := row.difference) is not None:
            told = f"{pair.difference:+.3f}, p {pair.p:.3f}\n{pair.low:+.3f} to {pair.high:+.3f}"
        turned = (_share(n, row.items) for n in (row.newly_right, row.newly_wrong))
        table.add_row(visible(f"{row.benchmark}\n{row.metric}"), *values, told, *turned)
    return table


def _print_item(console: Console, title: str, item: ItemChange, names: tuple[str, str]) -> None:
    _print_heading(console, title, f"{item.benchmark}: {item.item_id}")
    console.print(indented(text_of(item.prompt, "dim")))
    for name, text, score in zip(names, item.texts, item.scores, strict=True):
        console.print(text_of(f"{name} {item.metric} {score.value:g}: {score.reason}"))
        console.print(indented(text_of(text)))
