"""Which options an answer names, by letter, by ordinal or by text, and whether it denies them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from video_star.verifiers.inflection import root, similarity
from video_star.verifiers.letters import DROPPED, letter_before, letters
from video_star.verifiers.numerals import with_numbers
from video_star.verifiers.phrases import Answer
from video_star.verifiers.text import (
    Reading,
    aloud,
    content_words,
    read,
    spans_of,
    word_set,
    words_of,
)
from video_star.verifiers.undone import is_undone, may_be_undone
from video_star.verifiers.wanted import wanted_of

_BARE_OPTIONS = word_set("yes no true false")
"""Options that are common words: claims only where a clause starts or an answer is announced."""
_ANNOUNCING = word_set("is answer say be was as option")
_ALL_BUT = frozenset({("all", "but"), ("everything", "but")})
_PRAISING = word_set("right correct wrong best first second third last true false")
_FRAMED = word_set("answer option choice choices options one")
"""Before these the praising words are no options: "the right answer"."""

_MARKUP = str.maketrans(
    dict.fromkeys("*_`$#<>{}", " ") | {"\u201c": '"', "\u201d": '"', "\u2192": ":", "\u21d2": ":"}
)
_ARROW = re.compile(r"[-=]>")
"""Ends a clause, so that no denial reaches over it: "not red, not green -> D"."""
_LISTED = re.compile(r"(?<=\([a-zA-Z])\.|(?<=, [a-zA-Z])\.")
"""The full stop of "(B. square, C. triangle)", which ends nothing."""
"""An arrow, and the end of a line before a line that a letter opens: both end a clause."""
_MISTYPED = 0.9
"""Similarity from which on a text that is found in no other way is an option's, mistyped."""


@dataclass(frozen=True, order=True)
class Claim:
    """One naming of an option."""

    first: int
    """Index of its first word."""
    last: int
    option: int
    strong: bool
    """A letter that the answer gives as its verdict."""
    lettered: bool
    """Named by letter or ordinal, not by text."""
    is_open: bool
    """Neither denied nor asked nor supposed."""


@dataclass(frozen=True)
class Speech:
    """An answer to a question with options."""

    reading: Reading
    claims: tuple[Claim, ...]
    spans: tuple[tuple[int, int], ...]
    """Start and end of each word in the answer."""


def speech_of(text: str, options: Sequence[str]) -> Speech:
    """Read an answer and find what it says of each option."""
    clean = _ARROW.sub(": ", _LISTED.sub(")", aloud(text))).translate(_MARKUP)
    reading, spans = read(clean), spans_of(clean)
    found: dict[tuple[int, int], Claim] = {}
    for first, last, option, strong in letters(clean, spans, len(options)):
        claim = _claim(reading, first, last, option, strong, True)
        known = found.get((first, last))
        if known is None or strong > known.strong:
            found[first, last] = claim
    for first, last, option in _texts(reading, tuple(options)):
        found.setdefault((first, last), _claim(reading, first, last, option, False, False))
        letter = letter_before(reading, first, len(options))
        if letter:
            found.setdefault(
                (letter[0], letter[0]), _claim(reading, letter[0], *letter, False, True)
            )
    return Speech(reading, tuple(sorted(found.values())), tuple(spans))


def _claim(
    reading: Reading, first: int, last: int, option: int, strong: bool, lettered: bool
) -> Claim:
    places = range(first, last + 1)
    denied = any(
        cue not in places and not reached.isdisjoint(places) for cue, reached in reading.denials
    )
    lesser = set(reading.words[max(0, first - 2) : first]) & {"than", "over", "versus"}
    if tuple(reading.words[max(0, first - 2) : first]) in _ALL_BUT:
        denied = True
    unsaid = reading.asked | reading.supposed
    if not lettered and may_be_undone(reading) and is_undone(reading, first, last, aims=False):
        denied = True  # "He tries to catch the ball but misses it."
    is_open = not denied and not lesser and unsaid.isdisjoint(places)
    return Claim(first, last, option, strong, lettered, is_open)


@lru_cache(maxsize=1 << 12)
def _wanted(options: tuple[str, ...], least: int = 2) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """Index and compared words of each option, the longest first.

    What all options start with tells nothing, so it is left out ("the person ...") as long as
    `least` words are left; where one is enough, also what they end with ("opens the door").
    """
    words = [tuple(w for w, _ in _compared(words_of(text))) for text in options]
    while all(w[0] == words[0][0] and len(w) > least for w in words if w) and all(words):
        words = [own[1:] for own in words]
    while least == 1 and all(w[-1:] == words[0][-1:] and len(w) > 1 for w in words):
        words = [own[:-1] for own in words]
    found = list(enumerate(words))
    return tuple(sorted(found, key=lambda option: -len(option[1])))


