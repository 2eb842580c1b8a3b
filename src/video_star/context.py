"""What every step gets: the workspace, the validated parameters, and where to tell progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from video_star.domain import ModelRef
from video_star.engines.base import Engine
from video_star.layout import RoundPaths, Workspace
from video_star.params import Params
from video_star.progress import Progress, Silent


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
