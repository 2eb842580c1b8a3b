"""Reading an answer: folded words with their places, sentences, and which words assert nothing.

Case, accents and white space never matter. Nothing here raises on any text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from video_star.verifiers.denial import DENYING, denials, may_deny
from video_star.verifiers.guessing import GUESSING, guesses, may_guess
from video_star.verifiers.supposing import SUPPOSING, may_suppose, suppositions
from video_star.verifiers.wording import word_set

__all__ = [
    "STOP_WORDS",
    "Reading",
    "aloud",
    "content_words",
    "fold",
    "read",
    "span_of",
    "spans_of",
    "without_options",
    "word_set",
    "words_of",
]

_SIGNS = r"[\u2716\u2717\u2718\u274c\u2715\u2612\u2713\u2714\u2705\u2611]"
_SPOKEN = r"\d+(?:[.,]\d+)+|[^\W_]+(?:'[^\W_]+)*"  # "3.5", words
_WORD = re.compile(rf"{_SPOKEN}|{_SIGNS}")
_TOKEN = re.compile(
    rf"{_SPOKEN}"
    r"|\.(?![^\W\d_])"  # A full stop inside of "Soms.Tuck" ends nothing.
    rf"|[!?;:,\u2013\u2014]|{_SIGNS}"
    r"|(?<=\s)-+(?=\s)|--+|->"  # Spaced dashes and arrows part like a comma, hyphens do not.
)
_MARKS = frozenset(".!?;:,\u2013\u2014-")
"""First characters of tokens that are no words."""
_ENDS = frozenset(".!?;")
_THOUGHT = "</think>"
_APOSTROPHES = "\u2019\u2018\u02bc"
_CLITIC_HOSTS = frozenset({"it", "he", "she", "that", "there", "what"})
_AGREEMENT = word_set("yes yeah yep indeed exactly definitely certainly correct right")

STOP_WORDS = word_set(
    "a an the of to in on at by for from with into onto and or as is are was were be been "
    "being do does did doing done it its this that these those there their his her he she "
    "they you i we someone something somebody so then"
)
"""Words of a name or an answer that carry no content."""

_NONE: frozenset[int] = frozenset()
_CUES = DENYING | SUPPOSING | GUESSING
"""Most answers have none of these, and are searched for nothing."""
_TAGS = word_set("it he she they this that right correct")
"""Last words of questions that only ask for agreement."""


@dataclass(frozen=True)
class Reading:
    """The words of an answer. Places are indices of words."""

    words: tuple[str, ...]
    sentences: tuple[int, ...]
    """Number of the sentence each word stands in."""
    denied: frozenset[int]
    """Words that a negation or a contrast reaches ("not diving", "rather than diving")."""
    asked: frozenset[int]
    """Words of questions, which assert nothing, unless a "yes" follows."""
    supposed: frozenset[int] = frozenset()
    """Words of conditions and of beliefs that are taken back ("I thought it was diving, but")."""
    breaks: Mapping[int, str] | None = None
    """The punctuation right before a word (or after the last one, at len(words))."""
    denials: tuple[tuple[int, frozenset[int]], ...] = ()
    """Each denial: the word that denies and the words that it reaches."""
    guessed: frozenset[int] = frozenset()
    """Words that are only offered as possible ("might be diving")."""

    @property
    def unasserted(self) -> frozenset[int]:
        """All words that are denied, asked or supposed."""
        return self.denied | self.asked | self.supposed

    def sentence_start(self, place: int) -> int:
        """The first word of the sentence that a word stands in."""
        return bisect_left(self.sentences, self.sentences[place])

    def mark(self, place: int) -> str:
        """The punctuation right before a word, "" where there is none."""
        return self.breaks.get(place, "") if self.breaks else ""


def fold(text: str) -> tuple[str, list[int] | None]:
    """The text without case and accents; each folded character's place (None: unchanged)."""
    if text.isascii():
        return text.lower(), None
    folded: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
        # A fraction sign starts a word: "3\u00bd" is "3 1/2", not "31/2".
        for part in f" {parts}" if "\u2044" in parts else parts:
            if not unicodedata.combining(part):
                folded.append("'" if part in _APOSTROPHES else part)
                places.append(place)
    return "".join(folded), places


