"""Progress of a step, shown in a terminal, a log or on a Prefect page.

A step calls `progress.update(done, total, what)`; it never prints. The command line shows a rich
bar, a child process of a flow sends messages (`messages.py`) that make a Prefect artifact.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What a step reports its progress to."""

    def update(self, done: int, total: int, what: str) -> None:
        """`done` of `total` units of `what` ("answers", "steps", ...) are finished."""
        ...

    def note(self, message: str) -> None:
        """One line for the log: a choice made, a batch halved, a resume."""
        ...


class Silent:
    """Shows nothing; for tests and library use."""

    def update(self, done: int, total: int, what: str) -> None:
        return

    def note(self, message: str) -> None:
        return
