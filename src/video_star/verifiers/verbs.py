"""Verbs and things beside each other in an answer.

Verbs in a row share one thing ("cuts, folds and glues the paper"); and some words are a verb here
and a thing there ("he bowls", "a salad bowl").
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

from video_star.verifiers.text import Reading
from video_star.verifiers.wording import word_set

ARTICLES = word_set("a an the his her their its some this that these those one two three my your")
_JOINS = frozenset({"and", "then"})
_ENDINGS = ("ing", "ed", "s")
BE = word_set("is are was were being been gets get")
"""Words before the verb of "the batter is mixed"."""
_LINKS = frozenset({"it", "them"})
"""Pronouns that may stand for the thing a verb acts on: "picks up an apple and eats it"."""
OBJECTLESS = word_set("over with in at on through into across from for toward towards")
"""A verb right before one of these has no thing of its own."""
_EACH = word_set("one each all both some two three")
_PASSIVE_STEPS = BE | word_set("has have had then finally first later already")
_LINKERS = word_set("after before")
_SUBJECTS = word_set("it they he she")
"""The same in the passive: "the dough is mixed, then it is kneaded"."""
_BE = word_set("is are was were be been being he's she's they're i'm it's")
_THINGS = word_set(
    "bowl box fence plant water milk iron sail ski skate drum paint dress shovel comb brush saw "
    "hammer vacuum mop bike cycle rake sled paddle watch ring clock glue tape nail drill lock "
    "fish butter oil dust pump hose bat park book plow row sleigh sand shower bandage basket pet "
    "bear duck snowboard kayak canoe skateboard motorcycle scooter slackline"
)
"""Words that name a thing as often as they name what one does with it."""
_MODALS = word_set("can cannot can't could couldn't must should will would might")
"""Before a thing these make a verb of it: "can bear the cold"."""
_NEAR = 5
"""Words between a verb and its "on it" at most."""
_AT = word_set("in on")
_SAME = re.compile(r"(he|she|they|both)( (is|are|was|were|\w+ly))*")
_AFTER = OBJECTLESS - {"with"} | {"", "and", "up", "down", "around", "again", "away"}
"""What may follow a verb that has no thing in its own sentence."""
_HELD = re.compile(r"(in|on|under) (his|her|their|its)\b")
_DEED = re.compile(
    r"((is|are|who|can|be|seen|com\w+|go\w*|mov\w+|\w+ly) )*"
    r"((glid|slid|swim|rac|speed|descend|soar|carv|fly|flies|perform|compet)\w*|"
    r"down (a|the)|does a)\b"
)
"""What a snowboarder does who is snowboarding."""
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


def is_linked(words: Sequence[str], reading: Reading, window: Sequence[int]) -> bool:
    """Whether a pronoun beside a later word stands for what was named before.

    Between sentences it must be handed on: "boils an egg. He peels it. He eats it."
    """
    if not any(_has_pronoun(words, reading, i) for i in window[1:]):
        return False
    first, last = reading.sentences[window[0]], reading.sentences[window[-1]]
    if last - first < 2:
        return True
    handed = {
        reading.sentences[i] for i in range(*window[:: len(window) - 1]) if words[i] in _LINKS
    }
    return handed.issuperset(range(first + 1, last))


def _has_pronoun(words: Sequence[str], reading: Reading, i: int) -> bool:
    """ "peels it", "boiled and peeled it", "it has been peeled", "after being peeled"."""
    following = words[i + 1] if i + 1 < len(words) else ""
    if following in _LINKS or (following in _EACH and _is_each(words[i + 1 : i + 4])):
        return True
    # "Plants it and vaults over the bar".
    if following in OBJECTLESS and i > 1 and words[i - 1] == "and" and words[i - 2] in _LINKS:
        return True
    if tuple(words[i + 1 : i + 2]) == ("and",) and i + 3 < len(words) and words[i + 3] in _LINKS:
        return any(all(reading.words[k].endswith(e) for k in (i, i + 2)) for e in _ENDINGS)
    if reading.words[i].endswith("ing"):
        return False
    k = i - 1
    if words[k] == "and":
        k -= 2  # "They are washed and peeled".
    while k > 0 and (words[k] in _PASSIVE_STEPS or words[k].endswith("ly")):
        k -= 1
    if BE.isdisjoint(words[k + 1 : i]):
        return False
    return words[k] in _SUBJECTS or (words[k] in _LINKERS and words[k + 1] == "being")


def is_alone(words: Sequence[str], reading: Reading, i: int) -> bool:
    """Whether no thing of its own follows a verb."""
    return bool(reading.mark(i + 1)) or i + 1 == len(words) or words[i + 1] in OBJECTLESS


def leans_back(words: Sequence[str], reading: Reading, own: Set[str], one: int, other: int) -> bool:
    """Whether a verb leans on a thing that it does not repeat.

    "A trampoline, and two kids bounce on it", "everyone in it waits"; "has a book in her lap. She
    is reading": the thing is at hand, and the verb of the next sentence has no other one.
    """
    at = own & _AT
    places = [
        i
        for i in range(one + 1, min(other + _NEAR, len(words) - 1))
        if words[i + 1] in _LINKS and words[i] in (_AT if 0 < i - other < 3 else at)
    ]
    if any(i + _NEAR > other and is_run(reading, *sorted((i, other))) for i in places):
        return True
    start = reading.sentence_start(other)
    following = "" if reading.mark(other + 1) else "".join(words[other + 1 : other + 2])
    if following not in _AFTER or not _SAME.fullmatch(" ".join(words[start:other])):
        return False
    held = _HELD.match(" ".join(words[one + 1 : one + 3]))
    if held or not at.isdisjoint(words[max(0, one - 2) : one]):
        places.append(one)
    between = 1 + words[start - 1].isdigit()  # The number of a list's item.
    return any(reading.sentences[other] - reading.sentences[i] == between for i in places)


def is_run(reading: Reading, first: int, last: int) -> bool:
    """Whether no mark parts two words."""
    return not any(reading.mark(i) for i in range(first + 1, last + 1))


def is_doer(words: Sequence[str], reading: Reading, i: int, wanted: str) -> bool:
    """Whether somebody is named after what he does, and does it: "two snowboarders race downhill".

    One who sits in the snow does not.
    """
    named = words[i].rstrip("s")[:-2] + "ing" == wanted and not reading.mark(i + 1)
    return named and bool(_DEED.match(" ".join(words[i + 1 : i + 6])))


def _is_each(following: Sequence[str]) -> bool:
    """ "Peels one after the other", "peels each of them", "peels each one"."""
    one, link, of = [*following, "", ""][:3]
    if link in ("after", "by", "one"):
        return one == ("each" if link == "one" else "one")
    return link == "of" and of in _LINKS


def is_other_use(words: Sequence[str], i: int, wanted: str, alone: bool) -> bool:
    """Whether a word is a thing where a verb is looked for, or the other way round.

    `alone`: the name is this one word. Only words that are both are looked at.
    """
    word = words[i]
    if wanted.endswith("ing") and wanted not in _THINGS:
        return _is_thing(words, i)
    auxiliaries = _BE if word.endswith("ing") else _MODALS
    is_verb = i > 0 and words[i - 1] in auxiliaries
    return alone and is_verb and wanted in _THINGS


def _is_thing(words: Sequence[str], i: int) -> bool:
    word, before = words[i], words[max(0, i - 3) : i]
    if word not in _THINGS:
        return word[:-1] in _THINGS and word[-1] == "s" and not ARTICLES.isdisjoint(before[-1:])
    if not before or before[-1] in _SEVERAL or before[-1].endswith("s"):
        return not ARTICLES.isdisjoint(before[-1:])
    return not ARTICLES.isdisjoint(before)
