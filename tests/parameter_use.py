"""Which parameters a step really reads: never one that its DVC stage does not depend on.

DVC reruns a stage when a listed parameter changes, so a step that reads another one would go stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from video_star.core import params as parameters
from video_star.core.context import StepContext
from video_star.core.params import Params, Section
from video_star.pipeline import runner
from video_star.pipeline.stages import STEPS

FREE = {"settings", "max_failure_rate", "zero_yield", "rounds"}
"""Where and how fast, when a step stops, and the names of the rounds: they change no result."""
UNUSED: dict[str, set[str]] = {
    # `training.requirements` refuses what cannot be trained, before anything is spent.
    "base": {"video", "curate", "finetune"},
    "finetune": {"curate"},
    # A judge is asked without a video.
    "verify": {"video"},
    "verify-rationales": {"video"},
    # Benchmarks are scored with doubt rejected, whatever it says.
    "evaluate": {"verify.doubtful"},
}
"""Read by a step, but without an effect on its result."""
NAMES = {"last_round": "rounds"}
"""Properties of `Params` that do change a result, with the parameter behind them."""


class Reads:
    """Parameters that were read, as "section" or "section.key"."""

    def __init__(self) -> None:
        self.sections: set[str] = set()
        self.keys: set[tuple[str, str]] = set()

    def note(self, section: Section, name: str) -> None:
        kind = type(section)
        if kind is Params:
            if name in NAMES:
                self.sections.add(NAMES[name])
            elif name in kind.model_fields and name not in FREE:
                self.sections.add(name)
        elif name in kind.model_fields:
            self.keys.add((kind.__name__, name))

    def unlisted(self, step: str) -> set[str]:
        """What was read although the step's `sections` do not have it."""
        listed = STEPS[step].sections
        found = set()
        for section in self.sections - {*listed}:
            kind = Params.model_fields[section].annotation
            known = {key.partition(".")[2] for key in listed if key.startswith(f"{section}.")}
            keys = {key for name, key in self.keys if name == getattr(kind, "__name__", "")}
            if not known:
                found.add(section)
            found |= {f"{section}.{key}" for key in keys - known if known}
        return found - UNUSED.get(step, set())


@contextmanager
def checked() -> Iterator[None]:
    """Fail every `run_step` that reads a parameter its step does not list."""
    reads: list[Reads] = []
    plain = Section.__getattribute__
    refuse = runner._refuse_changed_params

    def read(self: Section, name: str) -> Any:
        if reads and not name.startswith("_"):
            reads[-1].note(self, name)
        return plain(self, name)

    def begin(*args: Any) -> StepContext:
        reads.append(Reads())
        return StepContext(*args)

    def end(step: str, before: Params, after: Params) -> None:
        unlisted = reads.pop().unlisted(step)
        reads.clear()
        assert not unlisted, f"{step} reads {unlisted}, which STEPS and dvc.yaml do not list"
        refuse(step, before, after)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parameters.Section, "__getattribute__", read)
        patch.setattr(runner, "StepContext", begin)
        patch.setattr(runner, "_refuse_changed_params", end)
        yield
