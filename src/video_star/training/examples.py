"""Training conversations as token ids, clip by clip: only the tokens of the answer carry loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from video_star.core.records import TrainingExample
from video_star.models.conversation import Conversations, PreparedClip, Tokens
from video_star.training.job import clip_of
from video_star.video.cache import FrameCache

IGNORED = -100
"""Label of a token without loss."""


@dataclass(frozen=True)
class Encoded:
    """One example: its tokens and the index of its clip."""

    tokens: Tokens
    clip: int

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class ClipWork:
    """One clip as the model takes it, and its encoded examples, each with its place."""

    clip: PreparedClip
    encoded: Sequence[tuple[int, Encoded]]


def encode_examples(
    examples: Sequence[TrainingExample],
    conversations: Conversations,
    frames: FrameCache,
    data: Path,
) -> Iterator[ClipWork]:
    """Clip by clip, in the order of their paths, each clip read and preprocessed once."""

    def clip_key(index: int) -> tuple[str, float, float]:
        example = examples[index]
        start = -1.0 if example.start_s is None else example.start_s
        return example.video, start, -1.0 if example.end_s is None else example.end_s

    ordered = sorted(range(len(examples)), key=clip_key)
    for number, (_, group) in enumerate(groupby(ordered, key=clip_key)):
        indices = list(group)
        seen = frames.get(clip_of(examples[indices[0]], data))
        clip = conversations.prepare(seen)
        encoded = []
        for i in indices:
            tokens = conversations.teach(clip, examples[i].prompt, examples[i].completion)
            encoded.append((i, Encoded(tokens, number)))
        yield ClipWork(clip, encoded)
