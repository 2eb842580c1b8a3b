"""Options that an answer names by their text without choosing them.

The colour of another thing ("parked in front of a red house"), a thing that only lies there when
the question asks what was done with it, where a movement comes from, and the options that an
answer calls wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from video_star.verifiers.inflection import similarity
from video_star.verifiers.numerals import with_numbers
from video_star.verifiers.text import STOP_WORDS, Reading, without_options, word_set, words_of

_COLOURS = word_set(
    "red blue green yellow black white orange purple pink brown grey gray silver gold golden beige"
)
_ARTICLES = word_set("a an the his her their its some")
_BE = word_set("is was are were be it's")
_NOUNS = word_set("one color colour shade tone paint and or")
_LINKING = word_set("that which who when where at on next behind before after")
_DONE = word_set("did was were")
_THERE = word_set("there")
_LIES = word_set("is are was were lies lie lay stands stand stood stays stay stayed remains remain")
_PLACES = word_set("on in under near beside behind next at where there untouched")
_AROUND = word_set("after before while when once as during following")
WRONG = word_set("wrong incorrect false")
_MISTAKES = WRONG | word_set("mistake mistaken")
_SENSELESS = (("makes", "no", "sense"), ("make", "no", "sense"), ("doesn't", "make", "sense"))
_REST = word_set("other others remaining rest")
_LISTED = 10
"""Words of "the other shapes (B. square, C. triangle, D. star)" at most."""
_AN = frozenset({("a",), ("an",), ("the",)})
_SIDES = word_set("left right up down top bottom above below")
_STARTS = word_set("starts started starting begins began beginning start")
"""Before a side these say where a movement comes from: "starts on the left"."""
_OF_BODY = word_set("hand foot arm leg knee shoulder ear eye wall")
_PARTICLES = {"up": "down", "down": "up", "on": "off", "off": "on"}


def is_background(reading: Reading, first: int, last: int, question: str) -> bool:
    """Whether the words `first` to `last` name an option without choosing it."""
    asked = words_of(without_options(question))
    return (
        _of_another_thing(reading, last, asked)
        or _only_lies(reading, first, last, asked)
        or _is_asked_about(reading, first, last, asked)
        or _is_source(reading, first, last, asked)
        or _opposite(reading, first, asked)
        or _too_much(reading, first)
        or _counts_a_part(reading, first, asked)
    )


def is_called_wrong(reading: Reading, first: int, last: int, lettered: bool) -> bool:
    """ "The bag is a wrong answer", "it is wrong to say D", "the others (B, C) never happen"."""
    words = reading.words
    said = words[last + 1 : last + 4]
    if said[:1] and said[0] in _BE:
        judged = said[2:3] if said[1:2] in _AN else said[1:2]
        if not WRONG.isdisjoint(judged):
            return True
    lead = words[max(0, first - 4) : first]
    if any(word in WRONG and after == "to" for word, after in pairwise(lead)):
        return True
    if words[last + 1 : last + 4] in _SENSELESS or _but_wrong(reading, last):
        return True
    return lettered and _is_of_the_rest(reading, first, last)


def _but_wrong(reading: Reading, last: int) -> bool:
    """ "Many would say B, but that is a mistake"."""
    words = reading.words
    for i in range(last + 1, min(last + 1 + _LISTED, len(words) - 3)):
        if reading.sentences[i] != reading.sentences[last]:
            return False
        if words[i] in ("but", "yet", "however") and words[i + 1] in ("that", "this", "it"):
            said = [word for word in words[i + 2 : i + 5] if word not in ("a", "an", "the")]
            return not _BE.isdisjoint(said[:1]) and not _MISTAKES.isdisjoint(said[1:2])
    return False


def _is_of_the_rest(reading: Reading, first: int, last: int) -> bool:
    """Whether a letter stands for what is not chosen."""
    words, sentence = reading.words, reading.sentences[first]
    lead = [i for i in range(max(0, first - _LISTED), first) if reading.sentences[i] == sentence]
    if any(words[i] in _REST for i in lead):
        return True
    k = last + 1
    while k < len(words) and (len(words[k]) == 1 or words[k] in ("and", "or", "nor")):
        k += 1
    if k == len(words) or reading.sentences[k] != sentence:
        return False
    return words[k] == "never" or (words[k].endswith("n't") and k + 1 < len(words))


def _of_another_thing(reading: Reading, last: int, asked: Sequence[str]) -> bool:
    """ "in front of a red house" where the question asks for the colour of the car."""
    words = reading.words
    if words[last] not in _COLOURS or last < 2 or words[last - 1] not in _ARTICLES:
        return False
    thing = [words[i] for i in range(last + 1, min(last + 3, len(words))) if not reading.mark(i)]
    if words[last - 2] in _BE or not thing or thing[0] in STOP_WORDS | _NOUNS | _COLOURS:
        return False
    # "What color is the car that stops at the light" asks about the car.
    end = next((i for i, word in enumerate(asked) if i > 3 and word in _LINKING), len(asked))
    named = {word for word in asked[:end] if word not in STOP_WORDS}
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


def _is_asked_about(reading: Reading, first: int, last: int, asked: Sequence[str]) -> bool:
    """ "After he opened the door, ..." where the question asks what happened after that."""
    lead = [
        reading.words[i]
        for i in range(max(0, first - 5), first)
        if reading.sentences[i] == reading.sentences[first]
    ]
    said = [word for word in reading.words[first : last + 1] if word not in STOP_WORDS]
    if _AROUND.isdisjoint(asked) or (len(said) < 2 and _AROUND.isdisjoint(lead)):
        return False
    return all(any(similarity(word, own) == 1 for own in asked) for word in said)


def _is_source(reading: Reading, first: int, last: int, asked: Sequence[str]) -> bool:
    """ "From the right (to the left)", "with his right foot": no direction of a movement."""
    words = reading.words
    if first != last or words[first] not in _SIDES or "from" in asked:
        return False
    k = first - 1 - (first > 0 and words[first - 1] in _ARTICLES)
    if k >= 0 and (words[k] == "from" or not _STARTS.isdisjoint(words[max(0, k - 3) : k + 1])):
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


def _counts_a_part(reading: Reading, first: int, asked: Sequence[str]) -> bool:
    """ "Three cups: two red and one blue" where the question asks how many."""
    if "many" not in asked:
        return False
    lead = [i for i in range(first + 1) if reading.sentences[i] == reading.sentences[first]]
    colon = next((i for i in lead if ":" in reading.mark(i)), None)
    return colon is not None and any(
        word[0].isdigit() for word, _ in with_numbers(reading.words[lead[0] : colon])
    )
