"""Verifiers of `sequence` and `set` labels: several names in one answer.

Each name is found as a class name is (near matches, inflections, nothing denied, asked or left open
by "or"), its words standing together; numbers in names must be equal, in digits or in words, and
"Soms." is "somersaults". A mention serves one name only: a longer name hides a shorter one inside.

A set passes when all names are found. A sequence passes when its names are found in their order, a
name that occurs twice twice, in the order that the answer gives them in time (`verifiers.order`).
It does not pass when a course of events in the answer contradicts the label, or when the answer
tells all steps again in another order; what it concludes decides over what came before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from video_star.domain import LabelVerdict
from video_star.labels import SequenceLabel, SetLabel
from video_star.params import VerifyParams
from video_star.verifiers.asked_role import asked_role, without_other_roles
from video_star.verifiers.base import Case, Known, verdict
from video_star.verifiers.classes import wanted_phrases
from video_star.verifiers.conclusion import conclusion_of
from video_star.verifiers.exclusive import without_left_out
from video_star.verifiers.fields import stamps, unsaid_fields
from video_star.verifiers.numerals import Span, has_number, number_reading, with_numbers
from video_star.verifiers.order import Mention, chains, timeline
from video_star.verifiers.phrases import Answer
from video_star.verifiers.text import Reading, read, span_of, word_set, words_of
from video_star.verifiers.undone import denied_as_asked, reaffirmed
from video_star.verifiers.unreal import is_unreal
from video_star.verifiers.wanted import Wanted

SEQUENCE = ("names-in-order", 3)
SET = ("names-in-any-order", 3)

_ABBREVIATION = re.compile(r"\b(soms?|mrs?|ms|dr)\.", re.IGNORECASE)
"""Its full stop ends no sentence: "1.5 soms. pike", "Mr. Hale"."""
_PARTING = re.compile(r"\||\((?=(?:no|not|absent|missing)\b)", re.IGNORECASE)
"""What parts a name from what is said of it: a cell of a table, "apron (no)"."""
_TIMED = re.compile(r"\n(?=[^\w\n]*\d+:\d)")
"""Before a line that starts with its time."""
_REVERSALS = frozenset(
    {
        *((word, "order") for word in ("reverse", "reversed", "opposite")),
        *(("way", "around"), ("way", "round")),
    }
)
"""An answer that turns round the order that it tells."""
_CORRECTIONS = word_set("correction sorry scratch")
_SLIPS = (("i", "mixed"), ("i", "swapped"))
_ORDERING = word_set("first before after order earlier later swapped")
"""Words of a correction that speak of the order."""


@dataclass(frozen=True)
class _Told:
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
    def of(cls, names: Sequence[str], text: str, hedge: bool) -> _Told:
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
        found = {
            Mention(step, window): wanted
            for step, phrases in enumerate(self.sought)
            for wanted in phrases
            for window in self.answer.windows(wanted, closed, level, hedge)
            if not is_unreal(self.reading, window[0], window[-1])
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


def _is_tighter(one: Mention, other: Mention) -> bool:
    """Whether one mention takes words off a wider one: "is opened, milk is poured and the ..."."""
    shared = one.step == other.step and not set(one.window).isdisjoint(other.window)
    return shared and 2 * (one.last - one.first) < other.last - other.first


def _in_numbers(name: str) -> str:
    return " ".join(word for word, _ in with_numbers(words_of(name)))


def verify_sequence(
    label: SequenceLabel, case: Case, params: VerifyParams, known: Known
) -> LabelVerdict:
    """Judge one answer against steps that must be found in their order."""
    told = _Told.of(label.names, case.text, params.allow_hedge)

    def problem(mentions: Sequence[Mention]) -> str:
        mentions = without_left_out(mentions, told.reading, case.question, ordered=True)
        mentions = _concluded(told, _corrected(told, mentions))
        return _wrong_order(told, mentions, stamps(case.text))

    return _judge(told, label, case, params, SEQUENCE, problem)


def verify_set(label: SetLabel, case: Case, params: VerifyParams, known: Known) -> LabelVerdict:
    """Judge one answer against names that must all be found."""
    told = _Told.of(label.names, case.text, params.allow_hedge)
    role = asked_role(case.question, set(label.names))

    def problem(mentions: Sequence[Mention]) -> str:
        mentions = without_left_out(mentions, told.reading, case.question, ordered=False)
        mentions = without_other_roles(mentions, told.reading, role)
        found = {mention.step for mention in _concluded(told, mentions)}
        return "" if found.issuperset(told.steps) else "no match"

    return _judge(told, label, case, params, SET, problem)


def _judge(
    told: _Told,
    label: SequenceLabel | SetLabel,
    case: Case,
    params: VerifyParams,
    verifier: tuple[str, int],
    problem: Callable[[Sequence[Mention]], str],
) -> LabelVerdict:
    """The highest similarity at which nothing is wrong, or what is wrong at the threshold."""
    threshold = params.limits.class_similarity
    closed = told.reading.unasserted
    unsaid = unsaid_fields(case.text)
    closed |= {i for i, (first, _) in enumerate(told.spans) if first in unsaid}
    closed |= denied_as_asked(told.reading, case.question, set(label.names))
    affirmed = reaffirmed(told.reading, case.question)
    closed -= affirmed
    taken_back = _taken_back(told, told.reading.denied - affirmed)
    for level in [] if taken_back else told.levels(closed):
        mentions = told.mentions(level, closed, told.hedge)
        if not problem(mentions):
            reason = "match" if level >= threshold else "no match"
            place = _place(told, mentions, case.text)
            return verdict(label, case, verifier, level, threshold, place, reason)
    mentions = told.mentions(threshold, closed, told.hedge)
    reason = problem(mentions) or "no match"
    if taken_back:
        reason = "negated"
    elif reason == "no match":
        reason = _why_missing(told, threshold)
    score = 0.0 if reason in ("no match", "negated", "hedged", "not asserted") else threshold
    return verdict(
        label, case, verifier, score, threshold, _place(told, mentions, case.text), reason
    )


def _why_missing(told: _Told, threshold: float) -> str:
    """Why a name was not found: it is denied, or left open, or really not there."""
    for reason, closed, hedge in (
        ("hedged", told.reading.unasserted, True),
        ("not asserted", told.reading.denied, True),
        ("negated", frozenset[int](), True),
    ):
        found = {mention.step for mention in told.mentions(threshold, closed, hedge)}
        if found.issuperset(told.steps):
            return reason
    return "no match"


def _taken_back(told: _Told, denied: frozenset[int]) -> bool:
    """Whether the last mention of some name, word for word, is a denied one."""
    if not denied:
        return False
    last = {word: i for i, word in enumerate(told.answer.words)}
    return any(
        all(last.get(word, -1) in denied for word in wanted.words)
        for phrases in told.sought
        for wanted in phrases
        if not wanted.negative
    )


def _concluded(told: _Told, mentions: Sequence[Mention]) -> Sequence[Mention]:
    """The mentions of the conclusion where it names all names or says that it is the answer."""
    conclusion = conclusion_of(told.reading)
    if conclusion is None:
        return mentions
    late = [mention for mention in mentions if mention.first >= conclusion.start]
    counts, needed = Counter(mention.step for mention in late), Counter(told.steps)
    complete = all(counts[step] >= times for step, times in needed.items())
    return late if complete or (late and conclusion.binds) else mentions


def _corrected(told: _Told, mentions: Sequence[Mention]) -> Sequence[Mention]:
    """The mentions of a correction that tells all steps again or speaks of their order."""
    words = told.reading.words
    start = max(
        (i for i, w in enumerate(words) if w in _CORRECTIONS or words[i - 1 : i + 1] in _SLIPS),
        default=-1,
    )
    late = [mention for mention in mentions if mention.first > start]
    if start < 0 or len(late) == len(mentions):
        return mentions
    complete = {mention.step for mention in late}.issuperset(told.steps)
    return late if complete or not _ORDERING.isdisjoint(words[start:]) else mentions


def _wrong_order(told: _Told, mentions: Sequence[Mention], times: Mapping[int, float]) -> str:
    """ "" where the answer tells the label's steps and nothing against them.

    `times`: what `fields.stamps` finds; where each step has one, they give the order.
    """
    ordered = timeline(mentions, told.reading)
    at = {mention: times.get(told.spans[mention.first][0]) for mention in ordered}
    if None not in at.values():
        ordered.sort(key=lambda mention: at[mention] or 0.0)
    steps = [mention.step for mention in ordered]
    counts, needed = Counter(steps), Counter(told.steps)
    if any(counts[step] < times for step, times in needed.items()):
        return "no match"
    words = told.reading.words
    if not _is_inside(told.steps, steps) or any(pair in _REVERSALS for pair in pairwise(words)):
        return "wrong order"
    rank = {mention: i for i, mention in enumerate(ordered)}
    for chain in chains(mentions, told.reading):
        said = _without_repeats(m.step for m in sorted(chain, key=rank.__getitem__))
        if len(set(said)) > 1 and not _is_inside(said, told.steps):
            return "contradictory order"
    for want, told_steps in ((told.steps, steps), (told.steps[::-1], steps[::-1])):
        rest = _after_match(want, told_steps)
        again = Counter(rest)
        full = all(again[step] >= times for step, times in needed.items())
        if full and not _is_inside(want, rest):
            return "contradictory order"
    return ""


def _is_inside(steps: Sequence[int], whole: Sequence[int]) -> bool:
    """Whether steps occur in their order in a longer sequence."""
    rest = iter(whole)
    return all(step in rest for step in steps)


def _after_match(steps: Sequence[int], whole: Sequence[int]) -> list[int]:
    """What is left after the earliest places that hold the steps in their order."""
    rest = iter(whole)
    for step in steps:
        next((found for found in rest if found == step), None)
    return list(rest)


def _without_repeats(steps: Iterable[int]) -> list[int]:
    found: list[int] = []
    for step in steps:
        if found[-1:] != [step]:
            found.append(step)
    return found


def _place(told: _Told, mentions: Sequence[Mention], text: str) -> tuple[int, int] | None:
    if not mentions:
        return None
    first = told.spans[min(mention.first for mention in mentions)][0]
    last = told.spans[max(mention.last for mention in mentions)][1]
    return span_of(text, first, last)
