"""What every step gets and gives back: workspace, parameters and progress, and its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from video_star.core.engine import Engine
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


@dataclass(frozen=True)
class StepResult:
    """What a step returns to the runner: its counts, and the samples it could not use."""

    report: StepReport
    failures: tuple[Failure, ...] = ()
