"""Sameness: whether an answer says that two things are the same one."""

from __future__ import annotations

from typing import Final, Literal, Self

from video_star.core.excerpt import excerpt
from video_star.core.labels.base import Asked, BaseLabel, Found, Row, fails, unless
from video_star.core.labels.cells import BadRow, one_line
from video_star.core.labels.words import POLAR, Said, all_words, mark_of

_TRUE: Final = frozenset({"yes", "true", "1", "same", "the same"})
_FALSE: Final = frozenset({"no", "false", "0", "different", "not the same"})
_SAME: Final = {"same": True, "identical": True, "different": False, "distinct": False}


class SameLabel(BaseLabel):
    """Whether two things are the same one; passes when the answer agrees."""

    FORM = "<same or different>"

    kind: Literal["same"] = "same"
    same: bool

    @classmethod
    def of_row(cls, row: Row) -> Self:
        text = one_line(row["label"], "label").casefold().removesuffix(".0")
        if text not in _TRUE | _FALSE:
            raise BadRow(f"label is {excerpt(row['label'])}; write yes or no.")
        return cls(same=text in _TRUE)

    def say(self) -> str:
        return "they are the same" if self.same else "they are not the same"

    def final_value(self) -> str:
        return "same" if self.same else "different"

    def find(self, said: Said, asked: Asked) -> Found:
        question = all_words(asked.question)
        asks = {_SAME[word] for word in question if word in _SAME}
        read: list[tuple[bool, int]] = []
        against = {*said.reasons(["no"])}
        for number, word in enumerate(said.words):
            if word in _SAME:
                read.append((_SAME[word] != ("negated" in against), number))
            elif word in POLAR and len(asks) == 1:
                read.append(((word == "yes") in asks, number))
        if not read:
            return fails("no value")
        same, place = {same for same, _ in read}, said.place(read[0][1], read[-1][1])
        denials = [word for word in said.words if mark_of(word) == "negated"]
        doubts = [*sorted(against - {"negated"}), *(["several values"] if len(same) > 1 else [])]
        if not asked.final and said.others([*question, *_SAME, *POLAR, *denials]):
            doubts.append("other words")
        if not doubts and same != {self.same}:
            return fails("other value", 0.0, place)
        return unless(doubts[0] if doubts else "", 1.0, place)
