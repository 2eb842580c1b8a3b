"""Progress of long work, for a terminal, a log or a Prefect page.

A step calls `progress.update(done, total)`; it never prints. The command line installs a rich bar,
a child process of a flow writes lines that the parent turns into an artifact.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Where a step says how far it is."""

    def update(self, done: int, total: int, what: str) -> None:
        """`done` of `total` units of `what` ("answers", "steps", ...) are finished."""
        ...

    def note(self, message: str) -> None:
        """One line worth reading: a choice made, a batch halved, a resume."""
        ...


class Silent:
    """Says nothing; for tests and library use."""

    def update(self, done: int, total: int, what: str) -> None:
        return

    def note(self, message: str) -> None:
        return
