"""How a mention stands in its answer: denied, asked, supposed, concluded, beside another one.

Each mention is read as a single word, so that its own words and marks do not count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from video_star.verifiers import standing_words as say
from video_star.verifiers.text import read, spans_of

T = TypeVar("T")
Place = tuple[int, int]

_HOLDER = " q "
"""Stands for a mention while its sentence is read, so that its own words and marks do not count."""
REACH = 14
"""Words that a denial or a context is searched over."""


@dataclass(frozen=True)
class Mention(Generic[T]):
    """A value and its places in the folded text, in order and apart from each other."""

    value: T
    pieces: tuple[Place, ...]
    rank: int = 0
    """Weaker ways of saying it have a lower rank and give way to stronger ones."""

    @property
    def place(self) -> Place:
        return self.pieces[0][0], self.pieces[-1][1]


@dataclass(frozen=True)
class View:
    """The answer with a placeholder for each piece of a mention."""

    words: tuple[str, ...]
    gaps: tuple[str, ...]
    """Marks before each word, and those after the last one."""
    sentences: tuple[int, ...]
    asked: frozenset[int]
    supposed: frozenset[int]
    held: dict[Place, int]
    """Which word stands for a piece."""
    holders: frozenset[int]
    leads: bool
    """Whether the answer is a list in which each value stands before what it is about."""

    @classmethod
    def of(cls, folded: str, mentions: Sequence[Mention[T]]) -> View:
        pieces = sorted(piece for mention in mentions for piece in mention.pieces)
        parts: list[str] = []
        starts: list[int] = []
        length = done = 0
        for start, end in pieces:
            before = folded[done:start]
            starts.append(length + len(before) + 1)
            parts += [before, _HOLDER]
            length += len(before) + len(_HOLDER)
            done = end
        masked = "".join([*parts, folded[done:]])
        reading, spans = read(masked), spans_of(masked)
        index = {start: i for i, (start, _) in enumerate(spans)}
        held = {piece: index[start] for piece, start in zip(pieces, starts, strict=True)}
        edges = [0, *(end for _, end in spans)]
        gaps = [masked[a:b] for a, (b, _) in zip(edges, spans, strict=False)]
        gaps.append(masked[edges[-1] :])
        gaps = [re.sub(r"[^\S\n]+", "", re.sub(r"\n\s*", "\n", gap)) for gap in gaps]
        listed = len(held) > 1 and all(gaps[i] or i == 0 for i in held.values())
        return cls(
            reading.words,
            tuple(gaps),
            reading.sentences,
            reading.asked,
            reading.supposed,
            held,
            frozenset(held.values()),
            listed and 0 in held.values(),
        )

    def first(self, mention: Mention[T]) -> int:
        return self.held[mention.pieces[0]]

    def last(self, mention: Mention[T]) -> int:
        return self.held[mention.pieces[-1]]

    def places_of(self, words: frozenset[str]) -> list[int]:
        """Places of any of the words."""
        return [i for i, word in enumerate(self.words) if word in words]

    def is_denied(self, mention: Mention[T]) -> bool:
        """Whether a denial before or after it reaches any of its pieces."""
        indices = [self.held[piece] for piece in mention.pieces]
        return (
            any(self._denied_before(i) for i in indices)
            or self._denied_after(indices[-1])
            or self._is_retracted(indices[0])
        )

    def _is_retracted(self, at: int) -> bool:
        """ "I first thought it was 2 to 4", "at first glance I would say 80"."""
        supposed = first = False
        for i in range(at - 1, max(-1, at - REACH), -1):
            if self.sentences[i] != self.sentences[at] or self.words[i] in say.SCOPE_ENDS:
                break
            said = self.words[i] != "say" or self.words[i - 1] in ("would", "i'd")
            supposed = supposed or (said and self.words[i] in say.SUPPOSED)
            first = first or self.words[i] in say.AT_FIRST
            if self.words[i] in say.GUESSES and self.words[i - 1] in say.FORMER and i:
                return True  # "my first estimate was 75"
        following = self.words[at + 1 : at + 4]
        return supposed and (first or not say.AT_FIRST.isdisjoint(following))

    def _denied_before(self, at: int) -> bool:
        held = content = False
        for i in range(at - 1, max(-1, at - REACH), -1):
            word, following = self.words[i], self.words[i + 1]
            if self.sentences[i] != self.sentences[at] or self._stops(i, at, held, content):
                return False
            if word in ("until", "till"):
                return False  # "does not open until 7 s" opens then
            if word in say.NOT_DENIALS and self.words[i - 1] in ("not", "no") and i:
                return False
            if self._denies(i, following, at, content) or (
                word == "but" and i and self.words[i - 1] in ("anything", "everything")
            ):
                return True
            if word in say.SCOPE_ENDS or self.opens(i):
                return False
            held = held or i in self.holders
            content = content or (word not in say.JOINERS and i not in self.holders)
        return False

    def _stops(self, i: int, at: int, held: bool, content: bool) -> bool:
        """Whether a clause ends between word i and the next one, seen from the mention."""
        gap = self.gaps[i + 1]
        if any(mark in gap for mark in ":)(\u2014") and i + 1 != at:
            return True
        listed = held or self.words[i + 1] in ("or", "nor", "and")
        if "," in gap and not (listed and not content):
            return True
        if "," in gap and i + 1 in self.holders and i not in self.holders:
            return True  # "I'm not sure, 4 s or 9 s"
        return self.words[i + 1] == "and" and content and not held

    def _denies(self, i: int, following: str, at: int, content: bool) -> bool:
        word = self.words[i]
        if word == "outside":
            return all(w in say.JOINERS or w in say.STRETCHES for w in self.words[i + 1 : at])
        if word in say.CONTRAST_WORDS:
            return at - i <= 6
        if (word, following) in say.CONTRASTS:
            return not content
        if word == "no" and following in ("doubt", "other", "longer"):
            return False
        if word == "doubt" and i and self.words[i - 1] in ("no", "without"):
            return False
        if word in say.NOUN_DENIALS:
            exists = i > 0 and self.words[i - 1] in say.BE
            return not content or exists or word in ("nothing", "nobody", "nowhere", "none")
        if word in say.WRONG:
            return not (i and self.words[i - 1] in ("not", "n't"))
        return word in say.CLAUSE_DENIALS or word.endswith("n't")

    def _denied_after(self, at: int) -> bool:
        """ "2 to 4 is wrong", "is not right", "can be ruled out"."""
        for i in range(at + 1, min(at + 6, len(self.words))):
            word = self.words[i]
            if self.sentences[i] != self.sentences[at] or "," in self.gaps[i]:
                return False
            if word in say.WRONG or self.words[i : i + 2] == ("ruled", "out"):
                return True
            if word in ("not", "never", "cannot") or word.endswith("n't"):
                # "3 s is not 4 s" and "P is not right", but "3 s, not 4 s" denies what follows.
                return i > at + 1 or word not in ("not", "never")
            if word not in say.AFTER_AUXILIARIES:
                return False
        return False

    def is_open(self, mention: Mention[T]) -> bool:
        """Whether it is only asked ("is it 2 to 4?") or supposed ("if it were 2 to 4")."""
        at = self.last(mention)
        if at in self.supposed:
            return True
        if at in self.asked:
            following = next(
                (i for i in range(at + 1, len(self.words)) if i not in self.asked), None
            )
            return following is None or self.words[following] not in ("yes", "yeah", "right")
        begin = max(0, at - REACH)
        clause = [
            i
            for i in range(begin, at)
            if self.sentences[i] == self.sentences[at]
            and not any("," in gap for gap in self.gaps[i + 1 : at + 1])
        ]
        words = [self.words[i] for i in clause]
        if "if" in words and "as" not in words:
            return True
        pairs = set(pairwise(words))
        if any(one in say.PEOPLE and other in say.VIEWS for one, other in pairs):
            return True
        return any((modal, "have") in pairs for modal in ("would", "could", "should", "might"))

    def opens(self, i: int) -> bool:
        """Whether a word opens a conclusion."""
        word, following = self.words[i], self.words[i + 1 : i + 2]
        if word in say.OPENERS:
            starts = i == 0 or bool(self.gaps[i]) or self.words[i - 1] in ("and", "but")
            return starts and following != ("that",)
        if word == "answer" and following[:1] in (("this",), ("the",)):
            return False
        return word in say.CONCLUDERS or (word, *following) in say.IN_PAIRS

    def corrects(self, i: int) -> bool:
        """Whether a word takes back what was said before."""
        word, following = self.words[i], self.words[i + 1 : i + 2]
        if word in ("instead", "rather") and following in (("of",), ("than",)):
            return False
        if word == "rather":
            return self.words[i - 1] == "or" or bool(self.gaps[i])
        if word == "no":
            return bool(self.gaps[i]) and "," in self.gaps[i + 1]
        return word in say.CORRECTORS

    def takes_back(self, i: int) -> bool:
        """Whether a word that follows a mention says that it was a slip: "no, wait"."""
        return (
            self.words[i] in say.SLIPS
            and bool(self.gaps[i] or self.words[i - 1] in say.SLIPS)
            and (self.words[i] != "no" or bool(self.gaps[i + 1]) or self.words[i + 1] in say.SLIPS)
        )

    def are_joined(self, one: Mention[T], other: Mention[T]) -> bool:
        """Whether two mentions stand side by side, neither replacing the other."""
        between = range(self.last(one) + 1, self.first(other))
        if len(between) > REACH:
            return False
        words = [self.words[i] for i in between]
        if any(self.opens(i) or self.corrects(i) for i in between):
            return False
        if any(word not in say.JOINERS for word in words):
            return False
        if "does" in words or "did" in words:
            return False  # "gets ready at 2 and does it at 4"
        if "but" in words and say.OPEN.isdisjoint(words):
            return False  # "could be 2, but most likely it is 4"
        same = self.sentences[self.last(one)] == self.sentences[self.first(other)]
        return same or any(word in say.ALTERNATING for word in words)
