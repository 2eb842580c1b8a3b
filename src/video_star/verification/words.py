"""Words of an answer: tokens, lemmas, and the closed classes that verification knows.

All lists of words of the package stand here. They are closed classes of English, which do not grow
with a data set; everything open (names, inflections, number words) comes from the labels or from a
library: lemmas from lemminflect, sentences from sentencex, number words from text2num.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Sequence, Set
from functools import cache, cached_property, lru_cache
from itertools import chain
from typing import Final, NamedTuple

from video_star.core import prompts


def _list(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEGATION: Final = _list(
    "no not never none neither nor nobody nothing without cannot unable false wrong incorrect"
)
"""Absolute negators (Huddleston and Pullum, The Cambridge Grammar of the English Language, 9.1)
with "unable" and words for false; a contracted "n't" counts as well."""
HEDGING: Final = _list("maybe perhaps possibly probably might may could or unclear whether")
"""Hedges (Hyland, Metadiscourse, 2005, appendix: epistemic adverbs and modals), and "or" and
"whether", which leave open; without "seem" and "appear", with which models begin sure answers."""
CONTRAST: Final = _list("but yet though although however instead except than only if would will")
"""Contrast, concession, condition and future (Quirk et al., A Comprehensive Grammar of the English
Language, 1985, 4.42 and 15.33-39); without "while", which mostly joins what happens together."""
BOUND: Final = _list("before after until than below above for every")
"""Prepositions of order, comparison and duration (Quirk et al., 9.33-43): a number beside one of
them tells what comes before or behind it, or how long something is."""
FUNCTION: Final = _list(
    "a an the this that be do and of to in on at with by for from about it its he his they their"
)
"""The most frequent function words of written English (Leech, Rayson and Wilson, Word Frequencies,
2001), by lemma: a name is found without them."""
OPPOSITE: Final = {
    word: other
    for pair in ("left right", "up down", "forward backward", "top bottom", "open close")
    for word, other in (pair.split(), pair.split()[::-1])
}
"""Antonyms of direction and change (Miller, WordNet, 1995): what makes the opposite event of two
sentences that embeddings take for the same."""

_TOKEN: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?|[\u2715-\u2718\u274c\u274e]")
_CROSS: Final = re.compile(r"[\u2715-\u2718\u274c\u274e]")
_ASKS: Final = re.compile(r"(?<=\S)\?(?=\W|\Z)")
_CLAUSE: Final = re.compile(r"[.,;:!?](?=\s|\Z)|\n")
_PIECE: Final = re.compile(r"[^\n]{0,2000}(?:\n|(?!\S))|[^\n]{2000}")
"""A line, or as much of it as the library segments in linear time."""
_SEMICOLON: Final = re.compile(r";\s")
_N_T: Final = re.compile(r"n['\u2019]t$")


class Token(NamedTuple):
    """One word and where it stands."""

    word: str
    start: int
    end: int


@lru_cache(maxsize=1 << 16)
def lemmas(word: str) -> frozenset[str]:
    """A folded word and all its lemmas: "riding" is "riding" and "ride"."""
    from lemminflect import getAllLemmas

    plain = re.sub(r"['\u2019]s?$|['\u2019]s$", "", word)
    found = {lemma for own in getAllLemmas(plain).values() for lemma in own}
    if len(plain) > 4 and plain.endswith("s") and not plain.endswith("ss"):
        found.add(plain[:-1])  # adverbs and new words, which the dictionary leaves as they are
    return frozenset({plain, *found})


@lru_cache(maxsize=1 << 16)
def is_known(word: str) -> bool:
    """Whether the dictionary has a word; one that it lacks may be misspelt."""
    from lemminflect import getAllLemmas

    return bool(getAllLemmas(word))


def fold(word: str) -> str:
    """One case, and one form for letters that Unicode writes in several ways."""
    return word.casefold() if word.isascii() else unicodedata.normalize("NFKC", word).casefold()


def is_function(word: str) -> bool:
    """Whether a folded word is a function word."""
    return bool(lemmas(word) & FUNCTION)


@lru_cache(maxsize=1 << 16)
def is_negation(word: str) -> bool:
    """Whether a folded word denies; a cross does."""
    return word in NEGATION or bool(_N_T.search(word)) or bool(_CROSS.fullmatch(word))


@lru_cache(maxsize=1 << 16)
def mark_of(word: str) -> str:
    """Why a folded word makes a statement less than plain; "" where it does not."""
    if is_negation(word):
        return "negated"
    return "hedged" if word in HEDGING else "contrasted" if word in CONTRAST else ""


@cache
def _asking() -> frozenset[str]:
    """The words that our own questions and template answers are made of, by lemma."""
    texts = (*prompts.CLASS_QUESTIONS, *prompts.LABEL_ANSWERS, *prompts.VALUE_ANSWERS)
    return frozenset(lemma for word in all_words(" ".join(texts)) for lemma in lemmas(word))


def key_of(text: str) -> str:
    """The words of a text, folded, with single blanks: equal for texts that differ in form only."""
    return " ".join(all_words(text)) or text.strip().casefold()


def all_words(text: str) -> tuple[str, ...]:
    """The folded words of a text."""
    if text.isascii():
        return tuple(_TOKEN.findall(text.lower()))
    return tuple(fold(word) for word in _TOKEN.findall(text))


def content(text: str) -> tuple[str, ...]:
    """The folded words of a name without function words; all words where there are no others."""
    words = all_words(text)
    return tuple(word for word in words if not is_function(word)) or words


def sentences(text: str) -> list[tuple[int, int]]:
    """Start and end of each sentence; a line break ends one, a dot inside of a name does not."""
    from sentencex import segment

    found: list[tuple[int, int]] = []
    at = 0
    for piece in _PIECE.findall(text):
        for part in segment("en", piece):
            start = text.find(part, at)
            at = start + len(part)
            if found and found[-1][1] == start and not text[start - 1].isspace():
                found[-1] = (found[-1][0], at)  # "Soms.Tuck"
            elif part.strip():
                found.append((start, at))
    return found


class Words:
    """The tokens of a text with its sentences, each found when it is first asked for."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def tokens(self) -> list[Token]:
        """All words in order."""
        return [Token(fold(m[0]), *m.span()) for m in _TOKEN.finditer(self.text)]

    @cached_property
    def by_word(self) -> dict[str, list[int]]:
        """Word to the numbers of the tokens that are it, ascending."""
        places: dict[str, list[int]] = {}
        for number, token in enumerate(self.tokens):
            places.setdefault(token.word, []).append(number)
        return places

    def at(self, wanted: Set[str]) -> list[int]:
        """The numbers of the tokens that have one of some lemmas, ascending."""
        found = [n for word, n in self.by_word.items() if not lemmas(word).isdisjoint(wanted)]
        return found[0] if len(found) == 1 else sorted(chain.from_iterable(found))

    @cached_property
    def unknown(self) -> list[tuple[str, int]]:
        """Words that no dictionary has, once each, with their token: they may be misspelt."""
        return [(word, places[0]) for word, places in self.by_word.items() if not is_known(word)]

    @cached_property
    def _starts(self) -> list[int]:
        clauses = (match.end() for match in _SEMICOLON.finditer(self.text))
        return sorted({*(start for start, _ in sentences(self.text)), *clauses})

    def sentence_at(self, place: int) -> int:
        """The number of the sentence that a character is in; a semicolon ends one as well."""
        return bisect_right(self._starts, place)

    def sentence_of(self, number: int) -> int:
        """The number of the sentence that a token is in."""
        return self.sentence_at(self.tokens[number].start)

    @cached_property
    def marks(self) -> dict[int, list[tuple[str, str]]]:
        """Sentence to its words that deny, hedge or contrast, each with the reason, in order.

        A question mark is one of them.
        """
        marks: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for match in _ASKS.finditer(self.text):
            marks[self.sentence_at(match.start())].append(("?", "asked"))
        marked = sorted(n for word, own in self.by_word.items() if mark_of(word) for n in own)
        for number in marked:
            word = self.tokens[number].word
            marks[self.sentence_of(number)].append((word, mark_of(word)))
        return marks

    @property
    def is_negated(self) -> bool:
        """Whether a word denies."""
        return any(reason == "negated" for own in self.marks.values() for _, reason in own)

    def doubt(self, place: int, known: Collection[str] = ()) -> str:
        """Why the sentence that a character is in does not plainly say something; "" if it does.

        Marks that are `known`, from the question or the label, speak against nothing.
        """
        marks = self.marks.get(self.sentence_at(place), ())
        return next((reason for word, reason in marks if word not in known), "")

    def others(self, known: Collection[str], start: int = 0, end: int | None = None) -> int:
        """How many words a text, or the clauses around a stretch, have besides known ones.

        Function words are known, and those that prompts ask with.
        """
        first = max((m.end() for m in _CLAUSE.finditer(self.text, 0, start)), default=0)
        behind = None if end is None else _CLAUSE.search(self.text, end)
        said = {*all_words(self.text[first : behind.start() if behind else len(self.text)])}
        expected = _asking().union(*map(lemmas, known), FUNCTION)
        return sum(lemmas(word).isdisjoint(expected) for word in said)

    def place(self, numbers: Sequence[int]) -> tuple[int, int]:
        """Characters from the first to the last of some tokens."""
        return self.tokens[min(numbers)].start, self.tokens[max(numbers)].end
