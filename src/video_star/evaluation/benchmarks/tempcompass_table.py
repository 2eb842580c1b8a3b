"""The TempCompass report as a person reads it: tasks, aspects, both averages by their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


def render(report: Mapping[str, Any]) -> RenderableType:
    """Tables of tasks and of aspects, then the averages and who judged."""
    return Group(_tasks(report), _aspects(report), *map(Text, _lines(report)))


def _tasks(report: Mapping[str, Any]) -> Table:
    """One row for each task, as the official scorer prints it: one decimal."""
    headings = ("task", "accuracy", "95 % interval", "match rate", "n", "judged", "unscored")
    table = _table(headings)
    for name, own in report["tasks"].items():
        counts = (str(own[key]) for key in ("n", "judged", "unscored"))
        table.add_row(name, *_accuracy(own, 1), _percent(own["match_rate"], 1), *counts)
    return table


def _aspects(report: Mapping[str, Any]) -> Table:
    """Aspects, fine-grained aspects and both averages, by scored task and over all questions.

    Without a judge each row has its match rate, over the tasks that have rules.
    """
    by_rules = report["judge"]["name"] is None
    scored = {name: own for name, own in report["tasks"].items() if own["n"]}
    tasks = list(scored.values())
    names = [name.replace("-", "\n").replace("_", "\n") for name in scored]
    rates = ["match\nrate"] if by_rules else []
    table = _table(("aspect", *names, "all", "95 %\ninterval", *rates))

    def add(name: str, cells: Sequence[str], match_rate: float | None) -> None:
        table.add_row(name, *cells, *([_percent(match_rate, 1)] if by_rules else []))

    for group in ("aspects", "fine_aspects"):
        for name, own in report[group].items():
            parts = [task[group].get(name) for task in tasks]
            add(name, _cells(parts, own), own["match_rate"])
        table.add_section()
    means = [task["fine_aspects_mean"] for task in tasks]
    add("mean of questions", _cells(tasks, report), report["match_rate"])
    add("mean of fine aspects", _cells(means, report["fine_aspects_mean"]), report["match_rate"])
    return table


def _table(headings: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left", no_wrap=True)
    return table


def _cells(parts: Sequence[Mapping[str, Any] | None], whole: Mapping[str, Any]) -> list[str]:
    """One cell for each task (one decimal, as official), then all (two) and its interval."""
    cells = ["-" if part is None else _percent(part["accuracy"], 1) for part in parts]
    return [*cells, *_accuracy(whole, 2)]


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    judge, names = report["judge"], report["averages"]
    yield f"{_accuracy(report, 2)[0]}  {names['accuracy']}"
    yield f"{_accuracy(report['fine_aspects_mean'], 2)[0]}  {names['fine_aspects_mean']}"
    if judge["name"] is None:
        yield "No judge: what no rule recognises is rated 0, captions are unscored."
    else:
        yield f"Judge: {judge['name']} ({judge['version']})"
        yield f"Judged: {judge['judged']} of {report['questions']} answers, {judge['share']:.1f} %"
    if report["missing"]:
        yield f"{report['missing']} answers are missing, rated 0 where their task is scored."
    drawn = report["bootstrap"]
    yield f"Intervals: bootstrap over videos, {drawn['resamples']} resamples, seed {drawn['seed']}."


def _accuracy(figures: Mapping[str, Any], places: int) -> tuple[str, str]:
    """Accuracy and interval as text."""
    if figures["accuracy"] is None:
        return "unscored", "-"
    low, high = figures["interval"]
    return f"{round(figures['accuracy'], places):.{places}f}", f"{low:.1f} - {high:.1f}"


def _percent(value: float | None, places: int) -> str:
    # round() as in the official scorer, then print that many digits.
    return "-" if value is None else f"{round(value, places):.{places}f}"
