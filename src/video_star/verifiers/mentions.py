"""Which of the values that an answer names it asserts: shared by all verifiers of numbers.

A mention is one value and where it stands. Denied, asked and supposed ones never count. Of the
rest the conclusion counts ("so", "the answer is", or a correction: "no, actually"), otherwise the
last one whose clause is about what was asked. Alternatives that stand side by side ("either 2 to 4
or 6 to 8") count together: the verifiers ask that each of them passes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic

from video_star.verifiers.alternatives import (
    comes_before,
    denies,
    is_half_of_a_choice,
    is_of_the_opposite,
    is_only_the_end,
    is_taken_back,
    refuses,
)
from video_star.verifiers.clauses import about
from video_star.verifiers.inflection import root
from video_star.verifiers.standing import REACH, Mention, Place, T, View
from video_star.verifiers.standing_words import (
    CONCEDING,
    FRAME,
    REASONS,
    REMARKING,
    REPORTS,
    TURNING,
)
from video_star.verifiers.standing_words import OPEN as OPEN_WORDS
from video_star.verifiers.text import content_words, fold

OPEN = 2
"""Rank of stretches of which only one end is told."""
SUBJECT = 0.5
"""Weight of the subject of a question; every other word counts 1."""
DEED = 1.6
"""Weight of what it does: more than the rest of "the janitor mops the hallway" together."""
_OWNED = "the|a|an|his|her|their|its"
_ASKED_DEED = re.compile(
    rf"\b(?:does|do|did)\s+(?:{_OWNED})\s+\w+\s+(\w+)"
    rf"(?=\s+(?:{_OWNED}|to|on|onto|in|into|at|off|out|up|down|from|over)\b|\s*[?.]?$)"
)
"""What is done in a plain question: "does the janitor mop the hallway"."""


@dataclass(frozen=True)
class Asserted(Generic[T]):
    """What the answer asserts: several mentions where it leaves open which."""

    mentions: tuple[Mention[T], ...]
    reason: str
    """ "" where something is asserted, "negated" or "not asserted" otherwise."""


def asserted(
    mentions: Sequence[Mention[T]], folded: str, question: str, *, stretches: bool = False
) -> Asserted[T]:
    """Choose among the mentions of one answer; they may come in any order and may overlap.

    With `stretches`, one that only leads up to what was asked is none ("and only then turns").
    """
    apart = _apart(mentions)
    if not apart:
        return Asserted((), "")
    view = View.of(folded, apart)
    asked = asked_words(question)
    denied = [view.is_denied(m) or is_taken_back(view, m, asked) for m in apart]
    kept = [
        mention
        for mention, no in zip(apart, denied, strict=True)
        if not no and not view.is_open(mention)
    ]
    if not kept:
        return Asserted((), "negated" if any(denied) else "not asserted")
    kept = [m for m in kept if not is_of_the_opposite(view, m, question)]
    if not kept:
        return Asserted((), "not asserted")
    kept = _unreported(_uncorrected(kept, view), view)
    kept = [m for m in kept if not _is_aside(view, m)] or kept
    group = _concluding(kept, view)
    group = _relevant(group, view, asked) if group else _strongest(kept, view, asked)
    chosen = [group[-1]]
    for earlier in reversed(kept[: kept.index(group[-1])]):
        if not view.are_joined(earlier, chosen[0]):
            break
        chosen.insert(0, earlier)
    for later in kept[kept.index(group[-1]) + 1 :]:
        if not view.are_joined(chosen[-1], later):
            break
        chosen.append(later)
    if len(chosen) == 1 and is_half_of_a_choice(view, chosen[0]):
        return Asserted((), "not asserted")
    if stretches and len(chosen) == 1 and _is_of_another(view, chosen[0], asked):
        return Asserted((), "not asserted")
    if refuses(view, chosen[-1]):
        return Asserted((), "not asserted")
    beside = all(about(view, m, asked) <= 1 for m in chosen)  # no more than a thing in common
    if beside and denies(view, asked):
        return Asserted((), "negated")
    return Asserted(tuple(chosen), "")


def _is_of_another(view: View, mention: Mention[T], asked: Mapping[str, float]) -> bool:
    """Whether a stretch is that of something else than what was asked."""
    stopped = mention.rank == OPEN and is_only_the_end(view, mention, asked)
    return stopped or comes_before(view, mention, asked)


def _apart(mentions: Sequence[Mention[T]]) -> list[Mention[T]]:
    """Mentions by place, without those that overlap a stronger or an earlier one."""
    taken: list[Place] = []
    found = []
    for mention in sorted(mentions, key=lambda m: (-m.rank, m.place)):
        spots = [bisect_left(taken, piece) for piece in mention.pieces]
        clash = any(
            (spot and taken[spot - 1][1] > start) or (spot < len(taken) and taken[spot][0] < end)
            for spot, (start, end) in zip(spots, mention.pieces, strict=True)
        )
        if not clash:
            found.append(mention)
            for piece in mention.pieces:
                taken.insert(bisect_left(taken, piece), piece)
    return sorted(found, key=lambda m: m.place)


def _uncorrected(kept: list[Mention[T]], view: View) -> list[Mention[T]]:
    """Those after the last one that is taken back at once: "24 s... no, sorry, I misread"."""
    for n in range(len(kept) - 1, 0, -1):
        at = view.last(kept[n - 1])
        near = range(at + 1, min(at + 4, view.first(kept[n])))
        if any(view.takes_back(i) for i in near):
            return kept[n:]
    return kept


def _unreported(kept: list[Mention[T]], view: View) -> list[Mention[T]]:
    """Those that no "but" outweighs: "the caption says at 3 s, but it is at 8 s"."""
    found = kept[-1:]
    for one, other in reversed(list(pairwise(kept))):
        first, last = view.first(one), view.last(one)
        near = range(max(0, first - REACH), first)
        lead = {view.words[i] for i in near if view.sentences[i] == view.sentences[first]}
        between = {view.words[i] for i in range(last + 1, view.first(other))}
        turned = between & TURNING and not between & OPEN_WORDS
        if not (turned and lead & REPORTS):
            found.append(one)
    return found[::-1]


def _is_aside(view: View, mention: Mention[T]) -> bool:
    """Whether its sentence or line is only a remark: "Note: ...", "Other events: ...", "(...)"."""
    start = first = view.first(mention)
    while start and view.sentences[start - 1] == view.sentences[first]:
        if first - start > 2 * REACH:
            return False  # Too far ahead to be what the mention belongs to.
        if "\n" in view.gaps[start] or ":" in view.gaps[start + 1]:
            break
        start -= 1
    remark = start < first and not REMARKING.isdisjoint(view.words[max(0, start - 1) : start + 1])
    return start > 0 and (remark or "(" in view.gaps[start])


def _concluding(kept: Sequence[Mention[T]], view: View) -> list[Mention[T]]:
    """Mentions after the last concluding or correcting word that has one in its sentence."""
    best: tuple[int, int] | None = None
    for mention in kept:
        at = view.first(mention)
        for i in range(at - 1, max(-1, at - REACH), -1):
            if view.sentences[i] != view.sentences[at]:
                corrected = any(view.corrects(j) for j in range(i, max(-1, i - 3), -1))
                if corrected and at - i < 4:
                    best = (i, view.sentences[at])
                break
            if view.opens(i) or view.corrects(i):
                best = (i, view.sentences[at])
                break
    if best is None:
        return []
    start, sentence = best
    group = [m for m in kept if view.first(m) > start and view.sentences[view.first(m)] == sentence]
    # "The answer is 5 s, since the cat is there at 3 s."
    reasons = [i for i in view.places_of(REASONS) if i > view.first(group[0])]
    group = [m for m in group if not reasons or view.first(m) < reasons[0]]
    top = max(mention.rank for mention in group) if group else 0
    return [m for m in group if m.rank == top]


def asked_words(question: str) -> dict[str, float]:
    """Stems of what is asked about, each with its weight.

    The first one is who or what does it: many clauses are about that one, whether or not they say
    what was asked about it ("the bird is silent at first, then sings").
    """
    words = [root(word) for word in content_words(question) if word not in FRAME]
    weights = dict.fromkeys(words, 1.0)
    if len(weights) > 1:
        weights[words[0]] = SUBJECT
        verb = _ASKED_DEED.search(fold(question)[0])
        if verb and root(verb[1]) in words[1:]:
            weights[root(verb[1])] = DEED
    return weights


def _strongest(
    kept: Sequence[Mention[T]], view: View, asked: Mapping[str, float]
) -> list[Mention[T]]:
    """Those of the highest rank, unless only weaker ones are about what was asked."""
    top = max(mention.rank for mention in kept)
    group = [m for m in kept if m.rank == top]
    best = max(about(view, m, asked) for m in group)
    closer = [m for m in kept if best < about(view, m, asked) < float("inf")]
    return _relevant(closer or group, view, asked)


def _relevant(
    mentions: list[Mention[T]], view: View, asked: Mapping[str, float]
) -> list[Mention[T]]:
    if not asked:
        return mentions
    shared = [about(view, mention, asked) for mention in mentions]
    best = max(shared)
    group = [m for m, count in zip(mentions, shared, strict=True) if count == best]
    return [m for m in group if not _is_beside(view, m)] or group


def _is_beside(view: View, mention: Mention[T]) -> bool:
    """Whether its clause only limits what was said: "..., although it is blurry at 3 s"."""
    for i in range(view.first(mention) - 1, -1, -1):
        if i in view.holders or view.sentences[i] != view.sentences[view.first(mention)]:
            return False
        if view.words[i] in CONCEDING:
            return True
    return False


def original_place(place: Place, text: str) -> Place:
    """A place of the folded text in the text as it was given."""
    places = fold(text)[1]
    return place if places is None else (places[place[0]], places[place[1] - 1] + 1)