def _compared(words: Sequence[str]) -> list[tuple[str, int]]:
    """Words without those that do not matter, with their places; all where none matters."""
    numbered = [(word, first) for word, (first, _) in with_numbers(words)]
    kept = [(word, i) for word, i in numbered if word not in DROPPED]
    return kept or numbered


def _texts(reading: Reading, options: tuple[str, ...]) -> list[tuple[int, int, int]]:
    """First and last word of each option's text; a longer one hides a shorter one inside of it."""
    said = _compared(reading.words)
    wanted = _wanted(options)
    matches = _matches(said, wanted)
    if not matches:
        reworded = list(_reworded(reading, options))
        wanted = _wanted(options, 1)
        matches = {} if reworded else _matches(said, wanted)
        if not matches:
            return reworded
    words = dict(wanted)
    found = [
        (said[places[0]][1], said[places[-1]][1], option)
        for places, option in matches.items()
        if not any(_crosses(places, other) and other != places for other in matches)
    ]
    return [claim for claim in found if not _is_bare(reading, words[claim[2]], *claim[:2])]


def _matches(
    said: Sequence[tuple[str, int]], wanted: Sequence[tuple[int, tuple[str, ...]]]
) -> dict[range, int]:
    """Where the words of options stand one after the other; inflected only where not exactly."""
    found: dict[range, int] = {}
    for exact in (True, False):
        for option, words in wanted:
            for start in range(len(said) - len(words) + 1 if words else 0):
                places = range(start, start + len(words))
                if not exact and any(_crosses(places, other) for other in found):
                    continue
                pairs = zip((said[k][0] for k in places), words, strict=True)
                alike = (a == b or (not exact and similarity(a, b) == 1) for a, b in pairs)
                if places not in found and all(alike):
                    found[places] = option
    return found


def _reworded(reading: Reading, options: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """As `_texts`, for an answer that says the words of options in another way."""
    answer = Answer(reading)
    sought = {i: wanted_of(content_words(text), text) for i, text in enumerate(options)}
    found = {
        i: answer.best(wanted, reading.unasserted) for i, wanted in sought.items() if wanted.words
    }
    best = max((place.score for place in found.values()), default=0.0)
    said = {i: place for i, place in found.items() if place.score == best >= _MISTYPED}
    orders = {i: [root(word) for word in wanted.words] for i, wanted in sought.items()}
    sets = [sorted(order) for order in orders.values()]
    for i, place in list(said.items()):
        told = [root(reading.words[k]) for k in place.places]
        # "wash, peel, slice" and "peel, wash, slice" differ in nothing but their order.
        if sets.count(sorted(orders[i])) > 1 and told != orders[i]:
            del said[i]
    for i, place in said.items():
        if not any(set(sought[i].words) < set(sought[k].words) for k in said):
            yield place.places[0], place.places[-1], i


def _crosses(places: range, other: range) -> bool:
    """Whether a mention shares words with another one that does not lie inside of it."""
    shared = places.start < other.stop and other.start < places.stop
    return shared and not (places.start <= other.start and other.stop <= places.stop)


_POLITE = frozenset(
    {
        ("i", "can"),
        ("i", "will"),
        ("i'll", "help"),
        ("of", "course"),
        ("let", "me"),
        ("let's", "see"),
    }
)
"""After a "yes" or "no" these only greet: "Yes, I can help with that"."""


def _is_bare(reading: Reading, words: Sequence[str], first: int, last: int) -> bool:
    """Whether a common word is no option here ("the right answer", "no doubt")."""
    following = reading.words[last + 1 : last + 2]
    if len(words) > 1:
        return False
    if words[0] in _PRAISING and not _FRAMED.isdisjoint(following):
        return not reading.mark(last + 1)
    if words[0] not in _BARE_OPTIONS:
        return False
    if following and following[0] in ("doubt", "question", "wonder", "idea", "problem"):
        return True
    if reading.words[last + 1 : last + 3] in _POLITE:
        return True
    if first == 0 or reading.mark(first):
        return False
    ends = not following or bool(reading.mark(last + 1))
    return not (ends and reading.words[first - 1] in _ANNOUNCING)
