"""`video-star plan` as tables, or as JSON: what will run again and why, and what it will take."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from video_star.pipeline.plan import Plan, Row

REASONS = 3
"""Shown of a step, where each file of the code can be one; --json has all."""
SHORT = {1e9: "G", 1e6: "M", 1e3: "k"}
BYTES = {2.0**40: "TiB", 2.0**30: "GiB", 2.0**20: "MiB", 2.0**10: "KiB"}


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan with plain numbers: bytes, hours, tokens; null where it is unknown."""
    rows = [{**row._asdict(), **row.number._asdict()} for row in plan.rows()]
    return {"runs": plan.runs, "rows": [{k: row[k] for k in row if k != "number"} for row in rows]}


def print_plan(plan: Plan) -> None:
    """Two tables: what will run, and what it will take."""
    console = Console()
    runs = Table("step", "rounds", "why", box=None, title="What will run", title_justify="left")
    for step, rounds in plan.runs.items():
        why = list(dict.fromkeys(reason for reasons in rounds.values() for reason in reasons))
        more = [f"{len(why) - REASONS} more (--json)"] if len(why) > REASONS else []
        runs.add_row(step, " ".join(rounds), ", ".join([*why[:REASONS], *more]))
    console.print(runs if plan.runs else "Everything is up to date.")
    takes = Table("", "", "", "rests on", box=None, title="What it will take", title_justify="left")
    takes.columns[2].justify = "right"
    part = None
    for row in plan.rows():
        takes.add_row("" if row.part == part else row.part, row.what, shown(row), row.number.basis)
        part = row.part
    console.print(takes)


def shown(row: Row) -> str:
    """Three digits and a unit; "unknown" without a number."""
    value = row.number.value
    if value is None:
        return "unknown"
    if row.unit == "h":
        return f"{value:,.3g} h" if value >= 0.1 else f"{value * 3600:.3g} s"
    for size, name in (BYTES if row.unit == "bytes" else SHORT).items():
        if value >= size:
            return f"{value / size:.3g} {name}"
    return f"{value:.0f}"
