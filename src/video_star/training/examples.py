"""Training examples as token ids, grouped by clip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from video_star.core.records import TrainingExample
from video_star.models.conversation import Conversations, PreparedClip, Tokens
from video_star.training.job import clip_of
from video_star.video.cache import FrameCache

IGNORED = -100
"""Label of a token that has no loss: all tokens but the answer's."""


@dataclass(frozen=True)
class EncodedExample:
    """One example: its tokens and the index of its clip."""

    tokens: Tokens
    clip: int

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class EncodedClip:
    """One clip as model input, and its examples by their index in the training set."""

    clip: PreparedClip
    examples: Mapping[int, EncodedExample]


def encode_examples(
    examples: Sequence[TrainingExample],
    conversations: Conversations,
    frames: FrameCache,
    data: Path,
    video_roots: Sequence[Path] = (),
) -> Iterator[EncodedClip]:
    """Clips in the order of their paths, each of them read and preprocessed once."""

    def clip_key(index: int) -> tuple[str, float, float]:
        example = examples[index]
        start = -1.0 if example.start_s is None else example.start_s
        return example.video, start, -1.0 if example.end_s is None else example.end_s

    ordered = sorted(range(len(examples)), key=clip_key)
    for number, (_, group) in enumerate(groupby(ordered, key=clip_key)):
        indices = list(group)
        clip = conversations.prepare(frames.get(clip_of(examples[indices[0]], data, video_roots)))
        encoded = {}
        for i in indices:
            prompt, completion = examples[i].prompt, examples[i].completion
            tokens = conversations.encode_conversation(clip, prompt, completion)
            encoded[i] = EncodedExample(tokens, number)
        yield EncodedClip(clip, encoded)
