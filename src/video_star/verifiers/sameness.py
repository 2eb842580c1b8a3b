"""Verifier of `same` labels: does the answer say that two things are the same one?

Each clause that speaks of identity is a statement with a polarity: what it says ("the same",
"different", "yes" to the question), turned round by each denial that reaches it ("not different").
Sameness of an attribute is no statement ("the same color", "different positions"). Statements are
firm or weak (a belief, a possibility), and about what the question names or about something else
("the same earrings"). Firm ones about what was asked decide; where they disagree, the last one
decides if the answer says that it revises or concludes, otherwise the answer contradicts itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from video_star.domain import LabelVerdict
from video_star.labels import SameLabel
from video_star.params import VerifyParams
from video_star.verifiers.base import Case, Known, verdict
from video_star.verifiers.sameness_claims import Claims, names
from video_star.verifiers.sameness_polarity import Asked, bare_polarity, question_polarity
from video_star.verifiers.sameness_words import (
    ATTRIBUTES,
    AUXILIARIES,
    BEINGS,
    CLAUSE_STARTS,
    CONCEDING,
    CONTAINERS,
    DIFFERENT,
    DOUBT_WORDS,
    DOUBTS,
    FRAME,
    MATCH,
    NO,
    REVISING,
    SAME,
    SUBJECTS,
    VERDICTS,
    WEAK,
    WRONG,
    YES,
)
from video_star.verifiers.text import Reading, read, span_of

VERIFIER = ("same-polarity", 2)


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
    asked: bool = True
    """About what the question names, and not about something else."""


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
    known = [statement for statement in known if statement.asked] or known
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
        self.asked = Asked.of(question)
        self.claims = Claims(reading, self.asked)
        self.clauses = self._cut()

    def _cut(self) -> list[range]:
        """Clauses: between sentence ends, commas and words that start a new clause."""
        found: list[range] = []
        begin = 0
        for i in range(1, len(self.words) + 1):
            ends = i == len(self.words) or bool(self.reading.mark(i))
            last = i + 1 >= len(self.words) or bool(self.reading.mark(i + 1))
            if self._is_aside(i) or self._is_aside(i - 1):
                continue
            if ends or (self.words[i] in CLAUSE_STARTS and not last):
                if i > begin:
                    found.append(range(begin, i))
                begin = i
        return found

    def _is_aside(self, i: int) -> bool:
        """The "however" in "the horse, however, is not": it parts no clauses."""
        if self.words[i : i + 1] not in (("however",), ("though",)) or i + 1 >= len(self.words):
            return False
        marks = self.reading.mark(i), self.reading.mark(i + 1)
        return marks == (",", ",") and self.words[i + 1].removesuffix("n't") in AUXILIARIES

    def statements(self) -> list[_Statement]:
        """All statements, in the order of the text."""
        found: list[_Statement] = []
        for number, clause in enumerate(self.clauses):
            if clause[0] in self.reading.asked or self._is_value(clause, found):
                continue
            here = self._about_identity(number, clause)
            if not here:
                bare = self._bare(number, clause, found)
                here = [bare] if bare else []
            elif self._is_doubtful(clause):
                here = [_Statement(None, True, number, here[-1].place)]
            if not here and self._is_doubtful(clause):
                here = [_Statement(None, True, number, (clause[0], clause[-1]))]
            if not (self.words[clause[0]] in CONCEDING and here):
                found += here
        return found

    def _is_value(self, clause: range, found: Sequence[_Statement]) -> bool:
        """Whether a clause only goes on with its key: "same: no", "hair: different"."""
        if ":" not in self.reading.mark(clause[0]) or clause[0] == 0:
            return False
        key = self._clause_before(clause)
        if self._only_of_attribute(key) or self._is_of_other(key, clause):
            return True
        is_told = bool(found) and found[-1].place[0] in key
        return is_told and self.claims.value_after(found[-1].place[0], key) is not None

    def _clause_before(self, clause: range) -> range:
        before = (other for other in self.clauses if other.stop == clause.start)
        return next(before, range(0))

    def _only_of_attribute(self, clause: range) -> bool:
        """Whether a key or a question is about attributes alone: "Hair color: ...", "Same hat?"."""
        words = [self.words[i] for i in clause]
        apart = BEINGS.isdisjoint(words) and not names(self.asked.focus, words)
        return apart and not (ATTRIBUTES - CONTAINERS).isdisjoint(words)

    def _is_of_other(self, key: range, clause: range) -> bool:
        """ "Helmet: same", where the question asks for no helmet; but "answer: same" counts."""
        words = [self.words[i] for i in key]
        told = VERDICTS | BEINGS | CONTAINERS | SAME | DIFFERENT | MATCH | FRAME
        bare = self.words[clause[0]] in SAME | DIFFERENT and len(clause) == 1
        apart = told.isdisjoint(words) and not names(self.asked.things, words)
        return bare and apart and len(key) <= 2

    def _about_identity(self, number: int, clause: range) -> list[_Statement]:
        found: list[_Statement] = []
        weak = not WEAK.isdisjoint(self.words[i] for i in clause)
        words = [self.words[i] for i in clause]
        for i in clause:
            same = self.claims.of(i, clause)
            unreal = self._is_unreal(i, clause)
            if same is None or unreal or i in self.reading.supposed & self._conditions(clause):
                continue
            retracted = i in self.reading.supposed
            if self.claims.turns(i, clause) % 2:
                same = not same
            asked = self.claims.is_about_asked(i, clause)
            guessed = i in self.reading.guessed
            firm = not (weak or retracted)
            found.append(_Statement(same, firm, number, (i, i), guessed, asked))
        polarities = {statement.same for statement in found}
        if (len(polarities) == 2 and "or" in words) or (found and {"either", "or"} <= set(words)):
            return [_Statement(None, True, number, (clause[0], clause[-1]))]
        return found

    def _conditions(self, clause: range) -> frozenset[int]:
        """All of a clause that says "if" or "whether": it states nothing."""
        words = [self.words[i] for i in clause]
        return frozenset(clause) if "if" in words or "whether" in words else frozenset()

    def _is_unreal(self, i: int, clause: range) -> bool:
        """ "It would be the same person if the ring was there"."""
        sentence = self.reading.sentences
        later = (self.words[k] for k in range(i, len(self.words)) if sentence[k] == sentence[i])
        return ("would", "be") in pairwise(self.words[clause[0] : i]) and "if" in later

    def _is_doubtful(self, clause: range) -> bool:
        words = [self.words[i] for i in clause]
        if not DOUBT_WORDS.isdisjoint(words):
            return True
        return any(
            tuple(words[k : k + len(doubt)]) == doubt for doubt in DOUBTS for k in range(len(words))
        )

    def _bare(self, number: int, clause: range, found: Sequence[_Statement]) -> _Statement | None:
        """ "Yes", "so no", "the answer is no", "they are not": answers to the question."""
        words = tuple(self.words[i] for i in clause)
        place = clause[0], clause[-1]
        but = words[:1] == ("but",)
        while words and words[0] in ("but", "so", "therefore", "well", "and", "thus", "hence"):
            words = words[1:]
        says = bare_polarity(words)
        last = found[-1] if found else None
        if last and last.same is not None and self._turns_last(words, last, but and says is False):
            return _Statement(not last.same, True, number, place)
        polarity = self._question_before(clause)
        if polarity is None or says is None or (but and words[-1] not in YES | NO):
            return None
        return _Statement(says == polarity, True, number, place)

    def _turns_last(self, words: Sequence[str], last: _Statement, denied: bool) -> bool:
        """Whether a clause turns round what was said: "I disagree", "but the horse is not"."""
        if denied and words and words[0] in SUBJECTS:
            return True  # "One may think that they are the same, but they aren't."
        wrong = "not" not in words and len(words) <= 4 and words[-1:] and words[-1] in WRONG
        if wrong and words[0] in SUBJECTS | {"which"}:
            return True
        ends = bool(words) and words[-1].removesuffix("n't") in AUXILIARIES | {"not"}
        return not last.asked and ends and names(self.asked.focus, words[:-1])

    def _question_before(self, clause: range) -> bool | None:
        """Whether "yes" means the same: by the question right before, else by the prompt."""
        last = clause[0] - 1
        if "?" in self.reading.mark(clause[0]):
            if self._only_of_attribute(self._clause_before(clause)):
                return None
            asked = [
                self.words[i]
                for i in range(last + 1)
                if self.reading.sentences[i] == self.reading.sentences[last]
            ]
            own = question_polarity(asked)
            return self.asked.same if own is None else own
        return self.asked.same
