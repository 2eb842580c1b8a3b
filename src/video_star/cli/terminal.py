"""What a person sees while a step runs: a bar in a terminal, plain lines elsewhere.

Where a parent process reads messages (a Prefect task), progress goes to it as messages.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from video_star.core import messages
from video_star.core.progress import Progress
from video_star.core.records import StepReport

LINES_EVERY_S = 1.0
SHOWN_METRICS = 12
"""Of a report: enough for the yield of every label kind."""


class Lines:
    """Progress as lines or messages, at most one a second besides the last."""

    def __init__(self, title: str) -> None:
        self._title, self._last = title, 0.0

    def update(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if done >= total or now - self._last >= LINES_EVERY_S:
            self._last = now
            if messages.are_read():
                messages.send(done=done, total=total, what=what)
            else:
                self.note(f"{self._title}: {done} of {total} {what}")

    def note(self, message: str) -> None:
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()


class Bar:
    """Progress as one rich bar per unit of work."""

    def __init__(self, bars: Bars, title: str) -> None:
        self._bars, self._title = bars, title
        self._tasks: dict[str, int] = {}

    def update(self, done: int, total: int, what: str) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(f"{self._title} · {what}", total=total)
        self._bars.update(self._tasks[what], completed=done, total=total)  # type: ignore[arg-type]

    def note(self, message: str) -> None:
        self._bars.console.print(message, style="dim", markup=False, highlight=False)


@contextmanager
def show_progress(title: str) -> Iterator[Progress]:
    """The right kind of progress for where stderr goes."""
    console = Console(stderr=True)
    if messages.are_read() or not console.is_terminal:
        yield Lines(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bars(*columns, TimeRemainingColumn(), console=console) as bars:
        yield Bar(bars, title)


def report_lines(report: StepReport) -> list[str]:
    """What a step did, in one line, and its metrics in another."""
    counts = [f"{report.read} read", f"{report.written} written"]
    if report.rejected:
        counts.append(f"{report.rejected} rejected")
    if report.failed:
        counts.append(f"{report.failed} failed")
    reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(report.reasons.items()))
    lines = [
        f"{report.step} {report.round}: {', '.join(counts)}" + (f" ({reasons})" if reasons else "")
    ]
    if report.metrics:
        shown = sorted(report.metrics.items())[:SHOWN_METRICS]
        lines.append("  " + "  ".join(f"{name} {value:g}" for name, value in shown))
    return lines
