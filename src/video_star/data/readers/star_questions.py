"""One entry of STAR's question files, checked as far as the question types need it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from video_star.core.labels import ChoiceLabel
from video_star.data.readers import rows
from video_star.data.readers.json_files import items_of, mapping, text_of
from video_star.data.readers.rows import BadRow, EmptyLabel

TYPES = ("Interaction", "Sequence", "Prediction", "Feasibility")
SEEN = frozenset({"Interaction", "Sequence"})
"""Types that are answered by what happens in the segment, not by what may come after it."""
_ID = re.compile(r"[A-Za-z]+_T\d+_\d+", re.ASCII)


@dataclass(frozen=True)
class Question:
    """A question about the segment from start to end (seconds) of a video."""

    id: str
    """{type}_T{template}_{number}"""
    video: str
    start: float
    end: float
    text: str
    answer: str | None
    """Without its full stop; None in STAR_test.json, whose answers are not public."""
    raw: Mapping[str, Any]

    @property
    def type(self) -> str:
        """Interaction, Sequence, Prediction or Feasibility."""
        return self.id.partition("_")[0]

    @property
    def situations(self) -> Mapping[str, Any]:
        """Keyframe number to what it shows; BadRow when there is no such mapping."""
        return mapping(self.raw.get("situations"), "situations")

    def said(self) -> str:
        """The answer; EmptyLabel without one."""
        if self.answer is None:
            raise EmptyLabel(f"{self.id} has no answer; use STAR_train.json or STAR_val.json.")
        return self.answer

    def choice(self) -> ChoiceLabel:
        """The options by their ids, whatever the order of the list, and which one is right."""
        answer = self.said()
        texts: dict[int, str] = {}
        for item in items_of(self.raw, "choices"):
            choice = mapping(item, "a choice")
            number = rows.number(choice.get("choice_id"), "choice_id")
            if number in texts:
                raise BadRow(f"{self.id} has two options {number:g}; correct choice_id.")
            texts[int(number)] = without_stop(text_of(choice, "choice"))
        options = tuple(texts[number] for number in sorted(texts))
        right = [i for i, option in enumerate(options) if option.lower() == answer.lower()]
        if not 2 <= len(options) <= 26 or len(right) != 1:
            raise BadRow(
                f"{self.id} has {len(options)} options of which {len(right)} are the answer; "
                "correct its choices."
            )
        return ChoiceLabel(options=options, answer=right[0])


def question_of(item: object) -> Question:
    """The entry with its fields checked; BadRow when one is missing or wrong."""
    raw = mapping(item, "the entry")
    name = text_of(raw, "question_id")
    if not _ID.fullmatch(name) or name.partition("_")[0] not in TYPES:
        raise BadRow(f"question_id is {name!r}, not one like Interaction_T1_13; correct it.")
    start, end = rows.number(raw.get("start"), "start"), rows.number(raw.get("end"), "end")
    if not 0 <= start < end:
        raise BadRow(f"{name} runs from {start:g} to {end:g} seconds; the end must be later.")
    answer = raw.get("answer")
    return Question(
        id=name,
        video=text_of(raw, "video_id"),
        start=start,
        end=end,
        text=text_of(raw, "question"),
        answer=None if answer in (None, "") else without_stop(text_of(raw, "answer")),
        raw=raw,
    )


def without_stop(text: str) -> str:
    """The text without white space around it and without the full stop that ends all answers."""
    return text.strip().removesuffix(".").strip()
