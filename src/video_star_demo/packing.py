"""Training batches: one video, many independent questions.

A row holds one clip's visual tokens followed by several question-answer segments. A mask lets each
segment see the video and itself only, and its positions start right behind the video, so a row
equals as many separate conversations, at the cost of one pass over the frames.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from video_star.core import prompts
from video_star_demo import lessons, world
from video_star_demo.skeleton import VIDEO_TOKENS
from video_star_demo.wording import Asked
from video_star_demo.world import Clip, Frames, Ints, Program

CHOICE_TOKENS: Final = 2
"""The first tokens of an answer that picks an option ("B.", "Caption A") decide it; what follows
repeats the option and drowns them unless they weigh more."""
PREFIX: Final = 1 + VIDEO_TOKENS
"""The user token and the video."""


@dataclass(frozen=True)
class Pool:
    """Clips drawn once, with all their frames: uint8 [n, 16, 56, 56, 3]."""

    clips: list[Clip]
    frames: Frames


def draw_pool(n: int, named_share: float, seed: int) -> Pool:
    """Random clips; `named_share` of them follow one of the 16 actions' programs."""
    rng = random.Random(seed)
    programs, named = world.all_programs(), [a.program for a in world.ACTIONS]

    def program() -> Program:
        return rng.choice(named if rng.random() < named_share else programs)

    clips = [world.draw_clip(program(), rng.getrandbits(31)) for _ in range(n)]
    return Pool(clips, np.stack([world.render(clip) for clip in clips]))


def sample_frames(rng: random.Random) -> list[int]:
    """8 of 16 frames, spread evenly in any of the usual ways, with a little jitter."""
    kind = rng.randrange(3)
    spread = [round(i * 15 / 7) for i in range(8)] if kind == 0 else list(range(kind - 1, 16, 2))
    if rng.random() < 0.2:
        spread = [min(15, max(0, i + rng.choice((-1, 0, 0, 1)))) for i in spread]
    return sorted(spread)


def pixels(frames: Frames, noise: float, generator: torch.Generator) -> Tensor:
    """uint8 [..., 56, 56, 3] to float [..., 3, 56, 56] in -1..1, with noise in grey levels.

    The noise (a shift of each clip's brightness and grain) stands for what a codec does to a frame.
    """
    values = torch.from_numpy(np.ascontiguousarray(np.moveaxis(frames, -1, -3))).float()
    if noise > 0:
        values += torch.randn(values.shape, generator=generator) * noise
        values += (
            torch.randn(values.shape[0], *[1] * (values.dim() - 1), generator=generator) * noise
        )
    return values / 127.5 - 1


NONE: Final = torch.empty(0, dtype=torch.int64)


@dataclass(frozen=True)
class Batch:
    """Tensors of one step, of videos, text or both; what is not there is empty."""

    ids: Tensor = NONE
    positions: Tensor = NONE
    mask: Tensor = NONE
    targets: Tensor = NONE
    """int64 [b, l]: the next token where an answer's token is to be said, else -100."""
    weights: Tensor = NONE
    """float [b, l]: weight of each target in the loss."""
    videos: Tensor = NONE
    states: Tensor = NONE
    """float [b, 8, 5] states of the sampled frames."""
    which: Tensor = NONE
    """int64 [b, 8]: numbers of the sampled frames."""
    clips: Sequence[Clip] = ()


class Row(NamedTuple):
    """One row before padding; `segments` is 0 for the prefix, then the number of the question."""

    ids: Ints
    positions: Ints
    segments: Ints
    targets: Ints
    weights: NDArray[np.float64]


