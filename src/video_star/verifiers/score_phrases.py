"""Phrases that call a number a score without naming it: "put her at 7", "a solid 6", "hence 40"."""

from __future__ import annotations

from collections.abc import Sequence

from video_star.verifiers.quantities import Quantity
from video_star.verifiers.score_words import (
    JOINTS,
    MEASURES,
    OPERATORS,
    RATED,
    REACH,
    VERBS,
    is_name,
)
from video_star.verifiers.tokens import Token, skip_approximate, skip_silent, word_at
from video_star.verifiers.wording import word_set

_AS = word_set("at with as a an")
_RATED_ONES = word_set("the this that these those his her their its him them your my")
_SEEMS = word_set("seems sounds looks feels appears is would")
_RIGHT = word_set("right fair fitting appropriate reasonable adequate justified realistic fairer")
_JUDGED = word_set("dive jump performance routine vault program exercise")
_GRADES = word_set("solid good decent weak strong clear fair low high mediocre clean poor")
_CALLS = {
    *(("with", word) for word in ("stay", "stick", "go", "going", "rewarded", "rewards")),
    ("with", "up"),
    *(("in", word) for word in ("results", "resulting", "result")),
    *(("on", word) for word in ("settle", "land", "decide")),
    *(("to", word) for word in ("comes", "adds", "leads", "up")),
}
_SUITS = word_set(
    "fits suits seems sounds looks feels appears reflects matches does makes applies would will"
)
"""After "a rating of 13" these count nothing."""


def is_suited(tokens: Sequence[Token], q: Quantity, names: frozenset[str]) -> bool:
    """ "a rating of 13 fits": the word after the number is a verb and no noun that it counts."""
    if _seems_right(tokens, q):
        return True
    lead = skip_approximate(tokens, q.first - 1, -1)
    lead -= word_at(tokens, lead) in ("a", "an")
    named = word_at(tokens, lead) == "of" and is_name(word_at(tokens, lead - 1), names)
    return named and word_at(tokens, skip_silent(tokens, q.last + 1)) in _SUITS


def rated_at(tokens: Sequence[Token], q: Quantity) -> int | None:
    """The verb in "put the drummer at 7" or "give this vault a 13"; None where there is none."""
    i = q.first - 1
    if word_at(tokens, i) not in _AS:
        i = skip_approximate(tokens, i, -1)
    if word_at(tokens, i) not in _AS:
        return None
    for j in range(i - 1, max(-1, i - REACH // 2), -1):
        if tokens[j].text in RATED:
            return j if word_at(tokens, j + 1) in _RATED_ONES else None
        other = tokens[j].kind != "word" or tokens[j].text in MEASURES | JOINTS | VERBS
        if other:
            return None
    return None


def _seems_right(tokens: Sequence[Token], q: Quantity) -> bool:
    """ "47 seems right", "a 47 would be fair"."""
    i = skip_silent(tokens, q.last + 1)
    if word_at(tokens, i) not in _SEEMS:
        return False
    i = skip_approximate(tokens, i + 1 + (word_at(tokens, i + 1) == "be"))
    return word_at(tokens, i) in _RIGHT


def _for_all(tokens: Sequence[Token], q: Quantity) -> bool:
    """ "47.7 for the whole dive"."""
    i = skip_silent(tokens, q.last + 1)
    whole = word_at(tokens, i + 2) in ("whole", "entire", "complete")
    return word_at(tokens, i) == "for" and whole and word_at(tokens, i + 3) in _JUDGED


def is_called(tokens: Sequence[Token], q: Quantity) -> bool:
    """ "something like 60", "this is a solid 6", "hence only 40", "I stay with 41", "7 + 8 = 15".

    With "it is 60" only the question says what is meant.
    """
    if _seems_right(tokens, q) or _for_all(tokens, q):
        return True
    i = skip_approximate(tokens, q.first - 1, -1)
    lead = word_at(tokens, i)
    if lead in ("->", "-->", "\u2192") or (lead == ">" and word_at(tokens, i - 1) == "="):
        return True  # "well done -> 79"
    if lead in ("=", "equals"):
        parts = range(max(1, i - 4), i)
        summed = any(
            tokens[j].text in OPERATORS and tokens[j].end < tokens[j + 1].start for j in parts
        )
        return summed and tokens[i - 1].kind == "number"
    while word_at(tokens, i) in _GRADES:
        i -= 1
    if word_at(tokens, i) in ("a", "an"):
        i -= 1
    article = any(t.text in ("a", "an") for t in tokens[i + 1 : q.first])
    word, before = word_at(tokens, i), word_at(tokens, i - 1)
    if word in ("is", "be", "was"):
        return article or before in ("it", "that")
    if word in ("it's", "that's"):
        return True
    if word in ("only", "hence", "thus", "therefore", "so", "namely"):
        return before in ("", ",", ".", "hence", "so", "thus", "therefore", ";")
    if "but" in (word, before) and "," in (before, word_at(tokens, i - 2)):
        return any(t.text == "not" for t in tokens[max(0, i - REACH) : i])
    return (word, before) in _CALLS or (word == "like" and before in ("", ",", "something", "more"))
