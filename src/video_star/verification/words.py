"""Words of an answer: tokens, lemmas, and the closed classes that verification knows.

All lists of words of the package stand here. They are closed classes of English, which do not grow
with a data set; everything open (names, inflections, number words) comes from the labels or from a
library: lemmas from lemminflect, sentences from sentencex, number words from text2num.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Sequence, Set
from functools import cache, cached_property, lru_cache
from itertools import chain
from typing import Final, NamedTuple

from video_star import prompts


def _list(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEGATION: Final = _list("no not never none neither nor nobody nothing without cannot unable false")
"""Absolute negators (Huddleston and Pullum, The Cambridge Grammar of the English Language, 9.1)
with "unable" and "false"; a contracted "n't" counts as well."""
HEDGING: Final = _list("maybe perhaps possibly probably might may could or unclear whether")
"""Hedges (Hyland, Metadiscourse, 2005, appendix: epistemic adverbs and modals), and "or" and
"whether", which leave open; without "seem" and "appear", with which models begin sure answers."""
CONTRAST: Final = _list("but yet though although however instead except only if would will")
"""Contrast, concession, condition and future (Quirk et al., A Comprehensive Grammar of the English
Language, 1985, 4.42 and 15.33-39); without "while", which mostly joins what happens together."""
BOUND: Final = _list("before after until than below above for every")
"""Prepositions of order, comparison and duration (Quirk et al., 9.33-43): a number beside one of
them tells what comes before or behind it, or how long something is."""
FUNCTION: Final = _list(
    "a an the be do and of to in on at with by for from it its he his they their"
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
_QUOTED: Final = re.compile(r"[\"\u201c]([^\"\u201c\u201d\n]{1,300})[\"\u201d]")
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


def is_negation(word: str) -> bool:
    """Whether a folded word denies; a cross does."""
    return word in NEGATION or bool(_N_T.search(word)) or bool(_CROSS.fullmatch(word))


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
    for line in text.splitlines(keepends=True):
        for part in segment("en", line):
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

    @cached_property
    def sentence_numbers(self) -> list[int]:
        """For each token the number of its sentence."""
        return [self.sentence_at(token.start) for token in self.tokens]

    @cached_property
    def marks(self) -> dict[int, list[tuple[int, str]]]:
        """Sentence to its tokens that deny, ask, hedge or contrast, in order."""
        asking = {self.sentence_at(match.start()) for match in _ASKS.finditer(self.text)}
        marks: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for number, (token, sentence) in enumerate(
            zip(self.tokens, self.sentence_numbers, strict=True)
        ):
            if sentence in asking:
                asking.discard(sentence)
                marks[sentence].append((number, "asked"))
            if is_negation(token.word):
                marks[sentence].append((number, "negated"))
            elif token.word in HEDGING:
                marks[sentence].append((number, "hedged"))
            elif token.word in CONTRAST:
                marks[sentence].append((number, "contrasted"))
        return marks

    @cached_property
    def negated(self) -> dict[int, int]:
        """Sentence to its first token that denies."""
        return self._first("negated")

    @cached_property
    def hedged(self) -> dict[int, int]:
        """Sentence to its first token that hedges; a question does from its first word on."""
        return self._first("hedged", "asked")

    def _first(self, *reasons: str) -> dict[int, int]:
        return {
            sentence: min(own)
            for sentence, marks in self.marks.items()
            if (own := [number for number, reason in marks if reason in reasons])
        }

    def against(
        self,
        sentence: int,
        last: int,
        plain: bool,
        ignored: Collection[str] = (),
        beside: bool = True,
    ) -> str:
        """What speaks against a mention that ends with a token: "" where nothing does.

        That is a denial before it, a hedge around it, a question. Where `plain` speech is wanted,
        as there is no final answer, also any of these behind it, a contrast, and a denial or a
        contrast that begins a sentence `beside` it. Words that are `ignored` speak against nothing.
        """
        for number, reason in self.marks.get(sentence, ()):
            near = plain or (number < last + 3 * (reason == "hedged") and reason != "contrasted")
            if reason == "asked" or (near and self.tokens[number].word not in ignored):
                return reason
        for other in (sentence - 1, sentence + 1) if plain and beside else ():
            for number, reason in self.marks.get(other, ()):
                opens = number == 0 or self.sentence_numbers[number - 1] != other
                opens = opens and self.tokens[number].word not in ignored
                if opens and reason in ("negated", "contrasted"):
                    return reason
        return ""

    @cached_property
    def _token_starts(self) -> list[int]:
        return [token.start for token in self.tokens]

    def token_at(self, place: int) -> int:
        """The number of the last token that starts before a character."""
        return bisect_left(self._token_starts, place) - 1

    def beside(self, start: int, end: int) -> tuple[str, str]:
        """The words before and behind a stretch; "" where more than blanks stand between."""
        one, other = self.token_at(start), self.token_at(end) + 1
        before = self.tokens[one] if one >= 0 else Token("", 0, start)
        behind = self.tokens[other] if other < len(self.tokens) else Token("", end, end)
        return (
            "" if self.text[before.end : start].strip() else before.word,
            "" if self.text[end : behind.start].strip() else behind.word,
        )

    @cached_property
    def _quotations(self) -> list[re.Match[str]]:
        return list(_QUOTED.finditer(self.text))

    def quotation(self, start: int, end: int) -> list[str]:
        """The quotation that a stretch is in, where it is in one."""
        number = bisect_right(self._quotations, start, key=lambda match: match.start()) - 1
        inside = number >= 0 and end <= self._quotations[number].end()
        return [self._quotations[number][1]] if inside else []

    def is_alone(self, start: int, end: int, known: str) -> bool:
        """Whether the clause around a stretch says little but words of a known text.

        So are those that prompts ask with, and one more ("the scene from 3 to 7 shows it").
        """
        before = max((m.end() for m in _CLAUSE.finditer(self.text, 0, start)), default=0)
        behind = _CLAUSE.search(self.text, end)
        after = self.text[end : behind.start() if behind else len(self.text)]
        expected = _asking() | {lemma for word in all_words(known) for lemma in lemmas(word)}
        own = [w for w in all_words(f"{self.text[before:start]} {after}") if not is_function(w)]
        return sum(not (lemmas(w) & expected or w.isdigit()) for w in own) <= 1

    def place(self, numbers: Sequence[int]) -> tuple[int, int]:
        """Characters from the first to the last of some tokens."""
        return self.tokens[min(numbers)].start, self.tokens[max(numbers)].end
