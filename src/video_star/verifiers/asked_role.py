"""Names that an answer places elsewhere than where it was asked for them.

Asked what is picked up, "She picks up the cup. The spoon is left lying there" names the spoon and
says that it is not one of the things asked for, without any denial.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

from video_star.verifiers.inflection import root
from video_star.verifiers.order import Mention
from video_star.verifiers.text import STOP_WORDS, Reading, word_set, words_of
from video_star.verifiers.verbs import ARTICLES, BE

_TYPE = re.compile(r"\bwho\b|\b(?:which|what|how many|list|name|give)\b(?:\s+\w+)?(?:\s+of\s+\w+)?")
"""What kind of thing is asked for: it says nothing of its role."""
_PRESENCE = word_set(
    "see seen show shown shows appear appears visible present feature featured contain contains "
    "include includes included there happen happens happening do does doing done perform performed "
    "performs take takes taking identify recognize detect find found spot spotted describe make "
    "made exist hear heard all any video clip footage scene frame image picture hang hangs hanging "
    "lie lies lying stand stands standing sit sits sitting placed located"
)
"""Verbs that ask for no more than what is there."""
_BEFORE_THINGS = ARTICLES | word_set(
    "in on at of from to into onto with by near during behind under over inside between for and "
    "her his their its your my first last final next same"
)
"""Words before a noun."""
_PARTS = word_set("but while whereas although though because since so yet however then")
"""Words that start another clause."""
_LINKS = STOP_WORDS | word_set("too also as well both which that who whose")
"""Behind a name these go on listing, or say more of what was just told."""
_STATES = word_set("is are was were remains remain stays stay lies lie hangs hang sits stands")
_PRONOUNS = word_set("it them")
_BACK = word_set("back aside away down")
_AWAY = word_set("back aside away out")
_MOVED = word_set("put set laid taken placed")
_AT = word_set("in on at into onto")
_NEAR = 8
"""Words between a thing and where it is moved at most."""
_MOVES = word_set("puts put sets set lays laid takes took places placed")
_REACH = 40
"""Words of a clause on either side of a name at most."""
_LEAD = 3
"""Words before the subject of a clause at most: "the blue ones", "behind him a"."""


def asked_role(question: str, names: Set[str]) -> frozenset[str]:
    """Roots of the verbs that say which role the asked things have; empty for mere presence."""
    words = words_of(_TYPE.sub(" ", question.lower()))
    own = {root(word) for name in names for word in words_of(name)}
    found = set()
    for before, word in zip(("", *words), words, strict=False):
        if word in STOP_WORDS or word in _PRESENCE or before in _BEFORE_THINGS:
            continue
        found.add(root(word))
    return frozenset(found) if own.isdisjoint(found) else frozenset()


def is_more_asked(question: str, role: Set[str]) -> bool:
    """Whether a question asks for more than what is there: a role, or a place ("on the table")."""
    words = words_of(question)
    places = {word for at, _, word in zip(words, words[1:], words[2:], strict=False) if at in _AT}
    return bool(role) or bool(places - _PRESENCE)


def without_moved(mentions: Sequence[Mention], reading: Reading, question: str) -> list[Mention]:
    """The mentions without those that are moved away, unless that is what was asked.

    "The shoes are put back under the bed", "the cucumber was taken out".
    """
    if not _AWAY.isdisjoint(words_of(question)):
        return list(mentions)
    return [m for m in mentions if not _is_moved(reading, m)]


def _is_moved(reading: Reading, mention: Mention) -> bool:
    words = reading.words
    for i in range(mention.last + 1, min(mention.last + 1 + _NEAR, len(words) - 1)):
        if reading.mark(i) or words[i] in _PARTS:
            return False
        if words[i] in _MOVED and words[i - 1] in BE:
            return words[i + 1] in _AWAY
    return False


def without_other_roles(
    mentions: Sequence[Mention], reading: Reading, role: Set[str]
) -> list[Mention]:
    """The mentions without those that only another clause tells something else of.

    Only where the answer uses the asked verb of some name at all.
    """
    if not role:
        return list(mentions)
    clauses = {m: _clause_around(reading, m) for m in mentions}
    plays = {m: _has_role(reading, clause, role) for m, clause in clauses.items()}
    if not any(plays.values()):
        return list(mentions)
    back = _put_back(reading, mentions)
    return [
        m
        for m, clause in clauses.items()
        if m != back and (plays[m] or not _is_subject(reading, m, clause))
    ]


def _has_role(reading: Reading, clause: range, role: Set[str]) -> bool:
    return any(root(reading.words[i]) in role and i not in reading.denied for i in clause)


def _clause_around(reading: Reading, mention: Mention) -> range:
    """The words between two marks or conjunctions; commas of a list part nothing."""
    start, end = mention.first, mention.last + 1
    first, stop = max(0, start - _REACH), min(end + _REACH, len(reading.words))
    while start > first and not _parts(reading, start):
        start -= 1
    while end < stop and not _parts(reading, end):
        end += 1
    return range(start, end)


def _parts(reading: Reading, place: int) -> bool:
    if reading.sentences[place] != reading.sentences[place - 1]:
        return True
    words = reading.words
    if words[place] in _PARTS:
        return True
    # ", the toaster is off", "and a robin flies past": a new subject with a verb of its own.
    if not (reading.mark(place) or words[place] == "and"):
        return False
    following = words[place : place + 6]
    return any(word in _STATES for word in following) and words[place] in ARTICLES | {"and"}


def _is_subject(reading: Reading, mention: Mention, clause: range) -> bool:
    """Whether a clause starts with the name and goes on to tell something of it."""
    words = reading.words
    start = clause.start + (words[clause.start] in _PARTS | {"and"})
    if mention.first - start > _LEAD or words[start] not in ARTICLES:
        return False
    rest = words[mention.last + 1 : clause.stop]
    if len(rest) < 2 or reading.mark(mention.last + 1):
        return False
    return rest[0] in _STATES or (rest[0] not in _LINKS and rest[0].endswith(("s", "ed")))


def _put_back(reading: Reading, mentions: Sequence[Mention]) -> Mention | None:
    """What "it" is in "looks at the milk for a moment and then puts it back"."""
    words = reading.words
    for i in range(len(words) - 2):
        if words[i] in _MOVES and words[i + 1] in _PRONOUNS and words[i + 2] in _BACK:
            near = [m for m in mentions if m.last < i]
            if near and reading.sentences[near[-1].last] == reading.sentences[i]:
                return near[-1]
    return None
