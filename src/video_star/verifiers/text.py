"""Reading an answer: folded words with their places, sentences, and which words are denied.

Case, accents and white space never matter. Nothing here raises on any text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_TOKEN = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:'[^\W_]+)*|[.!?;:,]")
_BREAKS = frozenset(".!?;:,")
_ENDS = frozenset(".!?;")
_APOSTROPHES = "\u2019\u2018\u02bc"
_CLITIC_HOSTS = frozenset({"it", "he", "she", "that", "there", "what"})


def word_set(words: str) -> frozenset[str]:
    """The words of a list that is written as one text."""
    return frozenset(words.split())


STOP_WORDS = word_set(
    "a an the of to in on at by for from with into onto and or as is are was were be been "
    "being do does did doing done it its this that these those there their his her he she "
    "they you i we someone something somebody so then"
)
"""Words of a name or an answer that carry no content."""

_DENIALS = word_set(
    "not no never cannot neither nor none without hardly non lack lacks lacking isnt arent "
    "wasnt werent doesnt dont didnt cant couldnt wouldnt impossible unlikely"
)
_CONTRASTS = frozenset({"unlike", "except", "excluding"})
_CONTRAST_PAIRS = {
    "rather": "than",
    "instead": "of",
    "other": "than",
    "anything": "but",
    "far": "from",
    "opposed": "to",
}
_ASSERTED_PAIRS = frozenset(
    {("not", "only"), ("not", "just"), ("no", "doubt"), ("without", "doubt"), ("no", "other")}
)
_SCOPE_ENDS = word_set(
    "but while when because since so thus therefore until however although whereas yet hence "
    "indicating suggesting showing"
)
_SUBJECTS = word_set(
    "it it's its this that the he he's she she's they they're a an rather instead we i there "
    "probably clearly actually"
)
"""After a comma (or "and") these start a clause that the denial before no longer reaches."""
_VERBS = frozenset({"is", "are", "was", "were", "it's", "he's", "she's"})
_AUXILIARIES = _VERBS | word_set("do does did can could would should has have will")
_WRONG = frozenset({"wrong", "incorrect", "false", "unlikely", "impossible", "excluded"})
_CUES = _DENIALS | _CONTRASTS | _WRONG | _CONTRAST_PAIRS.keys()
_REACH = 8
"""How many words a denial reaches forward at most."""


@dataclass(frozen=True)
class Reading:
    """The words of an answer. All sequences have one entry per word."""

    words: tuple[str, ...]
    sentences: tuple[int, ...]
    """Number of the sentence each word stands in."""
    denied: frozenset[int]
    """Words that a negation or a contrast reaches ("not diving", "rather than diving")."""
    asked: frozenset[int]
    """Words of questions, which assert nothing."""


def fold(text: str) -> tuple[str, list[int] | None]:
    """The text without case and accents; each folded character's place (None: unchanged)."""
    if text.isascii():
        return text.lower(), None
    folded: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for part in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold()):
            if not unicodedata.combining(part):
                folded.append("'" if part in _APOSTROPHES else part)
                places.append(place)
    return "".join(folded), places


def words_of(text: str) -> tuple[str, ...]:
    """Folded words in order, possessive endings dropped."""
    return tuple(_bare(token) for token in _TOKEN.findall(fold(text)[0]) if token not in _BREAKS)


def content_words(text: str) -> tuple[str, ...]:
    """Words that carry content; all words where none does."""
    words = words_of(text)
    return tuple(word for word in words if word not in STOP_WORDS) or words


def spans_of(text: str) -> list[tuple[int, int]]:
    """Start and end of each word in the text as it was given."""
    folded, places = fold(text)
    spans = [m.span() for m in _TOKEN.finditer(folded) if m[0] not in _BREAKS]
    if places is None:
        return spans
    return [(places[start], places[end - 1] + 1) for start, end in spans]


def read(text: str) -> Reading:
    """Words, sentences and denials of an answer."""
    folded = fold(text)[0]
    tokens = _TOKEN.findall(folded)
    words: list[str] = []
    sentences: list[int] = []
    asked: set[int] = set()
    breaks: dict[int, str] = {}
    sentence = begin = 0
    for token in tokens:
        if token not in _BREAKS:
            words.append(_bare(token))
            sentences.append(sentence)
            continue
        # Of several marks in a row the strongest counts: "diving?!" is still a question.
        breaks[len(words)] = breaks.get(len(words), "") + token
        if token in _ENDS:
            if token == "?":
                asked.update(range(begin, len(words)))
            sentence += 1
            begin = len(words)
    # Most answers deny nothing: they are spared the search.
    may_deny = "n't" in folded or not _CUES.isdisjoint(words)
    denied = frozenset(_denied(words, breaks)) if may_deny else frozenset()
    return Reading(tuple(words), tuple(sentences), denied, frozenset(asked))


def _bare(token: str) -> str:
    return token[:-2] if token.endswith("'s") and token[:-2] not in _CLITIC_HOSTS else token


def _denies(word: str) -> bool:
    return word in _DENIALS or word.endswith("n't")


def _denied(words: list[str], breaks: dict[int, str]) -> set[int]:
    """Indices of the words that a denial reaches."""
    denied: set[int] = set()
    for i, word in enumerate(words):
        following = words[i + 1] if i + 1 < len(words) else ""
        if _denies(word):
            if (word, following) not in _ASSERTED_PAIRS:
                denied.update(_forward(words, breaks, i + 1, contrast=False))
                denied.update(_backward(words, breaks, i))
        elif word in _CONTRASTS:
            denied.update(_forward(words, breaks, i + 1, contrast=True))
        elif following and _CONTRAST_PAIRS.get(word) == following:
            denied.update(_forward(words, breaks, i + 2, contrast=True))
        elif word in _WRONG and i and words[i - 1] in _VERBS:
            denied.update(_backward(words, breaks, i))
    return denied


def _forward(words: list[str], breaks: dict[int, str], start: int, contrast: bool) -> range:
    """Words after a denial up to the end of its clause.

    A comma ends a contrast ("instead of diving, surfing") and a bare "No,"; other denials go on
    over commas ("not diving, surfing or rowing") unless a new subject follows.
    """
    for i in range(start, min(start + _REACH, len(words))):
        mark = breaks.get(i, "")
        new_clause = words[i] in _SUBJECTS
        if mark.strip(",") or (mark and (contrast or new_clause or i == start)):
            return range(start, i)
        if words[i] in _SCOPE_ENDS or (contrast and words[i] in _VERBS):
            return range(start, i)
        if new_clause and i > start and words[i - 1] == "and":
            return range(start, i)
    return range(start, min(start + _REACH, len(words)))


def _backward(words: list[str], breaks: dict[int, str], index: int) -> set[int]:
    """The word right before "is not", "isn't", "is wrong" or "? No": the end of a denied subject.

    One word is enough: a name is only found where all of its words are free of denial, and "the
    diving person is not wet" denies "person", not "diving".
    """
    word, mark = words[index], breaks.get(index, "")
    if mark:
        return {index - 1} if "?" in mark and word in ("no", "not", "never") else set()
    last = index - 1
    if word in ("not", "never") or word in _WRONG:
        if last < 0 or words[last] not in _AUXILIARIES:
            return set()
        last -= 1
    elif not (word.endswith("n't") or word == "cannot"):
        return set()
    return {last} if last >= 0 and last + 1 not in breaks else set()
