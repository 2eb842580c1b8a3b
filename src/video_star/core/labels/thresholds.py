"""Thresholds of the verifiers, and the two published sets of them as named presets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
Preset = Literal["released", "paper"]


class Thresholds(BaseModel):
    """What separates a match from a miss, by label kind: the authors' released verifier.py.

    It knows neither `class_nearest`, `class_margin` nor `text_agreement`: measured on answers of
    published models, see EXPERIMENTS.md.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    class_similarity: Fraction = 0.85
    """Least similarity of a misspelt word with its word in a name (class, sequence, set)."""
    class_nearest: Fraction = 0.5
    """Least cosine of a final answer with the nearest class, where it gives none by its words."""
    class_margin: Fraction = 0.05
    """How much nearer than the second class the nearest one must be."""
    span_iou: Fraction = 0.5
    """The temporal IoU must be greater."""
    time_tolerance: Fraction = 0.1
    """Largest difference, as a share of the clip's duration (without one, of the instant)."""
    score_tolerance: Fraction = 0.1
    """Largest difference, as a share of the value."""
    box_iou: Fraction = 0.5
    """The IoU of the boxes must be greater."""
    text_similarity: Fraction = 0.6
    """Least cosine of each sentence with some sentence of the answer (verify.method: released)."""
    text_agreement: Fraction = 0.43
    """Least mean of the lowest such cosine and of the share of the label's words in the answer."""


PRESETS: dict[Preset, Thresholds] = {
    "released": Thresholds(),
    # The paper, section 2.3 and appendix A.1: 80 for words, 5 % for numbers; no others given.
    "paper": Thresholds(class_similarity=0.8, time_tolerance=0.05, score_tolerance=0.05),
}
