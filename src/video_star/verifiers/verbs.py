"""Verbs and things beside each other in an answer.

Verbs in a row share one thing ("cuts, folds and glues the paper"); and some words are a verb here
and a thing there ("he bowls", "a salad bowl").
"""

from __future__ import annotations

from collections.abc import Sequence

from video_star.verifiers.text import Reading
from video_star.verifiers.wording import word_set

ARTICLES = word_set("a an the his her their its some this that these those one two three my your")
_JOINS = frozenset({"and", "then"})
_ENDINGS = ("ing", "ed", "s")
_BE = word_set("is are was were be been being he's she's they're i'm it's")
_THINGS = word_set(
    "bowl box fence plant water milk iron sail ski skate drum paint dress shovel comb brush saw "
    "hammer vacuum mop bike cycle rake sled paddle watch ring clock glue tape nail drill lock "
    "fish butter oil dust pump hose bat park book plow row sleigh sand shower bandage basket pet"
)
"""Words that name a thing as often as they name what one does with it."""
_SEVERAL = word_set("men women people children kids they we you who")


def shares_thing(words: Sequence[str], reading: Reading, one: int, other: int) -> bool:
    """Whether further verbs come between a verb and its thing: "opens and closes a book"."""
    last = other
    while last > one + 1 and words[last - 1] in ARTICLES and not reading.mark(last):
        last -= 1
    if reading.mark(last):
        return False
    verbs = [i for i in range(one + 1, last) if words[i] not in _JOINS]
    if not verbs or _JOINS.isdisjoint(words[max(one + 1, verbs[-1] - 2) : verbs[-1]]):
        return False
    if len(verbs) == 1 and not any(reading.mark(i) for i in range(one + 1, last)):
        return words[one + 1] == "and"
    return all(
        (reading.mark(i) or words[i - 1] in _JOINS)
        and any(words[i].endswith(end) and words[one].endswith(end) for end in _ENDINGS)
        for i in verbs
    )


def is_other_use(words: Sequence[str], i: int, wanted: str, alone: bool) -> bool:
    """Whether a word is a thing where a verb is looked for, or the other way round.

    `alone`: the name is this one word. Only words that are both are looked at.
    """
    word = words[i]
    if wanted.endswith("ing"):
        return _is_thing(words, i)
    is_verb = word.endswith("ing") and i > 0 and words[i - 1] in _BE
    return alone and is_verb and wanted in _THINGS


def _is_thing(words: Sequence[str], i: int) -> bool:
    word, before = words[i], words[max(0, i - 3) : i]
    if word not in _THINGS:
        return word[:-1] in _THINGS and word[-1] == "s" and not ARTICLES.isdisjoint(before[-1:])
    if not before or before[-1] in _SEVERAL or before[-1].endswith("s"):
        return not ARTICLES.isdisjoint(before[-1:])
    return not ARTICLES.isdisjoint(before)
