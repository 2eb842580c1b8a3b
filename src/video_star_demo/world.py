"""The small world: one coloured shape on a plain ground that moves, changes size, spins or blinks.

Everything is integer arithmetic on seeded draws, so the same seed gives the same pixels on every
machine. A clip follows a `Program` of one or two phases; an `Action` is a program with a name.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

SIZE: Final = 56
"""Width and height of a frame in pixels."""
FRAMES: Final = 16
FPS: Final = 8
SECONDS: Final = FRAMES // FPS
UNIT: Final = 16
"""Positions and sizes are kept in 1/16 pixel."""

SHAPES: Final = ("square", "triangle", "cross", "bar")
COLOURS: Final[dict[str, tuple[int, int, int]]] = {
    "red": (220, 45, 45),
    "green": (50, 185, 70),
    "blue": (60, 95, 235),
    "yellow": (230, 205, 55),
    "purple": (175, 70, 205),
    "white": (232, 232, 232),
}

Frames = NDArray[np.uint8]
Ints = NDArray[np.int64]


class Phase(NamedTuple):
    """A stretch of one motion; speed is "", "slow" or "fast" (only moves have one)."""

    motion: str
    speed: str = ""


Program = tuple[Phase, ...]
"""One phase for the whole clip, or two phases for one half each."""

STEPS: Final[dict[str, tuple[int, int]]] = {
    "left": (-1, 0),
    "right": (1, 0),
    "up": (0, -1),
    "down": (0, 1),
}
MOTIONS: Final = (*STEPS, "grow", "shrink", "blink", "spin", "still")


class Action(NamedTuple):
    """A class of the world. `known` says that the base model learns the name in its pretraining."""

    name: str
    known: bool
    program: Program


def _action(name: str, *phases: str, known: bool = False) -> Action:
    words = [phase.split() for phase in phases]
    return Action(name, known, tuple(Phase(w[0], w[1] if len(w) > 1 else "") for w in words))


ACTIONS: Final[tuple[Action, ...]] = (
    _action("jumping", "up", "down", known=True),
    _action("surfing", "right fast", known=True),
    _action("clapping", "blink", known=True),
    _action("yawning", "grow", "shrink", known=True),
    _action("squatting", "down", "up"),
    _action("hiking", "right slow"),
    _action("kayaking", "left fast"),
    _action("plastering", "left slow"),
    _action("snorkeling", "shrink", "grow"),
    _action("waltzing", "left", "right"),
    _action("fencing", "right", "left"),
    _action("juggling", "spin", "blink"),
    _action("welding", "blink", "spin"),
    _action("pole vaulting", "right", "up"),
    _action("ice skating", "spin", "right"),
    _action("abseiling", "left", "down"),
)
"""Partners differ by order, direction or speed only: no single frame gives a name away."""

KNOWN: Final = tuple(action for action in ACTIONS if action.known)
UNKNOWN: Final = tuple(action for action in ACTIONS if not action.known)
NAMED: Final[dict[Program, Action]] = {action.program: action for action in ACTIONS}


def all_programs() -> list[Program]:
    """Every program of the world: single motions, speed changes and all ordered pairs."""
    singles: list[Program] = [(Phase(m, s),) for m in STEPS for s in ("slow", "fast")]
    singles += [(Phase(m),) for m in ("grow", "shrink", "blink", "spin")]
    changes: list[Program] = [
        (Phase(m, s), Phase(m, t)) for m in STEPS for s, t in (("slow", "fast"), ("fast", "slow"))
    ]
    pairs: list[Program] = [(Phase(a), Phase(b)) for a in MOTIONS for b in MOTIONS if a != b]
    return singles + changes + pairs


@dataclass(frozen=True)
class Clip:
    """One drawn clip: what is in it, and where the shape is in each of the 16 frames."""

    shape: str
    colour: str
    program: Program
    states: Ints
    """int64 [16, 5]: x, y, radius (1/16 pixel), angle (degrees), visible (0 or 1)."""
    ground: tuple[int, int, int, int]
    """Grey level, tint, slope in x and slope in y of the background."""

    @property
    def subject(self) -> str:
        """The shape in words, such as "red cross"."""
        return f"{self.colour} {self.shape}"

    @property
    def action(self) -> Action | None:
        """The action whose program this is, if it has a name."""
        return NAMED.get(self.program)


PACE: Final[dict[str, tuple[int, int]]] = {"slow": (96, 148), "fast": (196, 276), "": (170, 236)}
"""Smallest and largest speed of a move, in 1/16 pixel per second."""
JITTER: Final = 7
"""Largest wobble of the position in each frame, in 1/16 pixel."""


def _phase_steps(phase: Phase, frames: int, rng: random.Random) -> list[tuple[int, int, int, int]]:
    """Per frame: change of x, y, radius in 1/256 pixel, and of the angle in degrees."""
    pace = rng.randint(*PACE[phase.speed])
    swell = rng.randint(62, 84) * 8 // frames
    turn = rng.choice((-1, 1)) * rng.randint(17, 25)
    sx, sy = STEPS.get(phase.motion, (0, 0))
    sr = {"grow": 1, "shrink": -1}.get(phase.motion, 0)
    step = (sx * pace * 2, sy * pace * 2, sr * swell * 2, turn if phase.motion == "spin" else 0)
    return [step] * frames


def draw_clip(program: Program, seed: int) -> Clip:
    """A clip of the program with a random shape, colour, place, size and pace."""
    rng = random.Random(seed)
    shape, colour = rng.choice(SHAPES), rng.choice(tuple(COLOURS))
    per_phase = FRAMES // len(program)
    steps = [step for phase in program for step in _phase_steps(phase, per_phase, rng)]
    path = np.cumsum(np.array([(0, 0, 0, 0), *steps[:-1]], dtype=np.int64), axis=0)
    path[:, :3] //= UNIT
    states = np.zeros((FRAMES, 5), dtype=np.int64)
    sizes = path[:, 2] - path[:, 2].min()
    largest = 9 * UNIT
    smallest = rng.randint(5 * UNIT, 7 * UNIT + 8) if sizes.max() == 0 else 4 * UNIT + 8
    states[:, 2] = np.minimum(sizes + smallest, largest + 4 * UNIT)
    margin = int(states[:, 2].max()) * 9 // 10
    for axis in (0, 1):
        low = margin - int(path[:, axis].min())
        high = SIZE * UNIT - margin - int(path[:, axis].max())
        start = rng.randint(low, high) if low < high else (low + high) // 2
        wobble = [rng.randint(-JITTER, JITTER) for _ in range(FRAMES)]
        states[:, axis] = path[:, axis] + start + np.array(wobble)
    states[:, 3] = (path[:, 3] + rng.randint(0, 359)) % 360
    states[:, 4] = _visible(program, rng)
    ground = (rng.randint(18, 64), rng.randint(-10, 10), rng.randint(-9, 9), rng.randint(-9, 9))
    return Clip(shape, colour, program, states, ground)


def _visible(program: Program, rng: random.Random) -> Ints:
    """1 where the shape is seen; a blink is two frames on, two frames off."""
    offset = rng.randint(0, 3)
    per_phase = FRAMES // len(program)
    blinks = [program[i // per_phase].motion == "blink" for i in range(FRAMES)]
    return np.array([0 if b and (i + offset) % 4 >= 2 else 1 for i, b in enumerate(blinks)])


_COS: Final[Ints] = np.array([round(1024 * math.cos(math.radians(a))) for a in range(360)])
_SIN: Final[Ints] = np.array([round(1024 * math.sin(math.radians(a))) for a in range(360)])
_REACH: Final = 12
"""No shape reaches further than this from its middle, in pixels."""
_FINE: Final[NDArray[np.int32]] = np.arange(4 * _REACH, dtype=np.int32) * (UNIT // 2) + UNIT // 4


def _inside(
    shape: str, u: NDArray[np.int32], v: NDArray[np.int32], r: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Where the rotated coordinates u, v lie in a shape of radius r."""
    au, av = np.abs(u), np.abs(v)
    if shape == "square":
        return np.asarray(np.maximum(au, av) * 20 <= r * 17)
    if shape == "bar":
        return np.asarray((au * 20 <= r * 23) & (av * 20 <= r * 9))
    if shape == "cross":
        arm = r * 7 // 20
        return np.asarray(((au <= r) & (av <= arm)) | ((av <= r) & (au <= arm)))
    return np.asarray((v * 20 <= r * 11) & ((v + r) * 4 >= au * 7))


