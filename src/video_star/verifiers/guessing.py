"""Which words of an answer are only guessed: "might be a dog", "possibly a dog", "a dog, perhaps".

A best guess that the answer stands by ("probably", "it looks like") is no guess in this sense.
Works on folded words, the punctuation before each, and the number of each word's sentence, as
`verifiers.text.read` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from video_star.verifiers.denial import SCOPE_ENDS, SUBJECTS
from video_star.verifiers.wording import word_set

_MODALS = word_set("might may could")
_ADVERBS = word_set("possibly maybe perhaps potentially conceivably possible")
GUESSING = _MODALS | _ADVERBS
_BETWEEN = word_set("also well even just only then still possibly potentially perhaps easily")
"""Words that may stand between "could" and "be"."""
_SAYING = word_set(
    "say call describe described called name named summarized labeled labelled classified "
    "characterized guess seen visible heard observed noticed see hear notice observe"
)
"""After "might", "could" or "could be" these assert: "one could say", "a dog could be seen"."""
_THERE = word_set("present there happening included in on under behind inside around depicted")
"""After "might be" these leave the subject open: "a ball might be in the bag"."""
_NUMBERS = word_set("one two three four five six seven eight nine ten around about")
"""After "maybe" these leave only a number open."""
_REACH = 8
_BACK = 4
"""How many words a guess reaches at most, forward and back."""


def may_guess(cues: Set[str]) -> bool:
    """Whether any word can make a guess: a quick look before the search."""
    return not GUESSING.isdisjoint(cues)


def guesses(
    words: Sequence[str], breaks: Mapping[int, str], sentences: Sequence[int]
) -> frozenset[int]:
    """Words that the answer only offers as possible."""
    found: set[int] = set()
    for i, word in enumerate(words):
        if word in _MODALS:
            found |= _after_modal(words, breaks, sentences, i)
        elif word in _ADVERBS:
            found |= _beside_adverb(words, breaks, sentences, i)
    return frozenset(found)


def _after_modal(
    words: Sequence[str], breaks: Mapping[int, str], sentences: Sequence[int], i: int
) -> set[int]:
    k = i + 1
    while words[k : k + 1] and words[k] in _BETWEEN:
        k += 1
    verb, following = [*words[k : k + 2], "", ""][:2]
    if verb in _SAYING or (verb == "be" and following in _SAYING):
        return set()
    if words[i] == "could" and verb not in ("be", "have"):
        return set()
    found = set(_forward(words, breaks, k))
    if verb == "be" and (following in _THERE or following.endswith(("ed", "en"))):
        found |= _back(words, breaks, i, _REACH)
    return found


def _beside_adverb(
    words: Sequence[str], breaks: Mapping[int, str], sentences: Sequence[int], i: int
) -> set[int]:
    following = words[i + 1] if i + 1 < len(words) else ""
    if words[i] == "possible" and (following == "to" or words[max(0, i - 1)] == "as"):
        return set()
    starts = i == 0 or bool(breaks.get(i))
    ends = not following or bool(breaks.get(i + 1))
    if ends and (not starts or not following or sentences[i + 1] != sentences[i]):
        return _back(words, breaks, i, _BACK)
    if following in _NUMBERS or following[:1].isdigit():
        return set()
    return set(_forward(words, breaks, i + 1))


def _forward(words: Sequence[str], breaks: Mapping[int, str], start: int) -> range:
    """Words up to the end of the clause; things of a list that "and" ends belong to it."""
    end = min(start + _REACH, len(words))
    for i in range(start + 1, end):
        if breaks.get(i) or words[i] in SCOPE_ENDS:
            return range(start, i)
        if words[i - 1] == "and" and words[i] in SUBJECTS - {"a", "an"}:
            return range(start, i)
    return range(start, end)


def _back(words: Sequence[str], breaks: Mapping[int, str], i: int, reach: int) -> set[int]:
    """Words before a place, back to where their part of the sentence starts."""
    found: set[int] = set()
    for k in range(i - 1, max(i - 1 - reach, -1), -1):
        if words[k] in SCOPE_ENDS or words[k] == "and":
            break
        found.add(k)
        if breaks.get(k):
            break
    return found
