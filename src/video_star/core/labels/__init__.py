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

from video_star.core.labels.base import NAME_LENGTH as NAME_LENGTH
from video_star.core.labels.base import TEXT_LENGTH as TEXT_LENGTH
from video_star.core.labels.base import BaseLabel as BaseLabel
from video_star.core.labels.base import Record as Record
from video_star.core.labels.base import is_visible as is_visible
from video_star.core.labels.choice import ChoiceLabel as ChoiceLabel
from video_star.core.labels.choice import option_line as option_line
from video_star.core.labels.classes import ClassLabel as ClassLabel
from video_star.core.labels.names import SequenceLabel as SequenceLabel
from video_star.core.labels.names import SetLabel as SetLabel
from video_star.core.labels.same import SameLabel as SameLabel
from video_star.core.labels.text import TextLabel as TextLabel
from video_star.core.labels.values import BoxLabel as BoxLabel
from video_star.core.labels.values import ScoreLabel as ScoreLabel
from video_star.core.labels.values import SpanLabel as SpanLabel
from video_star.core.labels.values import TimeLabel as TimeLabel
from video_star.core.labels.values import say_box as say_box
from video_star.core.labels.values import say_seconds as say_seconds

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
