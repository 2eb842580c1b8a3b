"""What a label looks like when it is told to a model."""

from __future__ import annotations

from collections.abc import Sequence

from video_star.domain import Label


def label_text(labels: Sequence[Label]) -> str:
    """The labels of a sample in words, for the hint of a rationalization prompt."""
    return ", ".join(label.name for label in labels)