def _cover(shape: str, states: NDArray[np.int32]) -> NDArray[np.int32]:
    """How much of each pixel the shape covers, 0..4 as int32 [n, 56, 56] (2 x 2 points a pixel)."""
    n, reach = len(states), _REACH
    corner = states[:, :2] // UNIT - reach
    local = states[:, :2] - corner * UNIT
    dx: NDArray[np.int32] = _FINE[None, None, :] - local[:, 0, None, None]
    dy: NDArray[np.int32] = _FINE[None, :, None] - local[:, 1, None, None]
    cos: NDArray[np.int32] = _COS[states[:, 3]].astype(np.int32)[:, None, None]
    sin: NDArray[np.int32] = _SIN[states[:, 3]].astype(np.int32)[:, None, None]
    u, v = (dx * cos + dy * sin) >> 10, (dy * cos - dx * sin) >> 10
    fine = _inside(shape, u, v, states[:, 2, None, None]) & (states[:, 4, None, None] > 0)
    window = fine.reshape(n, 2 * reach, 2, 2 * reach, 2).sum(axis=(2, 4), dtype=np.int32)
    canvas = np.zeros((n, SIZE + 2 * reach, SIZE + 2 * reach), dtype=np.int32)
    for i, (x, y) in enumerate(corner + reach):
        canvas[i, y : y + 2 * reach, x : x + 2 * reach] = window[i]
    return canvas[:, reach:-reach, reach:-reach]


def render(clip: Clip, which: Sequence[int] = range(FRAMES)) -> Frames:
    """The named frames of a clip as uint8 [n, 56, 56, 3], RGB."""
    cover = _cover(clip.shape, clip.states[list(which)].astype(np.int32))[..., None]
    level, tint, slope_x, slope_y = clip.ground
    place = np.arange(SIZE, dtype=np.int32) - SIZE // 2
    plane = level + (place[None, :] * slope_x + place[:, None] * slope_y) // 28
    tints = np.array([tint, 0, -tint], dtype=np.int32)
    ground = np.clip(plane[..., None] + tints, 0, 255)[None]
    colour = np.array(COLOURS[clip.colour], dtype=np.int32)
    return np.asarray(ground + (colour - ground) * cover // 4, dtype=np.uint8)
