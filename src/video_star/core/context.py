"""What every step gets and gives back: workspace, parameters and progress, and its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from video_star.core.engine import Engine
from video_star.core.errors import TooManyFailures
from video_star.core.jsonl import write_records
from video_star.core.params import Params
from video_star.core.paths import RoundPaths, Workspace
from video_star.core.progress import Progress, Silent
from video_star.core.records import Failure, ModelRef, StepReport


@dataclass(frozen=True)
class StepContext:
    """One step of one round, ready to run."""

    workspace: Workspace
    params: Params
    round: str
    open_engine: Callable[[ModelRef], Engine]
    """Loads the model of a reference; called only by steps that ask it something."""
    progress: Progress = field(default_factory=Silent)

    @property
    def paths(self) -> RoundPaths:
        return self.workspace.round(self.round)

    @property
    def previous(self) -> RoundPaths:
        """Paths of the round whose model this round learns from."""
        return self.workspace.round(self.params.previous(self.round))

    def refuse_failures(self, report: StepReport, failures: Sequence[Failure]) -> None:
        """List the failures in their file; TooManyFailures when more failed than is allowed.

        A step calls it before it replaces its last outputs.
        """
        listed = self.paths.failures(report.step)
        write_records(listed, failures)
        limit = self.params.max_failure_rate
        if report.read and report.failed / report.read > limit:
            worst = max(
                report.reasons, key=lambda reason: report.reasons[reason], default="unknown"
            )
            raise TooManyFailures(
                f"{report.step} {self.round}: {report.failed} of {report.read} samples failed, "
                f"more than max_failure_rate {limit:g} allows (most often: {worst}); see {listed}."
            )


@dataclass(frozen=True)
class StepResult:
    """What a step returns to the runner: its counts, and the samples it could not use."""

    report: StepReport
    failures: tuple[Failure, ...] = ()
