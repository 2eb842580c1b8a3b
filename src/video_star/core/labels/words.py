"""Words of a text: tokens, lemmas, sentences, and the closed classes of words that kinds know.

All lists of words of the package stand here. They are closed classes of English, which do not grow
with a data set; everything open (names, inflections, number words) comes from the labels or from a
library: lemmas from lemminflect, number words from text2num.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Final


def _list(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEGATION: Final = _list(
    "no not never none neither nobody nothing without cannot false wrong incorrect"
)
"""Absolute negators (Huddleston and Pullum, The Cambridge Grammar of the English Language, 9.1)
and words for false; a contracted "n't" and a cross deny as well."""
HEDGING: Final = _list("maybe perhaps possibly probably might may could or whether")
"""Hedges (Hyland, Metadiscourse, 2005, appendix: epistemic adverbs and modals), and "or" and
"whether", which leave open; without "seem" and "appear", with which models begin sure answers."""
CONTRAST: Final = _list("but however instead than only if would will")
"""Contrast, concession, condition and future (Quirk et al., A Comprehensive Grammar of the English
Language, 1985, 4.42 and 15.33-39); without "while", which mostly joins what happens together."""
BOUND: Final = _list("before after than below above for every")
"""Prepositions of order, comparison and duration (Quirk et al., 9.33-43): a number beside one of
them tells what comes before or behind it, or how long something is."""
FUNCTION: Final = _list("a an the that be do and of to in on at for from about it he they")
"""The most frequent function words of written English (Leech, Rayson and Wilson, Word Frequencies,
2001), by lemma: a name is found without them."""
HAPPENING: Final = _list("video moment segment event query happen occur start end")
"""Words of questions and answers of temporal grounding (`data/questions/times.yaml`; TimeChat: "The
given query happens in 3.0 - 7.5 seconds."), which do not say what happens."""
POLAR: Final = ("yes", "no")
OPPOSITE: Final = {
    word: other
    for pair in ("left right", "up down", "forward backward", "top bottom", "open close")
    for word, other in (pair.split(), pair.split()[::-1])
}
"""Antonyms of direction and change (Miller, WordNet, 1995): what makes the opposite event of two
sentences that embeddings take for the same."""

_CROSS: Final = "\u2715\u2716\u2717\u2718\u274c\u274e"
_TOKEN: Final = re.compile(rf"[^\W_]+(?:['\u2019][^\W_]+)?|[{_CROSS}]")
_ASKS: Final = re.compile(r"(?<=\S)\?(?=\W|\Z)")
_SENTENCE: Final = re.compile(r"[^.!?\n]*(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?\n]*\s*")
_CLAUSE: Final = re.compile(r"[.,;:!?](?=\s|\Z)|\n")


@lru_cache(maxsize=1 << 16)
def _dictionary(word: str) -> frozenset[str]:
    from lemminflect import getAllLemmas

    return frozenset(lemma for own in getAllLemmas(word).values() for lemma in own)


@lru_cache(maxsize=1 << 16)
def lemmas(word: str) -> frozenset[str]:
    """A folded word and all its lemmas: "leaves" is "leaves", "leaf" and "leave"."""
    plain = re.sub(r"['\u2019]s?$", "", word)
    # Without their "s": adverbs and new words, which the dictionary leaves as they are.
    bare = {plain[:-1]} if len(plain) > 4 and re.search(r"[^s]s$", plain) else set()
    return _dictionary(plain).union({plain}, bare)


@lru_cache(maxsize=1 << 16)
def lemma(word: str) -> str:
    """The shortest lemma of a folded word of a name: "ride" of "riding"."""
    return min(_dictionary(word) or lemmas(word), key=lambda one: (len(one), one))


@lru_cache(maxsize=1 << 16)
def mark_of(word: str) -> str:
    """Why a folded word makes a statement less than plain; "" where it does not."""
    if word in NEGATION or word in _CROSS or word.endswith(("n't", "n\u2019t")):
        return "negated"
    return "hedged" if word in HEDGING else "contrasted" if word in CONTRAST else ""


def is_function(word: str) -> bool:
    """Whether a folded word is a function word."""
    return not lemmas(word).isdisjoint(FUNCTION)


def _fold(word: str) -> str:
    """One case, and one form for letters that Unicode writes in several ways."""
    return word.casefold() if word.isascii() else unicodedata.normalize("NFKC", word).casefold()


def all_words(text: str) -> tuple[str, ...]:
    """The folded words of a text."""
    if text.isascii():
        return tuple(_TOKEN.findall(text.lower()))
    return tuple(_fold(word) for word in _TOKEN.findall(text))


def content(text: str) -> tuple[str, ...]:
    """The folded words of a name without function words; all words where there are no others."""
    words = all_words(text)
    return tuple(word for word in words if not is_function(word)) or words


def key_of(text: str) -> str:
    """The words of a text, folded, with single blanks: equal for texts that differ in form only."""
    return " ".join(all_words(text)) or text.strip().casefold()


def sentences(text: str) -> list[tuple[int, int]]:
    """Start and end of each sentence; a line break ends one, a dot inside of a name does not."""
    found = ((match.start(), match[0]) for match in _SENTENCE.finditer(text))
    starts = ((at + len(said) - len(said.lstrip()), said.strip()) for at, said in found)
    return [(start, start + len(said)) for start, said in starts if said]


@dataclass(frozen=True)
class Said:
    """A part of an answer: its text and where that starts. The rest is found when asked for."""

    text: str
    start: int = 0

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)

    @cached_property
    def key(self) -> str:
        """`key_of` this part."""
        return key_of(self.text)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """All folded words in order."""
        return all_words(self.text)

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Start and end of each word."""
        return [match.span() for match in _TOKEN.finditer(self.text)]

    @cached_property
    def lemmas(self) -> frozenset[str]:
        """All lemmas of all words."""
        return frozenset().union(*map(lemmas, self.words))

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        return {}

    def at(self, wanted: str) -> list[int]:
        """The numbers of the words that have a lemma, ascending."""
        if wanted not in self._places:
            own = enumerate(map(lemmas, self.words))
            self._places[wanted] = [number for number, each in own if wanted in each]
        return self._places[wanted]

    @cached_property
    def unknown(self) -> list[tuple[str, int]]:
        """Words that no dictionary has, once each, with their number: they may be misspelt."""
        firsts = {word: number for number, word in reversed([*enumerate(self.words)])}
        return [(word, number) for word, number in firsts.items() if not _dictionary(word)]

    @property
    def sentences(self) -> list[Said]:
        """Its sentences."""
        return [
            Said(self.text[start:end], self.start + start) for start, end in sentences(self.text)
        ]

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _ in sentences(self.text)]

    def sentence_at(self, place: int) -> int:
        """The number of the sentence that a character is in."""
        return bisect_right(self._starts, place)

    def sentence_of(self, number: int) -> int:
        """The number of the sentence that a word is in."""
        return self.sentence_at(self.spans[number][0])

    @cached_property
    def marks(self) -> dict[int, list[tuple[str, str]]]:
        """Sentence to what in it asks, denies, hedges or contrasts: the word and the reason."""
        marks: dict[int, list[tuple[str, str]]] = defaultdict(list)
        if "?" in self.text:
            for match in _ASKS.finditer(self.text):
                marks[self.sentence_at(match.start())].append(("?", "asked"))
        for number, why in enumerate(map(mark_of, self.words)):
            if why:
                marks[self.sentence_of(number)].append((self.words[number], why))
        return dict(marks)

    def reasons(self, known: Collection[str] = ()) -> list[str]:
        """The reasons of all marks that are not known."""
        marks = chain.from_iterable(self.marks.values())
        return [why for word, why in marks if word not in known]

    @property
    def is_negated(self) -> bool:
        """Whether a word denies."""
        return "negated" in map(mark_of, self.words)

    def doubt(self, place: int, known: Collection[str] = ()) -> str:
        """Why the sentence that a character is in does not plainly say something; "" if it does.

        Marks that are `known`, from the question or the label, speak against nothing.
        """
        marks = self.marks.get(self.sentence_at(place), ()) if self.marks else ()
        return next((why for word, why in marks if word not in known), "")

    def others(self, known: Iterable[str]) -> int:
        """How many words there are besides known ones and function words."""
        expected = FUNCTION.union(*map(lemmas, known))
        return sum(lemmas(word).isdisjoint(expected) for word in {*self.words})

    def clauses(self, start: int, end: int) -> Said:
        """The clauses around a stretch."""
        first = max((m.end() for m in _CLAUSE.finditer(self.text, 0, start)), default=0)
        behind = _CLAUSE.search(self.text, end)
        return Said(self.text[first : behind.start() if behind else len(self.text)], first)

    def characters(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of this part stands in the answer."""
        return self.start + start, self.start + end

    def place(self, first: int, last: int) -> tuple[int, int]:
        """Characters of the answer from one word to another."""
        return self.start + self.spans[first][0], self.start + self.spans[last][1]

    def stripped(self, characters: str | None = None) -> Said:
        """The same without some characters around it, white space at least."""
        left = self.text.lstrip(characters)
        return Said(left.rstrip(characters), self.end - len(left))

    def split(self, separator: str) -> list[Said]:
        """The pieces between separators."""
        pieces, at = [], self.start
        for piece in self.text.split(separator):
            pieces.append(Said(piece, at).stripped())
            at += len(piece) + len(separator)
        return pieces
