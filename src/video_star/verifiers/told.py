"""An answer to several names, and where it mentions them: what `sequence` and `set` labels share.

Each name is found as a class name is (near matches, inflections, nothing denied, asked or left open
by "or"), its words standing together; numbers in names must be equal, in digits or in words, and
"Soms." is "somersaults". A mention serves one name only: a longer name hides a shorter one inside.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from video_star.verifiers.classes import wanted_phrases
from video_star.verifiers.numerals import Span, has_number, number_reading, with_numbers
from video_star.verifiers.order import Mention
from video_star.verifiers.phrases import Answer
from video_star.verifiers.text import Reading, read, span_of, words_of
from video_star.verifiers.unreal import is_unreal, may_be_unreal
from video_star.verifiers.wanted import Wanted

_ABBREVIATION = re.compile(r"\b(soms?|mrs?|ms|dr)\.", re.IGNORECASE)
"""Its full stop ends no sentence: "1.5 soms. pike", "Mr. Hale"."""
_PARTING = re.compile(r"\||\((?=(?:no|not|absent|missing)\b)", re.IGNORECASE)
"""What parts a name from what is said of it: a cell of a table, "apron (no)"."""
_TIMED = re.compile(r"\n(?=[^\w\n]*\d+:\d)")
"""Before a line that starts with its time."""


@dataclass(frozen=True)
class Told:
    """An answer and the names to find in it."""

    reading: Reading
    spans: Sequence[Span]
    """Places of each word among the words of the answer as it was given."""
    steps: tuple[int, ...]
    """The label's names, as indices of `sought`."""
    sought: tuple[tuple[Wanted, ...], ...]
    """What to look for, for each distinct name."""
    answer: Answer
    hedge: bool

    @classmethod
    def of(cls, names: Sequence[str], text: str, hedge: bool) -> Told:
        reading = read(_PARTING.sub(" - ", _TIMED.sub(";\n", _ABBREVIATION.sub(r"\1 ", text))))
        spans: Sequence[Span] = [(i, i) for i in range(len(reading.words))]
        said = {name: " ".join(words_of(name)) or name for name in names}
        if any(has_number(words_of(name)) for name in names):
            reading, spans = number_reading(reading)
            said = {name: _in_numbers(name) for name in names}
        distinct = tuple(dict.fromkeys(said.values()))
        steps = tuple(distinct.index(said[name]) for name in names)
        sought = tuple(wanted_phrases((name,)) for name in distinct)
        return cls(reading, spans, steps, sought, Answer(reading), hedge)

    def levels(self, closed: frozenset[int]) -> list[float]:
        """Similarities to try, the highest first."""
        rates: set[float] = set()
        for phrases in self.sought:
            for wanted in phrases:
                rates |= self.answer.levels(wanted, closed)
        return sorted(rates, reverse=True)

    def mentions(self, level: float, closed: frozenset[int], hedge: bool) -> list[Mention]:
        """All mentions of all names, in the order of the text; none inside of a longer name."""
        doubtful = may_be_unreal(self.reading)
        found = {
            Mention(step, window): wanted
            for step, phrases in enumerate(self.sought)
            for wanted in phrases
            for window in self.answer.windows(wanted, closed, level, hedge)
            if not (doubtful and is_unreal(self.reading, window[0], window[-1]))
        }
        kept = [
            mention
            for mention, wanted in found.items()
            if not any(
                set(other_wanted.words) > set(wanted.words)
                and not set(other.window).isdisjoint(mention.window)
                and other.first <= mention.first
                and mention.last <= other.last
                for other, other_wanted in found.items()
                if other.step != mention.step
            )
        ]
        tight = [m for m in kept if not any(_is_tighter(other, m) for other in kept)]
        return sorted(tight, key=lambda mention: (mention.last, mention.first))

    def place(self, mentions: Sequence[Mention], text: str) -> tuple[int, int] | None:
        """Start and end in the text of what the mentions reach over."""
        if not mentions:
            return None
        first = self.spans[min(mention.first for mention in mentions)][0]
        last = self.spans[max(mention.last for mention in mentions)][1]
        return span_of(text, first, last)

    def taken_back(self, denied: frozenset[int]) -> bool:
        """Whether the last mention of some name, word for word, is a denied one."""
        if not denied:
            return False
        last = {word: i for i, word in enumerate(self.answer.words)}
        return any(
            all(last.get(word, -1) in denied for word in wanted.words)
            for phrases in self.sought
            for wanted in phrases
            if not wanted.negative
        )


def _is_tighter(one: Mention, other: Mention) -> bool:
    """Whether one mention takes words off a wider one: "is opened, milk is poured and the ..."."""
    shared = one.step == other.step and not set(one.window).isdisjoint(other.window)
    return shared and 2 * (one.last - one.first) < other.last - other.first


def _in_numbers(name: str) -> str:
    return " ".join(word for word, _ in with_numbers(words_of(name)))