class Packer:
    """Makes batches from a pool of clips, a mix of lessons and a tokenizer."""

    def __init__(self, tokenizer: Any, budget: int, choice: float = 1.0) -> None:
        """`choice` is the weight of the tokens that pick an option; other tokens weigh 1."""
        self.tokenizer = tokenizer
        self.budget = budget
        self.choice = choice
        ids = tokenizer.convert_tokens_to_ids
        self.user, self.end, self.pad = ids("<|user|>"), ids("<|end|>"), ids("<|pad|>")
        self.assistant, self.video = ids("<|assistant|>"), ids("<video>")

    def _segments(self, asked: list[Asked]) -> list[tuple[list[int], list[int]]]:
        texts = [text for pair in asked for text in pair]
        backend = self.tokenizer.backend_tokenizer
        backend.no_padding()  # a padded call elsewhere would leave padding switched on
        encoded = [e.ids for e in backend.encode_batch(texts)]
        return [
            ([*question, self.end, self.assistant], [*answer, self.end])
            for question, answer in zip(encoded[::2], encoded[1::2], strict=True)
        ]

    def _weights(self, asked: Asked, n: int) -> list[float]:
        first = self.choice if asked.question.endswith(prompts.BEST_OPTION) else 1.0
        return [first] * CHOICE_TOKENS + [1.0] * (n - CHOICE_TOKENS)

    def _row(self, prefix: list[int], asked: list[Asked]) -> Row:
        ids, positions = list(prefix), list(range(len(prefix)))
        segments, targets = [0] * len(prefix), [-100] * len(prefix)
        weights = [0.0] * len(prefix)
        pairs = zip(asked, self._segments(asked), strict=True)
        for number, (pair, (question, answer)) in enumerate(pairs, start=1):
            if number > 1 and len(ids) + len(question) + len(answer) > self.budget:
                break
            both = question + answer
            ids += both
            positions += range(len(prefix), len(prefix) + len(both))
            segments += [number] * len(both)
            targets += [-100] * (len(question) - 1) + answer + [-100]
            weights += [0.0] * (len(question) - 1) + self._weights(pair, len(answer)) + [0.0]
        columns = (ids, positions, segments, targets, weights)
        return Row(*(np.array(column) for column in columns))

    def _collate(self, rows: list[Row]) -> dict[str, Any]:
        length = max(len(row.ids) for row in rows)

        def column(name: str, fill: float) -> Tensor:
            cells = [getattr(row, name) for row in rows]
            padded = [np.pad(c, (0, length - len(c)), constant_values=fill) for c in cells]
            return torch.from_numpy(np.stack(padded))

        segments = column("segments", -1)
        same = segments[:, :, None] == segments[:, None, :]
        shared = (segments == 0)[:, None, :]
        causal = torch.ones(length, length, dtype=torch.bool).tril()
        return {
            "ids": column("ids", self.pad),
            "positions": column("positions", 0),
            "mask": ((same | shared) & causal)[:, None],
            "targets": column("targets", -100),
            "weights": column("weights", 0.0).float(),
        }

    def of_clips(
        self, pool: Pool, size: int, mix: dict[str, float], noise: float, rng: random.Random
    ) -> Batch:
        """A batch of `size` clips of the pool with as many lessons as fit the token budget."""
        picks = [rng.randrange(len(pool.clips)) for _ in range(size)]
        which = [sample_frames(rng) for _ in picks]
        prefix = [self.user] + [self.video] * VIDEO_TOKENS
        rows = [
            self._row(prefix, [lessons.draw(pool.clips[p], mix, rng) for _ in range(16)])
            for p in picks
        ]
        return Batch(**self._collate(rows), **_seen(pool, picks, which, noise, rng))

    def of_frames(self, pool: Pool, size: int, noise: float, rng: random.Random) -> Batch:
        """Single frames of `size` clips, without text: more variety than as many whole clips."""
        picks = [(rng.randrange(len(pool.clips)), rng.randrange(world.FRAMES)) for _ in range(size)]
        clips, frames = zip(*picks, strict=True)
        return Batch(**_seen(pool, clips, [[frame] for frame in frames], noise, rng))

    def of_text(self, size: int, names: tuple[str, ...], rng: random.Random) -> Batch:
        """A batch without videos: repeat a text, or the label that was told."""
        rows = []
        for _ in range(size):
            make = lessons.TEXT[names[int(rng.random() * len(names))]]
            rows.append(self._row([self.user], [make(rng) for _ in range(6)]))
        return Batch(**self._collate(rows))


def _seen(
    pool: Pool,
    picks: Sequence[int],
    which: Sequence[list[int]],
    noise: float,
    rng: random.Random,
) -> dict[str, Any]:
    """What a batch has of clips: for each pick its frames `which`."""
    generator = torch.Generator().manual_seed(rng.getrandbits(31))
    shown = list(zip(picks, which, strict=True))
    frames = np.stack([pool.frames[clip][some] for clip, some in shown])
    states = np.stack([pool.clips[clip].states[some] for clip, some in shown])
    return {
        "videos": pixels(frames, noise, generator),
        "states": torch.from_numpy(states).float(),
        "which": torch.tensor(which),
        "clips": [pool.clips[clip] for clip in picks],
    }
