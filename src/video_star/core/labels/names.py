"""Sets and sequences of names: whether an answer gives all of them.

All must be given plainly, and nothing else where no final line gives them: a text that tells more
may tell that one of them is missing.
"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field

from video_star.core.labels.base import NAMES, Asked, BaseLabel, Found, NameText, Row, fails, unless
from video_star.core.labels.cells import EmptyLabel, texts
from video_star.core.labels.mention import mention, name_of, runs
from video_star.core.labels.words import Said, all_words, lemma


class _NamesLabel(BaseLabel):
    """Several names."""

    THRESHOLD = "class_similarity"
    MISSING: ClassVar[str]
    """Why an answer fails that gives some of them."""

    names: tuple[NameText, ...] = Field(min_length=1, max_length=NAMES)

    @classmethod
    def of_row(cls, row: Row) -> Self:
        names = texts(row["label"], "label")
        if not names:
            raise EmptyLabel("label is an empty list; add names or take the row out.")
        return cls.model_validate({"names": names})

    def is_ordered(self, said: Said) -> bool:
        """Whether a text that has all words of all names gives them in order."""
        return True

    def find(self, said: Said, asked: Asked) -> Found:
        made = [
            mention(name_of(name).words, said, asked.limits.class_similarity) for name in self.names
        ]
        given = [one for one in made if one is not None]
        if len(given) < len(made):
            return fails(self.MISSING if given else "no match", len(given) / len(made))
        place = said.place(min(one.first for one in given), max(one.last for one in given))
        score = min(one.score for one in given)
        against = next((one.against for one in given if one.against), "")
        figures = [word for word in said.words if word.isdecimal()]
        counted = figures if figures == [str(n + 1) for n in range(len(figures))] else []
        known = [*all_words(f"{asked.question} {self.say()}"), *counted]  # of a list: "1. a, 2. b"
        if not (against or asked.final) and said.others(known):
            against = "other words"
        if not against and score == 1 and not self.is_ordered(said):  # misspelt ones have no place
            return fails("other order", score, place)
        return unless(against, score, place)


class SequenceLabel(_NamesLabel):
    """Named steps; passes when each is found, in order."""

    FORM = "<step>, then <step>"
    MISSING = "step missing"

    kind: Literal["sequence"] = "sequence"

    def say(self) -> str:
        return ", then ".join(self.names)

    def is_ordered(self, said: Said) -> bool:
        steps = [said.at(lemma(word)) for name in self.names for word in name_of(name).words]
        return any(runs(steps))


class SetLabel(_NamesLabel):
    """Names in any order; passes when each is found."""

    FORM = "<name>, <name>"
    MISSING = "name missing"

    kind: Literal["set"] = "set"

    def say(self) -> str:
        return " and ".join([", ".join(self.names[:-1]), self.names[-1]]).removeprefix(" and ")

    def final_value(self) -> str:
        return ", ".join(self.names)
