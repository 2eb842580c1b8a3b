"""Choices: which option an answer chooses, by its mark, by its text, or by saying yes or no."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from string import ascii_uppercase
from typing import Final, NamedTuple

from video_star.core.labels import ChoiceLabel
from video_star.verification.base import Asked, Found, Place, fails, unless
from video_star.verification.names import mention, name_of
from video_star.verification.values import POLAR
from video_star.verification.words import Said, all_words, key_of

_OPENING: Final = re.compile(
    r"\W*(?:(?:option|choice|answer|caption|sentence|description|statement)\s*)?"
    r"[(\[]?([A-Z]|\d{1,2})(?:[)\].:,]|\s*(?:\n|\Z|\()"
    r"|\s+(?:because|is\s+(?:the\s+)?(?:correct|right|best))\b|\s+-)",
    re.I,
)
_LETTERED: Final = re.compile(r"\(([A-Z])\)|\b(?i:option|choice)\s+\(?([A-Z])\b")
_OTHER: Final = re.compile(r"(?:[,;:.]\s+|\n|\()([A-Z])(?=[).,:;]|\s*\Z)")
AFFIRMED: Final = 0.6
"""Share of a question's words that a sentence has which affirms or denies it."""


@lru_cache(maxsize=1 << 10)
def _marks(question: str, options: tuple[str, ...]) -> tuple[str, ...]:
    """How a question marks its options ("1" of "Option 1: ..."), in order; letters where not so."""
    marks = []
    for number, option in enumerate(options):
        line = re.search(rf"(\w+)[).:]\s*{re.escape(option.strip())}\s*?(?:\n|\Z)", question)
        marks.append(line[1].upper() if line and len(line[1]) < 3 else ascii_uppercase[number])
    return tuple(marks)


class Chosen(NamedTuple):
    """What an answer chooses."""

    option: int
    """Its number from 0."""
    place: Place | None
    against: str = ""
    """Why that is not plain."""


def verify_choice(label: ChoiceLabel, said: Said, asked: Asked) -> Found:
    """Which option an answer chooses."""
    chosen = choose(label.options, said, asked.case.question)
    if chosen is None:
        return fails("no value")
    if chosen.against or chosen.option == label.answer:
        return unless(chosen.against, 1.0, chosen.place)
    return fails("other option", 0.0, chosen.place)


def choose(options: tuple[str, ...], said: Said, question: str) -> Chosen | None:
    """The option that an answer chooses, if any."""
    marks, keys = _marks(question, options), [key_of(option) for option in options]
    known = ("would", *all_words(question))  # "the best option would be (B)" is only polite
    opening = _OPENING.match(said.text)
    matches = [opening] if opening else _LETTERED.finditer(said.text)
    letters = ((match[match.lastindex or 0].upper(), match) for match in matches)
    named = {marks.index(letter): match for letter, match in letters if letter in marks}
    if opening and not named and opening[1].isalpha() and opening[0][-1] in ").:":
        return Chosen(0, None, "no such option")
    texts = {}
    for number, option in enumerate(options):
        if len(option) > 1 or option.isdigit():
            words = all_words(option)
            made = mention(words, said, between=0, known=(*known, *words))
            if made and made.against not in ("words apart", "other order"):
                texts[number] = made
    if len(named) == 1:
        ((number, match),) = named.items()
        place = said.characters(*match.span(match.lastindex or 0))
        others = {mark[1] for mark in _OTHER.finditer(said.text, match.end())} & {*marks}
        if (opening and others - {marks[number]}) or (texts and number not in texts):
            return Chosen(number, place, "several options")
        words = (*known, *all_words(options[number]))
        return Chosen(number, place, "" if opening else said.doubt(match.start(), words))
    if sorted(keys) == sorted(POLAR):
        return _polar(keys, said, question)
    wide = [n for n in texts if not any(keys[n] in keys[o] and keys[n] != keys[o] for o in texts)]
    if len(named) > 1 or len(wide) > 1:
        return Chosen(0, None, "several options")
    return next(
        (Chosen(n, said.place(texts[n].first, texts[n].last), texts[n].against) for n in wide), None
    )


def _polar(keys: Sequence[str], said: Said, question: str) -> Chosen | None:
    """Yes or no where a text begins with it or has but one; else whether its first sentence, if it
    is about the question, affirms or denies."""
    spoken = [number for number, word in enumerate(said.words) if word in POLAR]
    if spoken and (spoken[0] == 0 or len({said.words[n] for n in spoken}) == 1):
        start, end = said.spans[spoken[0]]
        against = said.doubt(start, POLAR) if spoken[0] else ""
        return Chosen(keys.index(said.words[spoken[0]]), said.characters(start, end), against)
    asked = name_of(question.rpartition("?")[0] or question).lemmas
    first = next(iter(said.sentences), said)
    if len(asked & first.lemmas) < max(1, AFFIRMED * len(asked)):
        return None
    reasons = [why for why in first.reasons(all_words(question)) if why != "negated"]
    option = keys.index("no" if first.is_negated else "yes")
    return Chosen(option, (first.start, first.end), reasons[0] if reasons else "")
