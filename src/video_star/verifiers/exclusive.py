"""Names that an answer leaves out by naming others as the only ones.

"The only fruit is the apple", "just water", "nothing but horses", "I only see her stir the paint".
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import pairwise

from video_star.verifiers.inflection import stem
from video_star.verifiers.order import Mention
from video_star.verifiers.text import STOP_WORDS, Reading, content_words, word_set
from video_star.verifiers.verbs import ARTICLES
from video_star.verifiers.wording import IS

_ONLY = word_set("only just solely exclusively merely alone but")
_HAS = word_set("has have had is are was were not it's he's she's")
"""Before "just" these make it a moment: "has just opened"."""
_ENDS = word_set("but while because although whereas as since so yet though")
_SEEN = (STOP_WORDS - {"then", "so"}) | word_set(
    "see sees saw seen make makes out visible spot find show shows showing shown contain contains "
    "have has can could appear appears present really actually here video clip footage scene "
    "screen image picture frame frames of left remain remains"
)
"""Words of a clause that says no more than what is there."""
_PARTS = word_set(
    "first last start beginning end initially later finally briefly once left remain remains"
)
"""These limit an "only" to a part of the time, unless the question does."""
_REACH = 30
"""Words of a clause on either side of its "only" at most."""
_FRAMES = {("this", word) for word in ("clip", "video", "part", "footage", "episode")}


def without_left_out(
    mentions: Sequence[Mention], reading: Reading, question: str, ordered: bool
) -> list[Mention]:
    """The mentions without those of names that a later "only" leaves out, or all of them.

    A name that follows, or that is an only one itself ("the only vegetable"), stays. `ordered`:
    the names are actions.
    """
    if _ONLY.isdisjoint(reading.words):
        return list(mentions)
    asked = {stem(word) for word in content_words(question)}
    named: set[int] = set()
    cuts: list[int] = []
    for place, word in enumerate(reading.words):
        if word in _ONLY and place not in reading.unasserted:
            only = _only_ones(mentions, reading, place, asked, ordered)
            if only:
                named |= only
                cuts.append(place)
    if not cuts:
        return list(mentions)
    named |= {m.step for m in mentions if m.last > cuts[-1]}
    return [m for m in mentions if m.step in named]


def _only_ones(
    mentions: Sequence[Mention], reading: Reading, place: int, asked: Set[str], ordered: bool
) -> set[int]:
    """The names that the "only" at a place speaks of, empty where it leaves nothing out."""
    words = reading.words
    one, before, word = ["", "", *words[: place + 1]][-3:]
    clause = _clause_around(reading, place)
    parts = [w for w in words[clause.start : clause.stop] if w in _PARTS]
    denied = before == "not" or before.endswith("n't") or (word == "just" and before in _HAS)
    if denied or (parts and not any(stem(w) in asked for w in parts)):
        return set()
    if (word == "but") != (before in ("nothing", "anything")):
        return set()
    after = [m for m in mentions if place < m.first < clause.stop]
    near = [m for m in mentions if clause.start <= m.first and m.last < place]
    is_the = bool(near) and one in IS and before == "the"  # "the dog is the only animal"
    if after and not is_the:
        lead, tail = words[place + 1 : after[0].first], words[after[-1].last + 1 : clause.stop]
        fits = _leads(lead, words[clause.start : place], word, asked)
        told = any(m.step == n.step and m.last < place for m in mentions for n in after)
        framed = not _FRAMES.isdisjoint(pairwise(words[clause.start : place]))
        says = (told or framed) if ordered else _is_bare(tail, asked)
        return {m.step for m in after} if fits and says else set()
    if ordered or not near:
        return set()
    over = place + 1 == len(words) or bool(reading.mark(place + 1))
    alone = near[-1].last == place - 1 and over  # "the bread alone"
    is_the = is_the and _is_bare(words[place + 2 : clause.stop], asked)
    return {m.step for m in near} if is_the or alone else set()


def _leads(lead: Sequence[str], frame: Sequence[str], word: str, asked: Set[str]) -> bool:
    """Whether the words between an "only" and its name, and those before, say no more than it.

    "The man only plays the violin" tells of one of several people.
    """
    articles = [i for i, w in enumerate(lead) if w in ARTICLES]
    lead = lead[: articles[-1]] if articles else lead
    if frame[-1:] == ("the",):  # "the only fruit is the apple"
        if IS.isdisjoint(lead) or lead[0] == "other":
            return False
        lead, frame = lead[1:], ()
    others = any(w in ARTICLES and not _is_bare([who], asked) for w, who in pairwise(frame))
    return _is_bare(lead, asked) and not (lead and (word == "just" or others))


def _clause_around(reading: Reading, place: int) -> range:
    words, start, end = reading.words, place, place + 1
    while (
        start > place - _REACH
        and start
        and reading.sentences[start - 1] == reading.sentences[place]
    ):
        if words[start - 1] in _ENDS:
            break
        start -= 1
    while (
        end < min(place + _REACH, len(words)) and reading.sentences[end] == reading.sentences[place]
    ):
        if words[end] in _ENDS:
            break
        end += 1
    return range(start, end)


def _is_bare(words: Sequence[str], asked: Set[str]) -> bool:
    """Whether words say no more than what is there, or what is asked."""
    return all(word in _SEEN or stem(word) in asked for word in words)
