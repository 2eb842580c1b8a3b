"""Which steps of which rounds a cycle runs, and which of them even if they are up to date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from video_star.core.errors import UsageError
from video_star.pipeline.stages import STEPS, rounds_of

if TYPE_CHECKING:
    from video_star.core.params import Params

LAST_STEP = [*STEPS][-1]


@dataclass(frozen=True)
class Choice:
    """A part of a cycle; a step is (step, round)."""

    steps: tuple[tuple[str, str], ...]
    """In the order in which they run."""
    forced: frozenset[tuple[str, str]] = frozenset()


def choose(
    params: Params,
    rounds: int | None = None,
    until: str = LAST_STEP,
    force: Sequence[str] = (),
) -> Choice:
    """The first `rounds` rounds (all when None), the last of them up to the step `until`.

    `force` has steps, "verify" for all chosen rounds or "verify@r2" for one. UsageError for a
    round or a step that is not there.
    """
    if rounds is not None and not 0 <= rounds <= params.rounds:
        raise UsageError(
            f"rounds={rounds}, but params.yaml has {params.rounds}; raise `rounds` there or ask "
            "for fewer."
        )
    names = params.round_names[:rounds]
    last = names[-1] if names else "r0"
    in_order = [
        (step, name) for name in ("r0", *names) for step in STEPS if name in rounds_of(step, params)
    ]
    if (until, last) not in in_order:
        there = ", ".join(step for step, name in in_order if name == last)
        raise UsageError(f"until={until!r}, but the steps of the last round, {last}, are {there}.")
    steps = tuple(in_order[: in_order.index((until, last)) + 1])
    forced = {one for text in force for one in _forced(text, steps)}
    return Choice(steps, frozenset(forced))


def _forced(text: str, steps: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    step, _, name = text.partition("@")
    found = [one for one in steps if one[0] == step and name in ("", one[1])]
    if not found or text == f"{step}@":
        first, last = steps[0], steps[-1]
        raise UsageError(
            f"force={text!r}, but this cycle runs {first[0]}@{first[1]} to {last[0]}@{last[1]}; "
            f"name a step of it, as in {last[0]} or {last[0]}@{last[1]}."
        )
    yield from found
