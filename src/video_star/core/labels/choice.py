"""Choices: which option an answer chooses, by its mark, by its text, or by saying yes or no."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from string import ascii_uppercase
from typing import Final, Literal, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from video_star.core.excerpt import excerpt
from video_star.core.labels.base import (
    Asked,
    BaseLabel,
    Found,
    NameText,
    Place,
    Row,
    fails,
    unless,
)
from video_star.core.labels.cells import BadRow, one_line, texts
from video_star.core.labels.mention import mention, name_of
from video_star.core.labels.words import POLAR, Said, all_words, key_of

MARKED = re.compile(
    r"[(\[]?(?P<mark>[A-Za-z]|\d\d?)(?:[.:)\]\uff0e\uff1a\uff09\u3001]|\s[-\u2013])\s*(?P<text>\S.*)"
)
"""An option with a letter or a number of its own: "A. Apples.", "(b) berries", "3) three"; Chinese
sets write the marks at full width."""
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


class ChoiceLabel(BaseLabel):
    """One of several options; passes when it alone is chosen, by its letter or its text."""

    FORM = "<letter>"
    COLUMNS = ("options", "answer")

    kind: Literal["choice"] = "choice"
    options: tuple[NameText, ...] = Field(min_length=2, max_length=26)
    answer: int = Field(ge=0)
    """Index of the right option; the first one is A."""

    @field_validator("options")
    @classmethod
    def _takes_off_letters(cls, options: tuple[str, ...]) -> tuple[str, ...]:
        return without_letters(options)  # questions write letters of their own before them

    @model_validator(mode="after")
    def _answer_is_an_option(self) -> ChoiceLabel:
        if self.answer >= len(self.options):
            raise ValueError(f"answer {self.answer} is not one of {len(self.options)} options")
        return self

    @classmethod
    def of_row(cls, row: Row) -> Self:
        options = without_letters(texts(_by_letter(row["options"]), "options"))
        if not 2 <= len(options) <= len(ascii_uppercase):
            raise BadRow(f"{len(options)} options; a choice has 2 to {len(ascii_uppercase)}.")
        if len({option.casefold() for option in options}) < len(options):
            raise BadRow("an option is there twice; correct the row.")
        return cls(options=options, answer=_answer(row["answer"], options))

    def say(self) -> str:
        return option_line(self.options, self.answer)

    def final_value(self) -> str:
        return ascii_uppercase[self.answer]

    def find(self, said: Said, asked: Asked) -> Found:
        chosen = choose(self.options, said, asked.question)
        if chosen is None:
            return fails("no value")
        if chosen.against or chosen.option == self.answer:
            return unless(chosen.against, 1.0, chosen.place)
        return fails("other option", 0.0, chosen.place)


def option_line(options: Sequence[str], index: int) -> str:
    """The full line of one option, as TempCompass writes its answers ("B. text")."""
    return f"{ascii_uppercase[index]}. {options[index]}"


def mark_of(option: str) -> str:
    """The letter or number that an option brings, or nothing."""
    found = MARKED.fullmatch(option)
    return found["mark"].upper() if found else ""


def without_letters(options: tuple[str, ...]) -> tuple[str, ...]:
    """The options without their letters where they bring A, B, C ...; others are no letters."""
    if tuple(map(mark_of, options)) != tuple(ascii_uppercase[: len(options)]):
        return options
    return tuple(MARKED.sub(r"\g<text>", option) for option in options)


def _by_letter(value: object) -> object:
    """The options of {"A": "Apples.", "B": "Berries."} as a list."""
    if isinstance(value, dict) and [*value] == [*ascii_uppercase[: len(value)]]:
        return list(value.values())
    return value


def _answer(value: object, options: tuple[str, ...]) -> int:
    """Index of the right option; BadRow when the value fits none, or several.

    It is an option's text, its letter ("B", "(b)"), both, or the index from 0.
    """
    text = one_line(value, "answer")
    fits = set()
    if isinstance(value, str):
        said, letter = text.casefold(), text.strip("().:").upper()
        fits = {i for i, option in enumerate(options) if option.casefold() == said}
        whole = MARKED.fullmatch(text)
        if whole and mark_of(text) in ascii_uppercase[: len(options)]:
            marked = ascii_uppercase.index(mark_of(text))
            fits |= {marked} if options[marked].casefold() == whole["text"].casefold() else set()
        fits |= {i for i in range(len(options)) if ascii_uppercase[i] == letter}
        # Options may have kept marks in another order, or numbers from 1: then it is not known.
        fits |= {i for i, option in enumerate(options) if mark_of(option) == letter != ""}
    index = text.removesuffix(".0")
    if not isinstance(value, bool) and index.isdecimal() and int(index) < len(options):
        fits.add(int(index))
        fits |= {i for i, option in enumerate(options) if mark_of(option) == index}
    if len(fits) != 1:
        problem = "fits several options" if fits else "is none of the options"
        raise BadRow(f"answer {excerpt(text)} {problem}; write the option's letter.")
    return fits.pop()


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


def choose(options: tuple[str, ...], said: Said, question: str) -> Chosen | None:
    """The option that an answer chooses, if any."""
    marks, keys = _marks(question, options), [key_of(option) for option in options]
    known = ("would", *all_words(question))  # "the best option would be (B)" is only polite
    opening = _OPENING.match(said.text)
    matches = [opening] if opening else _LETTERED.finditer(said.text)
    letters = ((match[match.lastindex or 0].upper(), match) for match in matches)
    named = {marks.index(letter): match for letter, match in letters if letter in marks}
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
