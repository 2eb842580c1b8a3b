"""Throw-away heads that tell the model during pretraining what to look for.

A tower of two layers does not find by itself that position and size matter, and a decoder does not
find that frames are to be compared. Linear heads on the tower's tokens (what is where) and on the
decoder's early layers (what changed since the last frame, what happened first and last) say so.
They are dropped when the model is saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from video_star_demo.packing import Batch
from video_star_demo.skeleton import N_FRAMES
from video_star_demo.world import COLOURS, FRAMES, MOTIONS, SHAPES, SIZE, UNIT, Clip

HALF: Final = SIZE * UNIT / 2
PACES: Final = ("", "slow", "fast", "slowfast", "fastslow")
PLACE_WEIGHT: Final = 4.0
"""Motion is told from places, so those come first; the angle is the hardest and matters least."""
SYMMETRY: Final = {"square": 4, "cross": 4, "triangle": 3, "bar": 2}


def state_targets(states: Tensor, shapes: list[str]) -> Tensor:
    """States [b, n, 5] to [b, n, 6]: x, y, radius, cos and sin of the angle, visible."""
    fold = torch.tensor([SYMMETRY[s] for s in shapes])[:, None]
    angle = torch.deg2rad(states[..., 3]) * fold
    place = (states[..., :2] - HALF) / HALF
    radius = (states[..., 2:3] - 7 * UNIT) / (3 * UNIT)
    turn = torch.stack([angle.cos(), angle.sin()], dim=-1)
    return torch.cat([place * 2, radius, turn, states[..., 4:5]], dim=-1)


class FrameHeads(nn.Module):
    """On the 4 tokens of a frame together: shape, colour and state."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.shape = nn.Linear(4 * width, len(SHAPES))
        self.colour = nn.Linear(4 * width, len(COLOURS))
        self.state = nn.Linear(4 * width, 6)

    def forward(self, tokens: Tensor, states: Tensor, clips: Sequence[Clip]) -> Tensor:
        """Loss for tokens [b, n, 4, width] of n frames of each clip."""
        flat = tokens.flatten(2)
        target = state_targets(states, [c.shape for c in clips])
        seen = states[..., 4] > 0
        error = F.smooth_l1_loss(self.state(flat), target, reduction="none", beta=0.1)
        error = error * error.new_tensor([PLACE_WEIGHT, PLACE_WEIGHT, 1.0, 0.3, 0.3, 1.0])
        loss = error[seen].mean() + error[..., 5].mean()
        n = states.shape[1]
        shape = torch.tensor([SHAPES.index(c.shape) for c in clips])[:, None].expand(-1, n)
        colour = torch.tensor([list(COLOURS).index(c.colour) for c in clips])[:, None].expand(-1, n)
        loss = loss + 0.3 * F.cross_entropy(self.shape(flat)[seen], shape[seen])
        return loss + 0.3 * F.cross_entropy(self.colour(flat)[seen], colour[seen])


class MotionHeads(nn.Module):
    """On one decoder layer: changes at each frame's last token, the program at the newline."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.change = nn.Linear(width, 6)
        self.motion = nn.Linear(width, len(MOTIONS))
        self.index = nn.Linear(width, 1)
        self.first = nn.Linear(width, len(MOTIONS))
        self.last = nn.Linear(width, len(MOTIONS))
        self.pace = nn.Linear(width, len(PACES))
        self.shape = nn.Linear(width, len(SHAPES))
        self.colour = nn.Linear(width, len(COLOURS))

    def forward(self, hidden: Tensor, batch: Batch) -> Tensor:
        """Loss for the hidden states [b, l, width] of one layer."""
        clips = batch.clips
        ends = hidden[:, 4 : 4 * N_FRAMES + 1 : 4]
        summary = hidden[:, 4 * N_FRAMES + 1]
        state = state_targets(batch.states, [c.shape for c in clips])
        change = torch.cat([torch.zeros_like(state[:, :1]), state[:, 1:] - state[:, :-1]], dim=1)
        scale = torch.tensor([6.0, 6.0, 3.0, 1.0, 1.0, 1.0])
        both = (batch.states[..., 4] > 0) & (batch.states[..., 4].roll(1, 1) > 0)
        error = F.smooth_l1_loss(self.change(ends), change * scale, reduction="none", beta=0.2)
        loss = error[both].mean()
        index = self.index(ends)[..., 0]
        loss = loss + F.mse_loss(index, batch.which.float() / FRAMES * 2 - 1)
        phase = [
            [MOTIONS.index(c.program[w * len(c.program) // FRAMES].motion) for w in which]
            for c, which in zip(clips, batch.which.tolist(), strict=True)
        ]
        loss = loss + 0.5 * F.cross_entropy(
            self.motion(ends).flatten(0, 1), torch.tensor(phase).flatten()
        )
        for head, names in (
            (self.first, [MOTIONS.index(c.program[0].motion) for c in clips]),
            (self.last, [MOTIONS.index(c.program[-1].motion) for c in clips]),
            (self.pace, [PACES.index("".join(p.speed for p in c.program)) for c in clips]),
            (self.shape, [SHAPES.index(c.shape) for c in clips]),
            (self.colour, [list(COLOURS).index(c.colour) for c in clips]),
        ):
            loss = loss + 0.5 * F.cross_entropy(head(summary), torch.tensor(names))
        return loss
