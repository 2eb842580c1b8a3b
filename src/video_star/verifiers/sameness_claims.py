"""What a word of an answer claims about identity: "the same", "another one", "two people"."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from video_star.verifiers.inflection import root
from video_star.verifiers.sameness_polarity import Asked
from video_star.verifiers.sameness_words import (
    AFTER_ENDS,
    AGAIN,
    ATTRIBUTES,
    AUXILIARIES,
    BEINGS,
    BOTH,
    CONTAINERS,
    COUNTING,
    DIFFERENCE,
    DIFFERENT,
    FURTHER,
    MATCH,
    NEARLY,
    NO,
    OWNING,
    PAIR,
    REPLACED,
    SAME,
    SHOWN,
    SUBJECTS,
    TELLING,
    YES,
)
from video_star.verifiers.text import STOP_WORDS, Reading

_POINTING = SUBJECTS | AUXILIARIES | {"two", "a", "all", "not", "still", "just", "really"}
"""Between "these" and "different" in "these are two different ..."."""

_LEAD = (COUNTING | SUBJECTS | {"only", "just", "so"}) - {"the"}
"""Before "two people", where a question asks for one or two."""


class Claims:
    """The claims of an answer's words, seen from its question."""

    def __init__(self, reading: Reading, asked: Asked) -> None:
        self.reading = reading
        self.words = reading.words
        self.asked = asked

    def of(self, i: int, clause: range) -> bool | None:
        """What a word claims before denials: True the same, False different, None nothing."""
        word = self.words[i]
        before = self.words[max(clause[0], i - 4) : i]
        after = self.words[i + 1 : i + 3]
        if word in SAME:
            nearly = not NEARLY.isdisjoint(before[-2:])
            return None if nearly or self._is_attribute(i, clause) else True
        if word in DIFFERENT:
            skipped = self._is_attribute(i, clause) or self._of_the_same(i)
            return None if skipped else False
        if word in DIFFERENCE:
            return False if self.turns(i, clause) else None
        if word in MATCH:
            told = not PAIR.isdisjoint(before) or names(self.asked.things, before)
            return True if told else None
        if word == "else":
            told = before[-1:] in (("someone",), ("something",), ("somebody",))
            return False if told else None
        if word == "another":
            return False if self._is_another(i, clause, before, after) else None
        if word in REPLACED or word.startswith("change"):
            return False if self._has_changed(i, clause) else None
        if word in AGAIN:
            return True if names(self.asked.focus, self.words[clause[0] : i]) else None
        return self._count(i, clause, before, after)

    def is_about_asked(self, i: int, clause: range) -> bool:
        """Whether a claim is about what the question names ("the earrings are the same" may not).

        A claim about something else gives way to one about what was asked.
        """
        pointing = [self.words[k] for k in range(clause[0], i) if self.words[k] in SUBJECTS]
        if pointing and _POINTING.issuperset(self.words[clause[0] : i]):
            return True
        after, before = self._noun_after(i, clause), self.words[clause[0] : i]
        nouns = after or [word for word in before if word not in STOP_WORDS]
        if not nouns or not (SUBJECTS | BEINGS | PAIR).isdisjoint(nouns):
            return True
        if not after and not SUBJECTS.difference({"the", "that"}).isdisjoint(before):
            return True
        return names(self.asked.things, nouns)

    def turns(self, i: int, clause: range) -> int:
        """How many denials turn a claim round; "neither ... nor" is one."""
        cues = [
            cue
            for cue, reached in self.reading.denials
            if i in reached and "more" not in self.words[cue:i]  # "couldn't be more different"
        ]
        words = [self.words[cue] for cue in cues]
        both = 1 if "neither" in words and "nor" in words else 0
        value = self.value_after(i, clause)
        denied = value is not None and value not in cues and self.words[value] in NO | {"0"}
        return len(cues) - both + denied + self._is_not_seen(i, clause, cues)

    def value_after(self, i: int, clause: range) -> int | None:
        """Where the value of a key stands: "same: false", "is_same=true"."""
        if i - clause[0] > 2 or clause.stop - i > 3:
            return None
        end = clause.stop
        if end == len(self.words) or ":" not in self.reading.mark(end):
            end -= 1
        if end == i or end - clause[0] > 4:
            return None
        return end if self.words[end] in YES | NO | {"0", "1"} else None

    def _is_not_seen(self, i: int, clause: range, cues: Sequence[int]) -> bool:
        """ "The same cup is not used in both"."""
        if self.words[i] not in SAME:
            return False
        for k in range(i + 1, min(i + 7, clause.stop)):
            if self.words[k] in ("that", "who", "which") or k in cues:
                return False
            if self.words[k] == "not" or self.words[k].endswith("n't"):
                rest = self.words[k + 1 : clause.stop]
                return not (SHOWN.isdisjoint(rest[:2]) and BOTH.isdisjoint(rest))
        return False

    def _noun_after(self, i: int, clause: range) -> list[str]:
        """Up to three words after "same", up to where the noun ends."""
        after: list[str] = []
        for word in self.words[i + 1 : min(i + 4, clause.stop)]:
            if word in AFTER_ENDS:
                break
            after.append(word)
        return after

    def _is_attribute(self, i: int, clause: range) -> bool:
        """Whether "same" or "different" tells about an attribute, not about identity."""
        after = self._noun_after(i, clause)
        if names(self.asked.focus, after):
            return False
        before = self.words[max(clause[0], i - 3) : i]
        if not {"belong", "belongs"}.isdisjoint(before):
            return True
        if any(word in BEINGS for word in after):
            return not self.asked.unasked.isdisjoint(after)
        if any(word in ATTRIBUTES for word in after):
            return True
        if not after:
            following = self.words[i + 1 : i + 4]
            if following[:1] == ("in",) and self.speaks_of_attribute(following, BEINGS):
                return True
            subject = [self.words[k] for k in range(clause[0], i) if self.words[k] not in SUBJECTS]
            return self.speaks_of_attribute(subject)
        return not OWNING.isdisjoint(before[-2:])

    def speaks_of_attribute(self, words: Iterable[str], but: Collection[str] = frozenset()) -> bool:
        """ "the colors are different", unless it goes on "of the two objects"."""
        nouns = [word for word in words if word in ATTRIBUTES | BEINGS and word not in but]
        nouns = [word for word in nouns if word != "make"]
        if not nouns or names(self.asked.focus, nouns[:1]):
            return False
        return nouns[0] in ATTRIBUTES - CONTAINERS

    def _of_the_same(self, i: int) -> bool:
        """ "Different views of the same object" speaks of one object."""
        of = next((k for k in range(i + 2, i + 4) if self.words[k : k + 1] == ("of",)), None)
        if of is None or not BEINGS.isdisjoint(self.words[i + 1 : of]):
            return False
        return not {"same", "single", "one"}.isdisjoint(self.words[of + 1 : of + 4])

    def _is_another(
        self, i: int, clause: range, before: Sequence[str], after: Sequence[str]
    ) -> bool:
        if self._is_attribute(i, clause) or (before[-1:] == ("to",) and "one" in before):
            return False
        is_told = bool(before) and before[-1] in TELLING
        return is_told or not BEINGS.isdisjoint(after) or names(self.asked.focus, after)

    def _has_changed(self, i: int, clause: range) -> bool:
        """ "The driver has changed", "the ball was replaced", but not "changed his clothes"."""
        before, after = self.words[clause[0] : i], self.words[i + 1 : min(i + 4, clause.stop)]
        if self.words[i] in REPLACED:
            done = not AUXILIARIES.union(("been", "being", "gets", "got")).isdisjoint(before[-3:])
        else:
            done = not after or after[0] in AFTER_ENDS
        if not done or self.speaks_of_attribute(before) or self.speaks_of_attribute(after):
            return False
        return names(self.asked.focus, before)

    def _count(
        self, i: int, clause: range, before: Sequence[str], after: Sequence[str]
    ) -> bool | None:
        """ "There is only one cup" and "these are two people"."""
        word = self.words[i]
        beings = not BEINGS.isdisjoint(after)
        things = BEINGS.isdisjoint(after) and names(self.asked.things, after[:1])
        if after[:1] and after[0] in CONTAINERS:
            things = False
        states = not COUNTING.isdisjoint(before)
        if self.asked.counts and word in ("one", "two") and not self._is_listed(i, clause):
            return word == "one"
        if word == "one" and before[-1:] == ("the",):
            return True if self._is_the_one(i, clause) else None
        if word in ("one", "single") and states and beings:
            return True
        only = word == "single" or not {"only", "just"}.isdisjoint(before)
        if word in ("one", "single") and states and only and things:
            return True
        if word in FURTHER and before[-1:] == ("a",) and not TELLING.isdisjoint(before[-2:-1]):
            return False if beings or things else None
        these = before[-1:] == ("they're",) or not {"these", "they"}.isdisjoint(before)
        if word == "two" and states and "the" not in before and (beings or (these and things)):
            follows = set(self.words[i + 1 : i + 4])
            return False if follows.isdisjoint(SAME | DIFFERENT) else None
        return None

    def _is_the_one(self, i: int, clause: range) -> bool:
        """ "The parrot in the cage is the one that flew away", both of which were asked."""
        before, after = self.words[clause[0] : i], self.words[i + 1 : min(i + 6, clause.stop)]
        is_it = any(word.removesuffix("n't") in ("is", "was") for word in before[-4:])
        related = after[:1] in (("that",), ("who",), ("which",))
        asked = self.asked.things
        return is_it and related and names(asked, before) and names(asked, after)

    def _is_listed(self, i: int, clause: range) -> bool:
        """Whether "one" or "two" counts nothing that was asked: "one wears a hat", "box two"."""
        lead = self.words[clause[0] : i]
        after = self.words[i + 1 : min(i + 3, clause.stop)]
        counted = not after or not BEINGS.isdisjoint(after) or names(self.asked.focus, after)
        return not counted or not _LEAD.issuperset(lead)


def names(roots: Collection[str], words: Iterable[str]) -> bool:
    """Whether any of the words is a form of one of the roots."""
    return any(root(word) in roots for word in words)
