"""Sentences as labels: whether an answer means the same.

Two measures are averaged: how near each of the label's sentences is to some sentence of the
answer by embedding, and which share of the label's own words (those that the question does not
give already) the answer has. Embeddings take opposites for the same, so where both reach the
threshold, numbers, negation, names and directions may still make it doubtful.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, StringConstraints

from video_star.core.labels.base import (
    TEXT_LENGTH,
    Asked,
    BaseLabel,
    Found,
    Row,
    fails,
    shown,
    unless,
)
from video_star.core.labels.cells import one_text
from video_star.core.labels.mention import name_of
from video_star.core.labels.numbers import numbers_in
from video_star.core.labels.words import OPPOSITE, Said, all_words, lemmas

_NAME: Final = re.compile(r"(?<=[a-z,;:] )[A-Z][a-z]+")
"""A word with a capital inside of a sentence."""
MOST = 64
"""Sentences of an answer that are compared."""
LONGEST = 1000
"""Characters of a sentence that are compared."""


class TextLabel(BaseLabel):
    """One or more sentences; passes when the answer means the same."""

    FORM = "<sentence>"
    THRESHOLD = "text_agreement"
    EMBEDS = True

    kind: Literal["text"] = "text"
    text: Annotated[
        str, StringConstraints(min_length=1, max_length=TEXT_LENGTH), AfterValidator(shown)
    ]

    @classmethod
    def of_row(cls, row: Row) -> Self:
        return cls(text=one_text(row["label"]))

    def say(self) -> str:
        return self.text.strip().rstrip(".")

    def find(self, said: Said, asked: Asked) -> Found:
        wanted, given = Said(self.text).sentences, said.sentences[:MOST]
        if not given or asked.embed is None:
            return fails("no match")
        vectors = asked.embed([one.text[:LONGEST] for one in (*wanted, *given)])
        cosines = vectors[: len(wanted)] @ vectors[len(wanted) :].T
        nearest = [given[int(column)] for column in cosines.argmax(axis=1)]
        near = min(1.0, max(0.0, float(cosines.max(axis=1).min())))
        own = name_of(self.text).lemmas
        own = own - name_of(asked.question).lemmas or own
        score = (near + (len(own & said.lemmas) / len(own) if own else 1.0)) / 2
        place = nearest[0].start, nearest[0].end
        if score < asked.limits.text_agreement:
            return fails("no match", score)
        known = all_words(f"{asked.question} {self.text}")
        against = ""
        for one, other in zip(wanted, nearest, strict=True):
            left_open = said.doubt(other.start - said.start, known)
            if left_open == "hedged" and len(given) > 1 and not asked.final:
                left_open = ""  # models hedge in their long explanations, and mean them
            against = against or contradiction(one, other)
            against = left_open if left_open in ("asked", "hedged") else against
        return unless(against, score, place)


def contradiction(one: Said, other: Said) -> str:
    """What makes two sentences that are alike opposites: "" where nothing does."""
    if one.is_negated != other.is_negated:
        return "negated"
    names, theirs = ({*_NAME.findall(said.text)} for said in (one, other))
    if names and theirs and names.isdisjoint(theirs):
        return "other name"
    mine, said = ({value.numbers[0] for value in numbers_in(s.text)} for s in (one, other))
    if mine and said and mine.isdisjoint(said):
        return "other number"
    ways, others = (
        [way for word in said.words for way in sorted(lemmas(word) & OPPOSITE.keys())]
        for said in (one, other)
    )
    turned = sorted(ways) == sorted(others) or any(OPPOSITE[way] in others for way in ways)
    return "other direction" if ways != others and turned else ""
