"""The kinds of labels: a module for each, or for those that share one idea.

A kind carries all that is known of it (`BaseLabel`): its fields, the form of its final line, how it
is said, how a row of a table becomes one, and how it is found in an answer. Another kind is a
module here and its name in `Label`.

Times are seconds of the clip, boxes are fractions of its width and height (corners x1 y1 x2 y2).
The field names are the field names of the JSON in manifests and everywhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias, get_args

from pydantic import Field

from video_star.core.labels.base import NAME_LENGTH, TEXT_LENGTH, BaseLabel, Record, is_visible
from video_star.core.labels.choice import ChoiceLabel, option_line
from video_star.core.labels.classes import ClassLabel
from video_star.core.labels.names import SequenceLabel, SetLabel
from video_star.core.labels.same import SameLabel
from video_star.core.labels.text import TextLabel
from video_star.core.labels.values import (
    BoxLabel,
    ScoreLabel,
    SpanLabel,
    TimeLabel,
    say_box,
    say_seconds,
)

__all__ = [
    "KINDS",
    "NAME_LENGTH",
    "TEXT_LENGTH",
    "BaseLabel",
    "BoxLabel",
    "ChoiceLabel",
    "ClassLabel",
    "Label",
    "Record",
    "SameLabel",
    "ScoreLabel",
    "SequenceLabel",
    "SetLabel",
    "SpanLabel",
    "TextLabel",
    "TimeLabel",
    "is_visible",
    "label_text",
    "option_line",
    "say_box",
    "say_seconds",
]

Label: TypeAlias = Annotated[
    ClassLabel
    | SequenceLabel
    | SetLabel
    | SpanLabel
    | TimeLabel
    | ScoreLabel
    | BoxLabel
    | TextLabel
    | ChoiceLabel
    | SameLabel,
    Field(discriminator="kind"),
]
"""A label of any kind."""

KINDS: dict[str, type[Label]] = {
    one.model_fields["kind"].default: one for one in get_args(get_args(Label)[0])
}
"""All label kinds by their names."""


def label_text(labels: Sequence[Label]) -> str:
    """The labels of a sample in words, for the hint of a rationalization prompt."""
    plain = all(label.kind == "class" for label in labels)
    return (", " if plain else "; ").join(label.say() for label in labels)
