"""Options that an answer names by their text without choosing them.

The colour of another thing ("parked in front of a red house"), a thing that only lies there when
the question asks what was done with it, what comes last when the question asks for the first, and
what would be if something else were.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from video_star.verifiers.inflection import similarity
from video_star.verifiers.text import STOP_WORDS, Reading, word_set, words_of

_COLOURS = word_set(
    "red blue green yellow black white orange purple pink brown grey gray silver gold golden beige"
)
_ARTICLES = word_set("a an the his her their its some")
_BE = word_set("is was are were be it's")
_NOUNS = word_set("one color colour shade tone paint and or")
_DONE = word_set("did was were")
_THERE = word_set("there")
_LIES = word_set("is are was were lies lie lay stands stand stood stays stay stayed remains remain")
_PLACES = word_set("on in under near beside behind next at where there untouched")
_OTHER_END = {
    "first": word_set("last later afterwards second finally"),
    "last": word_set("first before earlier initially"),
}
"""Behind an option these say that it is not the one that the question asks for."""
_WRONG = word_set("wrong incorrect false")
_AN = frozenset({("a",), ("an",), ("the",)})
_SIDES = word_set("left right up down top bottom above below")
_OF_BODY = word_set("hand foot arm leg knee shoulder ear eye wall")
_PARTICLES = {"up": "down", "down": "up", "on": "off", "off": "on"}
_SAYING = word_set("say guess choose pick go answer think select call suggest expect argue bet")


def is_background(reading: Reading, first: int, last: int, question: str) -> bool:
    """Whether the words `first` to `last` name an option without choosing it."""
    asked = words_of(question.split("\n")[0])
    return (
        _of_another_thing(reading, last, asked)
        or _only_lies(reading, first, last, asked)
        or _at_other_end(reading, last, asked)
        or _would(reading, first, last)
        or _is_source(reading, first, last, asked)
        or _opposite(reading, first, asked)
        or _too_much(reading, first)
    )


def is_called_wrong(reading: Reading, first: int, last: int) -> bool:
    """ "The bag is a wrong answer", "it is wrong to say D"."""
    words = reading.words
    said = words[last + 1 : last + 4]
    if said[:1] and said[0] in _BE:
        judged = said[2:3] if said[1:2] in _AN else said[1:2]
        if not _WRONG.isdisjoint(judged):
            return True
    lead = words[max(0, first - 4) : first]
    return any(word in _WRONG and after == "to" for word, after in pairwise(lead))


def _of_another_thing(reading: Reading, last: int, asked: Sequence[str]) -> bool:
    """ "in front of a red house" where the question asks for the colour of the car."""
    words = reading.words
    if words[last] not in _COLOURS or last < 2 or words[last - 1] not in _ARTICLES:
        return False
    thing = [words[i] for i in range(last + 1, min(last + 3, len(words))) if not reading.mark(i)]
    if words[last - 2] in _BE or not thing or thing[0] in STOP_WORDS | _NOUNS | _COLOURS:
        return False
    named = {word for word in asked if word not in STOP_WORDS}
    if not any(similarity(word, own) == 1 for word in words for own in named):
        return False
    return not any(similarity(word, own) == 1 for word in thing for own in named)


def _only_lies(reading: Reading, first: int, last: int, asked: Sequence[str]) -> bool:
    """ "The box is on the table", "there is a box" where the question asks what was taken."""
    words = reading.words
    if asked[:1] not in (("which",), ("what",)) or asked[1:2] in (("is",), ("color",), ("colour",)):
        return False
    if _DONE.isdisjoint(asked) or not _PLACES.isdisjoint(asked):
        return False
    verb, place = [*words[last + 1 : last + 3], "", ""][:2]
    lies = verb in _LIES and (place in _PLACES or place == "visible") and not reading.mark(last + 1)
    lead = words[max(0, first - 3) : first]
    exists = not _THERE.isdisjoint(lead) and not _BE.isdisjoint(lead)
    exists = exists or "see" in lead
    ends = reading.sentences[-1] == reading.sentences[last]
    return ends and (lies or exists)


def _at_other_end(reading: Reading, last: int, asked: Sequence[str]) -> bool:
    """ "The dog barks last" where the question asks what happens first."""
    following = reading.words[last + 1 : last + 2]
    if not following or reading.mark(last + 1):
        return False
    ends = last + 2 >= len(reading.words) or bool(reading.mark(last + 2))
    return ends and any(end in asked and following[0] in _OTHER_END[end] for end in _OTHER_END)


def _would(reading: Reading, first: int, last: int) -> bool:
    """ "He would be running if he were in a hurry"."""
    words = reading.words
    if "would" not in words[:first] or "if" not in words[last + 1 :]:
        return False
    would = max(i for i in range(first) if words[i] == "would")
    condition = words.index("if", last + 1)
    if reading.sentences[would] != reading.sentences[condition] or words[would + 1] in _SAYING:
        return False
    return not any(reading.mark(i) for i in range(would + 1, condition))


def _is_source(reading: Reading, first: int, last: int, asked: Sequence[str]) -> bool:
    """ "From the right (to the left)", "with his right foot": no direction of a movement."""
    words = reading.words
    if first != last or words[first] not in _SIDES or "from" in asked:
        return False
    k = first - 1 - (first > 0 and words[first - 1] in _ARTICLES)
    if k >= 0 and words[k] == "from":
        return True
    following = words[last + 1 : last + 2]
    return bool(following) and following[0] in _OF_BODY and following[0] not in asked


def _opposite(reading: Reading, first: int, asked: Sequence[str]) -> bool:
    """ "Picked up the bag" where the question asks what was put down."""
    lead = [
        reading.words[i]
        for i in range(max(0, first - 2), first)
        if reading.sentences[i] == reading.sentences[first] and not reading.mark(i + 1)
    ]
    return any(
        particle in asked and other not in asked and other in lead and particle not in lead
        for particle, other in _PARTICLES.items()
        if particle in ("up", "down")
    )


def _too_much(reading: Reading, first: int) -> bool:
    """ "Too slow for running", "too slow to be running"."""
    lead = reading.words[max(0, first - 4) : first]
    if "too" not in lead or lead[-1:] == ("too",):
        return False
    return not {"for", "to"}.isdisjoint(lead[lead.index("too") + 2 :])
