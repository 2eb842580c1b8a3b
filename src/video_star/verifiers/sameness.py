"""Verifier of `same` labels: does the answer say that two things are the same one?

Each clause that speaks of identity is a statement with a polarity: what it says ("the same",
"different", "yes" to the question), turned round by each denial that reaches it ("not different").
Sameness of an attribute is no statement ("the same color", "different positions"). Statements are
firm or weak (a belief, a possibility). The firm ones decide; where they disagree, the last one
decides if the answer says that it revises or concludes, otherwise the answer contradicts itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from video_star.domain import LabelVerdict
from video_star.labels import SameLabel
from video_star.params import VerifyParams
from video_star.verifiers.base import Case, Known, verdict
from video_star.verifiers.sameness_polarity import bare_polarity, question_polarity
from video_star.verifiers.sameness_words import (
    ATTRIBUTES,
    BEINGS,
    CLAUSE_STARTS,
    CONCEDING,
    CONTAINERS,
    DIFFERENCE,
    DIFFERENT,
    DOUBT_WORDS,
    DOUBTS,
    FURTHER,
    KINDS_OF_BEINGS,
    MATCH,
    NEARLY,
    OWNING,
    PAIR,
    REVISING,
    SAME,
    SUBJECTS,
    TELLING,
    WEAK,
)
from video_star.verifiers.text import STOP_WORDS, Reading, read, span_of, word_set

VERIFIER = ("same-polarity", 1)


@dataclass(frozen=True)
class _Statement:
    """One thing that the answer says about identity."""

    same: bool | None
    """None: the answer says that it does not know."""
    firm: bool
    clause: int
    place: tuple[int, int]
    """First and last word."""
    guessed: bool = False
    """Only possible: "might be the same"."""


def verify_same(label: SameLabel, case: Case, params: VerifyParams, known: Known) -> LabelVerdict:
    """Judge one answer by the polarity of what it says; an answer that leaves it open fails."""
    reading = read(case.text)
    said = _Speech(reading, case.question).statements()
    chosen, reason = _decide(said, reading)
    if chosen is not None and not reason:
        reason = "match" if chosen.same == label.same else "opposite"
    place = None
    if chosen is not None:
        place = span_of(case.text, *chosen.place)
    return verdict(label, case, VERIFIER, float(reason == "match"), 1.0, place, reason)


def _decide(said: Sequence[_Statement], reading: Reading) -> tuple[_Statement | None, str]:
    """The statement that counts, and why it does not count after all ("" if it does)."""
    if not said:
        return None, "no match"
    known = [statement for statement in said if statement.same is not None]
    if not known:
        return said[-1], "undecided"
    firm = [statement for statement in known if statement.firm]
    last = (firm or known)[-1]
    if said[-1].same is None and said[-1].clause >= last.clause:
        return said[-1], "undecided"
    if last.guessed:
        return last, "undecided"
    others = [s for s in (firm or known)[:-1] if s.same != last.same]
    if others:
        between = reading.words[others[-1].place[1] + 1 : last.place[0] + 1]
        if not firm or REVISING.isdisjoint(between):
            return last, "contradiction"
    return last, ""


class _Speech:
    """An answer cut into clauses."""

    def __init__(self, reading: Reading, question: str) -> None:
        self.reading = reading
        self.words = reading.words
        asked = read(question).words
        self.asked_same = question_polarity(asked)
        things = {word for word in asked if word not in STOP_WORDS | ATTRIBUTES}
        asked_kinds = [kind for kind in KINDS_OF_BEINGS if not kind.isdisjoint(asked)]
        others = [kind for kind in KINDS_OF_BEINGS if kind not in asked_kinds]
        self.unasked = frozenset[str]().union(*others) if len(asked_kinds) == 1 else frozenset()
        self.things = things | {f"{word}s" for word in things}
        self.clauses = self._cut()

    def _cut(self) -> list[range]:
        """Clauses: between sentence ends, commas and words that start a new clause."""
        found: list[range] = []
        begin = 0
        for i in range(1, len(self.words) + 1):
            ends = i == len(self.words) or bool(self.reading.mark(i))
            last = i + 1 >= len(self.words) or bool(self.reading.mark(i + 1))
            if ends or (self.words[i] in CLAUSE_STARTS and not last):
                if i > begin:
                    found.append(range(begin, i))
                begin = i
        return found

    def statements(self) -> list[_Statement]:
        """All statements, in the order of the text."""
        found: list[_Statement] = []
        for number, clause in enumerate(self.clauses):
            words = [self.words[i] for i in clause]
            if clause[0] in self.reading.asked or not words:
                continue
            here = self._about_identity(number, clause)
            if not here:
                bare = self._bare(number, clause)
                here = [bare] if bare else []
            elif self._is_doubtful(clause):
                here = [_Statement(None, True, number, here[-1].place)]
            if not here and self._is_doubtful(clause):
                here = [_Statement(None, True, number, (clause[0], clause[-1]))]
            if not (words[0] in CONCEDING and here):
                found += here
        return found

    def _about_identity(self, number: int, clause: range) -> list[_Statement]:
        found: list[_Statement] = []
        weak = not WEAK.isdisjoint(self.words[i] for i in clause)
        for i in clause:
            same = self._claim(i, clause)
            if same is None or i in self.reading.supposed & self._conditions(clause):
                continue
            retracted = i in self.reading.supposed
            if self._turns(i) % 2:
                same = not same
            guessed = i in self.reading.guessed
            found.append(_Statement(same, not (weak or retracted), number, (i, i), guessed))
        polarities = {statement.same for statement in found}
        if len(polarities) == 2 and "or" in [self.words[i] for i in clause]:
            return [_Statement(None, True, number, (clause[0], clause[-1]))]
        return found

    def _conditions(self, clause: range) -> frozenset[int]:
        """All of a clause that says "if" or "whether": it states nothing."""
        words = [self.words[i] for i in clause]
        return frozenset(clause) if "if" in words or "whether" in words else frozenset()

    def _turns(self, i: int) -> int:
        """How many denials reach a word; "neither ... nor" is one."""
        cues = [
            cue
            for cue, reached in self.reading.denials
            if i in reached and "more" not in self.words[cue:i]  # "couldn't be more different"
        ]
        words = [self.words[cue] for cue in cues]
        return len(cues) - (1 if "neither" in words and "nor" in words else 0)

    def _claim(self, i: int, clause: range) -> bool | None:
        """What a word claims before denials: True the same, False different, None nothing."""
        word = self.words[i]
        if word in SAME:
            if not NEARLY.isdisjoint(self.words[max(clause[0], i - 2) : i]):
                return None
            return None if self._is_attribute(i, clause) else True
        if word in DIFFERENT:
            return None if self._is_attribute(i, clause) else False
        if word in DIFFERENCE:
            return False if self._turns(i) else None
        before = self.words[max(clause[0], i - 4) : i]
        after = self.words[i + 1 : i + 3]
        if word in MATCH and not (PAIR | self.things).isdisjoint(before):
            return True
        if word in ("else",) and before[-1:] in (("someone",), ("something",), ("somebody",)):
            return False
        if word == "another" and not self._is_attribute(i, clause):
            is_told = before[-1:] and before[-1] in TELLING
            if is_told or not BEINGS.isdisjoint(after):
                return False
        return self._count(i, before, after)

    def _count(self, i: int, before: Sequence[str], after: Sequence[str]) -> bool | None:
        """ "There is only one cup" and "these are two people"."""
        word = self.words[i]
        states = not word_set(
            "is are were show shows be there see contain it's there's"
        ).isdisjoint(before)
        if word in ("one", "single") and states and not BEINGS.isdisjoint(after):
            return True
        only = word == "single" or not {"only", "just"}.isdisjoint(before)
        if word in ("one", "single") and states and only and after[:1] and after[0] in self.things:
            return True if after[0] not in CONTAINERS else None
        if word in FURTHER and before[-1:] == ("a",) and not TELLING.isdisjoint(before[-2:-1]):
            return False if BEINGS.union(self.things - CONTAINERS).intersection(after[:1]) else None
        if word == "two" and states and "the" not in before and not BEINGS.isdisjoint(after):
            follows = set(self.words[i + 1 : i + 4])
            return False if follows.isdisjoint(SAME | DIFFERENT) else None
        return None

    def _is_attribute(self, i: int, clause: range) -> bool:
        """Whether "same" or "different" tells about an attribute, not about identity."""
        after: list[str] = []
        for k in range(i + 1, min(i + 4, clause[-1] + 1)):
            if self.words[k] in ("as", "in", "from", "and", "is", "are"):
                break
            after.append(self.words[k])
        if any(word in BEINGS for word in after):
            return not self.unasked.isdisjoint(after)
        if any(word in ATTRIBUTES for word in after):
            return True
        if not after:
            following = self.words[i + 1 : i + 4]
            if following[:1] == ("in",) and not (ATTRIBUTES - CONTAINERS).isdisjoint(following):
                return True
            subject = [self.words[k] for k in range(clause[0], i) if self.words[k] not in SUBJECTS]
            return self._speaks_of_attribute(subject)
        before = [self.words[k] for k in range(max(clause[0], i - 2), i)]
        return any(word in OWNING for word in before)

    def _speaks_of_attribute(self, subject: Sequence[str]) -> bool:
        """ "the colors are different", unless it goes on "of the two objects"."""
        nouns = [word for word in subject if word in ATTRIBUTES | BEINGS]
        return bool(nouns) and nouns[0] in ATTRIBUTES - CONTAINERS

    def _is_doubtful(self, clause: range) -> bool:
        words = [self.words[i] for i in clause]
        if not DOUBT_WORDS.isdisjoint(words):
            return True
        return any(
            tuple(words[k : k + len(doubt)]) == doubt for doubt in DOUBTS for k in range(len(words))
        )

    def _bare(self, number: int, clause: range) -> _Statement | None:
        """ "Yes", "so no", "the answer is no", "it is", "they are not": answers to the question."""
        polarity = self._question_before(clause)
        if polarity is None:
            return None
        words = tuple(self.words[i] for i in clause)
        if words[:1] == ("but",):
            if words[1:] not in (("yes",), ("no",)):
                return None
            words = words[1:]
        while words and words[0] in ("so", "therefore", "well", "and", "thus", "hence"):
            words = words[1:]
        says = bare_polarity(words)
        if says is None:
            return None
        return _Statement(says == polarity, True, number, (clause[0], clause[-1]))

    def _question_before(self, clause: range) -> bool | None:
        """Whether "yes" means the same: by the question right before, else by the prompt."""
        last = clause[0] - 1
        if "?" in self.reading.mark(clause[0]):
            asked = [
                self.words[i]
                for i in range(last + 1)
                if self.reading.sentences[i] == self.reading.sentences[last]
            ]
            own = question_polarity(asked)
            return self.asked_same if own is None else own
        return self.asked_same