def aloud(text: str) -> str:
    """The text, its thinking ("<think>...</think>") blanked where something follows it.

    A model that thinks first answers behind it; places stay the same.
    """
    if _THOUGHT not in text:
        return text
    end = text.rfind(_THOUGHT)
    if not text[end + len(_THOUGHT) :].strip():
        return text
    return " " * (end + len(_THOUGHT)) + text[end + len(_THOUGHT) :]


def words_of(text: str) -> tuple[str, ...]:
    """Folded words in order, possessive endings dropped."""
    return tuple(_bare(token) for token in _WORD.findall(fold(text)[0]))


def without_options(question: str) -> str:
    """The first line of a question: options stand on lines of their own behind it."""
    return question.split("\n")[0]


def content_words(text: str) -> tuple[str, ...]:
    """Words that carry content; all words where none does."""
    words = words_of(text)
    return tuple(word for word in words if word not in STOP_WORDS) or words


def spans_of(text: str) -> list[tuple[int, int]]:
    """Start and end of each word in the text as it was given."""
    folded, places = fold(text)
    spans = [m.span() for m in _WORD.finditer(folded)]
    if places is None:
        return spans
    return [(places[start], places[end - 1] + 1) for start, end in spans]


def span_of(text: str, first: int, last: int) -> tuple[int, int]:
    """Start and end in the text of a run of words, named by their indices."""
    folded, places = fold(text)
    run = list(islice(_WORD.finditer(folded), first, last + 1))
    start, end = run[0].start(), run[-1].end()
    return (start, end) if places is None else (places[start], places[end - 1] + 1)


def read(text: str) -> Reading:
    """Words, sentences, denials, questions and conditions of an answer."""
    folded = fold(text)[0]
    words: list[str] = []
    sentences: list[int] = []
    questions: list[range] = []
    breaks: dict[int, str] = {}
    sentence = begin = 0
    for token in _TOKEN.findall(folded):
        if token[0] not in _MARKS:
            words.append(_bare(token) if token[-2:] == "'s" else token)
            sentences.append(sentence)
            continue
        # Of several marks in a row the strongest counts: "diving?!" is still a question.
        mark = token if token in _MARKS else ","
        breaks[len(words)] = breaks.get(len(words), "") + mark
        if token in _ENDS:
            if token == "?":
                questions.append(range(begin, len(words)))
            sentence += 1
            begin = len(words)
    # Most answers deny nothing: they are spared the search.
    found: tuple[tuple[int, frozenset[int]], ...] = ()
    supposed = guessed = _NONE
    cues = _CUES.intersection(words)
    if "n't" in folded or (cues and may_deny(cues)):
        found = denials(words, breaks, sentences)
    if cues and may_suppose(cues):
        supposed = suppositions(words, breaks, sentences)
    if cues and may_guess(cues):
        guessed = guesses(words, breaks, sentences)
    return Reading(
        tuple(words),
        tuple(sentences),
        frozenset().union(*(reached for _, reached in found)) if found else frozenset(),
        _asked(words, breaks, questions) if questions else frozenset(),
        supposed,
        breaks,
        found,
        guessed,
    )


def _asked(
    words: Sequence[str], breaks: Mapping[int, str], questions: Sequence[range]
) -> frozenset[int]:
    """Words of questions, but for those that "yes" answers or a tag ends ("..., isn't it?")."""
    asked: set[int] = set()
    for question in questions:
        if question.stop < len(words) and words[question.stop] in _AGREEMENT:
            continue
        tag = max((i for i in question if i > question.start and breaks.get(i)), default=None)
        tagged = tag is not None and question.stop - tag <= 2
        if not (tagged and words[question.stop - 1] in _TAGS):
            asked.update(question)
    return frozenset(asked)


def _bare(token: str) -> str:
    return token[:-2] if token.endswith("'s") and token[:-2] not in _CLITIC_HOSTS else token
