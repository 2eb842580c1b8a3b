"""Verifiers of `sequence` and `set` labels: several names in one answer.

A set passes when all names are found. A sequence passes when its names are found in their order, a
name that occurs twice twice, in the order that the answer gives them in time (`verifiers.order`).
It does not pass when a course of events in the answer contradicts the label, or when the answer
tells all steps again in another order; what it concludes decides over what came before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

from video_star.domain import LabelVerdict
from video_star.labels import SequenceLabel, SetLabel
from video_star.params import VerifyParams
from video_star.verifiers.asked_role import (
    asked_role,
    is_more_asked,
    without_moved,
    without_other_roles,
)
from video_star.verifiers.base import Case, Known, verdict
from video_star.verifiers.conclusion import conclusion_of
from video_star.verifiers.exclusive import without_left_out
from video_star.verifiers.fields import stamps, unsaid_fields
from video_star.verifiers.order import Mention, chains, timeline
from video_star.verifiers.text import word_set
from video_star.verifiers.told import Told
from video_star.verifiers.undone import denied_as_asked, reaffirmed

SEQUENCE = ("names-in-order", 3)
SET = ("names-in-any-order", 3)

_REVERSALS = frozenset(
    {
        *((word, "order") for word in ("reverse", "reversed", "opposite")),
        *(("way", "around"), ("way", "round")),
    }
)
"""An answer that turns round the order that it tells."""
_CORRECTIONS = word_set("correction sorry scratch")
_SLIPS = (("i", "mixed"), ("i", "swapped"), ("me", "correct"))
_AGAIN = 2
"""Names that a correction lists again at least where it replaces the whole list."""
_ORDERING = word_set("first before after order earlier later swapped")
"""Words of a correction that speak of the order."""


def verify_sequence(
    label: SequenceLabel, case: Case, params: VerifyParams, known: Known
) -> LabelVerdict:
    """Judge one answer against steps that must be found in their order."""
    told = Told.of(label.names, case.text, params.allow_hedge)

    def problem(mentions: Sequence[Mention]) -> str:
        mentions = without_left_out(mentions, told.reading, case.question, ordered=True)
        mentions = _concluded(told, _corrected(told, mentions))
        return _wrong_order(told, mentions, stamps(case.text))

    return _judge(told, label, case, params, SEQUENCE, problem)


def verify_set(label: SetLabel, case: Case, params: VerifyParams, known: Known) -> LabelVerdict:
    """Judge one answer against names that must all be found."""
    told = Told.of(label.names, case.text, params.allow_hedge)
    role = asked_role(case.question, set(label.names))
    asks_for_more = is_more_asked(case.question, role)

    def problem(mentions: Sequence[Mention]) -> str:
        mentions = without_left_out(mentions, told.reading, case.question, ordered=False)
        if asks_for_more:
            mentions = without_moved(mentions, told.reading, case.question)
        mentions = without_other_roles(mentions, told.reading, role)
        mentions = _concluded(told, _restated(told, mentions))
        found = {mention.step for mention in mentions}
        return "" if found.issuperset(told.steps) else "no match"

    return _judge(told, label, case, params, SET, problem)


def _judge(
    told: Told,
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
    taken_back = told.taken_back(told.reading.denied - affirmed)
    for level in [] if taken_back else told.levels(closed):
        mentions = told.mentions(level, closed, told.hedge)
        if not problem(mentions):
            reason = "match" if level >= threshold else "no match"
            place = told.place(mentions, case.text)
            return verdict(label, case, verifier, level, threshold, place, reason)
    mentions = told.mentions(threshold, closed, told.hedge)
    reason = problem(mentions) or "no match"
    if taken_back:
        reason = "negated"
    elif reason == "no match":
        reason = _why_missing(told, threshold)
    score = 0.0 if reason in ("no match", "negated", "hedged", "not asserted") else threshold
    return verdict(label, case, verifier, score, threshold, told.place(mentions, case.text), reason)


def _why_missing(told: Told, threshold: float) -> str:
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


def _concluded(told: Told, mentions: Sequence[Mention]) -> Sequence[Mention]:
    """The mentions of the conclusion where it names all names or says that it is the answer."""
    conclusion = conclusion_of(told.reading)
    if conclusion is None:
        return mentions
    late = [mention for mention in mentions if mention.first >= conclusion.start]
    counts, needed = Counter(mention.step for mention in late), Counter(told.steps)
    complete = all(counts[step] >= times for step, times in needed.items())
    return late if complete or (late and conclusion.binds) else mentions


def _correction(told: Told) -> int:
    """Where the last correction of the answer is; -1 where there is none."""
    words = told.reading.words
    return max(
        (i for i, w in enumerate(words) if w in _CORRECTIONS or words[i - 1 : i + 1] in _SLIPS),
        default=-1,
    )


def _restated(told: Told, mentions: Sequence[Mention]) -> Sequence[Mention]:
    """The mentions of a correction that lists again most of what was listed before it."""
    start = _correction(told)
    late = [mention for mention in mentions if mention.first > start]
    before = {mention.step for mention in mentions if mention.first <= start}
    again = {mention.step for mention in late} & before
    return late if start >= 0 and len(again) >= _AGAIN else mentions


def _corrected(told: Told, mentions: Sequence[Mention]) -> Sequence[Mention]:
    """The mentions of a correction that tells all steps again or speaks of their order."""
    words, start = told.reading.words, _correction(told)
    late = [mention for mention in mentions if mention.first > start]
    if start < 0 or len(late) == len(mentions):
        return mentions
    complete = {mention.step for mention in late}.issuperset(told.steps)
    return late if complete or not _ORDERING.isdisjoint(words[start:]) else mentions


def _wrong_order(told: Told, mentions: Sequence[Mention], times: Mapping[int, float]) -> str:
    """ "" where the answer tells the label's steps and nothing against them.

    `times`: what `fields.stamps` finds; where each step has one, they give the order.
    """
    ordered = timeline(mentions, told.reading)
    at = {mention: times.get(told.spans[mention.first][0]) for mention in ordered}
    if None not in at.values():
        ordered.sort(key=lambda mention: at[mention] or 0.0)
    steps = [mention.step for mention in ordered]
    counts, needed = Counter(steps), Counter(told.steps)
    if any(counts[step] < needs for step, needs in needed.items()):
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
