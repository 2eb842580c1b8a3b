"""Things and steps that an answer names and whose sentence goes on to leave them undone.

"Wants to buy milk, but the shelf is empty", "the puzzle on the shelf is never touched", "a cutting
board would be useful", and, where it was asked what is grasped, "the cylinder is not grasped".
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from itertools import pairwise

from video_star.verifiers.inflection import stem
from video_star.verifiers.text import Reading, content_words, word_set
from video_star.verifiers.wording import IS

_INTENTS = word_set(
    "wants wanted wanting plans planned planning intends intended intending hopes hoped hoping "
    "wishes wished wishing promises promised prepares offers offered reaches reached reaching "
    "tries tried trying attempts attempted jokes joked insists insisted claims claimed thinks "
    "thought believes believed considers considered"
)
"""Before a thing these leave it undone when the sentence goes on with a "but"."""
_AIMS = word_set("wants wanted plans planned intends intended hopes hoped wishes wished")
"""These do so with their "to" alone: "wants to buy milk"."""
_TURNS = word_set("but however yet though unfortunately")
_GIVING_UP = (("gives", "up"), ("gave", "up"), ("in", "vain"))
_PARTS = word_set("but however yet though although while whereas and then because so")
"""Words that start another clause."""
_STATES = word_set(
    "is are was were be been remains remain remained stays stay stayed lies lay sits sat sit stand "
    "stands goes went left gets got has have"
)
_LEFT = word_set(
    "idle untouched unused unopened unworn unlit uneaten unread unfinished undone ignored forecast "
    "missing forgotten never mentioned mistake"
)
"""What a thing is that nothing is done with."""
_GONE = frozenset({("left", "out"), ("sold", "out"), ("taken", "away"), ("thrown", "away")})
"""The same in two words: "was sold out", "has been taken away"."""
_TOLD = word_set("says said comments tells told asks asked orders ordered described")
"""Before a thing these leave it undone when a "but" refuses or denies it."""
_REFUSALS = word_set(
    "wrong incorrect false mistake not never no none isn't wasn't doesn't didn't refuses refused"
)
_FUTURE = word_set("will would should")
_ABLE = word_set("can could")
_LATER = word_set("tomorrow later soon next afterwards tonight eventually someday")
_CUES = _INTENTS | _LEFT | _FUTURE | _ABLE | _TOLD | word_set("out away")
"""Most answers have none of these, and are searched for nothing."""
_MODIFIED = 6
"""Words between a thing and what is said of it at most: "the puzzle on the top shelf is"."""
_BEFORE = 8
"""Words between an intent and its thing at most."""
_SENTENCE = 60
"""Words over which a sentence is searched at most."""
_SOON = 5
"""Words from a "but" on in which it refuses or denies."""
_AIMED = 4
"""The same behind the "to" of an aim: "intended to hang a hammock"."""


def may_be_undone(reading: Reading) -> bool:
    """Whether anything can be left undone: a quick look before the search."""
    return not _CUES.isdisjoint(reading.words)


def is_undone(reading: Reading, first: int, last: int, aims: bool = True) -> bool:
    """Whether the sentence of the words `first` to `last` leaves what they name undone.

    `aims`: what is only wanted is undone, too.
    """
    return (
        _is_left(reading, last)
        or _is_intended(reading, first, last, aims)
        or _is_later(reading, first, last)
    )


def _is_later(reading: Reading, first: int, last: int) -> bool:
    """ "Will mow the lawn tomorrow", "so that a student can play it"."""
    words = reading.words
    if (_FUTURE | _ABLE).isdisjoint(words[max(0, first - 2) : first]):
        return False
    lead = words[max(0, first - _BEFORE) : first]
    later = not _LATER.isdisjoint(_clause(reading, last)[1:_BEFORE])
    return later or ("so", "that") in pairwise(lead)


def _is_left(reading: Reading, last: int) -> bool:
    """ "Remains untouched", "on the shelf is never used", "will follow later"."""
    words = reading.words
    for i in range(last + 1, min(last + 1 + _MODIFIED, len(words))):
        if reading.mark(i) or words[i] in _PARTS:
            return False
        if words[i] in _FUTURE:
            return True
        if words[i] in _STATES:
            clause = _clause(reading, i)
            further = words[i + len(clause) :][:4]  # "stays there and is never touched"
            if further[:1] == ("and",) and not _STATES.isdisjoint(further[1:2]):
                clause = further if _LEFT.isdisjoint(clause[:4]) else clause
            return not _LEFT.isdisjoint(clause[:4]) or any(
                pair in _GONE for pair in pairwise(clause[:5])
            )
    return False


def _is_intended(reading: Reading, first: int, last: int, aims: bool) -> bool:
    """ "Wants to buy milk"; "offers a puzzle, but the child pushes it away"."""
    words = reading.words
    start = first
    while start > max(0, first - _BEFORE) and not (reading.mark(start) or words[start] in _PARTS):
        start -= 1
    lead = words[start:first]
    if not _TOLD.isdisjoint(lead) and _turns(reading, last, _REFUSALS):
        return True
    if _INTENTS.isdisjoint(lead) or "only" in lead:
        return False  # "I thought there was only a dog, but a cat comes" takes back the "only".
    aimed = any(
        word in _AIMS and words[start + i + 1] == "to" and first - start - i - 2 <= _AIMED
        for i, word in enumerate(lead)
    )
    return (aims and aimed) or _turns(reading, last)


def _turns(reading: Reading, last: int, to: Set[str] | None = None) -> bool:
    """Whether the sentence, or the start of the next one, turns with a "but".

    `to`: one of these words must follow soon.
    """
    for i in range(last + 1, min(last + 1 + _SENTENCE, len(reading.words))):
        later = reading.sentences[i] - reading.sentences[last]
        if later > 1 or (later and reading.sentences[i - 1] == reading.sentences[i]):
            return False
        if to is not None:
            if reading.words[i] in _TURNS and not to.isdisjoint(reading.words[i : i + _SOON]):
                return True
        elif reading.words[i] in _TURNS or reading.words[i : i + 2] in _GIVING_UP:
            return True
    return False


def _clause(reading: Reading, start: int) -> Sequence[str]:
    """The words from a place to the next mark or conjunction."""
    stop = min(start + 1 + _SENTENCE, len(reading.words))
    for i in range(start + 1, stop):
        if reading.mark(i) or reading.words[i] in _PARTS:
            return reading.words[start:i]
    return reading.words[start:stop]


def reaffirmed(reading: Reading, question: str) -> frozenset[int]:
    """Words before "but both are on the table": what is denied of two things is only a state."""
    asked = {stem(word) for word in content_words(question)}
    for i in range(len(reading.words) - 1, 0, -1):
        if reading.words[i] != "both" or reading.words[i + 1 : i + 2] == ("the",):
            continue
        told = range(i + 1, min(i + 1 + _BEFORE, len(reading.words)))
        if any(k not in reading.denied and stem(reading.words[k]) in asked for k in told):
            return frozenset(k for k in range(i) if reading.sentences[k] == reading.sentences[i])
    return frozenset()


def denied_as_asked(reading: Reading, question: str, names: Set[str]) -> frozenset[int]:
    """Words of sentences that deny what the question asks ("grasp": "... is not grasped").

    A question that names the label's own words lists what to choose from, and is left alone.
    """
    if not reading.denied:
        return frozenset()
    # "Which rooms?": rooms of both kinds are answers; what is asked of them is something else.
    parts = re.sub(r"\b(which|what|how many)\s+\w+", " ", question.lower())
    asked = {stem(word) for word in content_words(parts)}
    if not asked.isdisjoint(stem(word) for name in names for word in content_words(name)):
        return frozenset()
    found: set[int] = set()
    for i in reading.denied:
        following = reading.words[i + 1 : i + 2]
        of_subject = following and (following[0].endswith("n't") or following[0] in IS)
        if stem(reading.words[i]) not in asked or of_subject:
            continue  # "The tomatoes in the salad aren't cooked" denies no salad.
        before = range(reading.sentence_start(i), i)
        if not any(k not in reading.denied and stem(reading.words[k]) in asked for k in before):
            found.update(before)
    return frozenset(found)
