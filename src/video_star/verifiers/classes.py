"""Verifier of `class` labels: every content word of the name, or of one synonym, is in the answer.

A word is found when some word of the answer is as similar as `class_similarity` asks (rapidfuzz
ratio, as in the paper's appendix A.1), stands outside of negations and questions, and is not part
of a longer class name. Three rules keep the answer from passing for other reasons:

- a ratio alone takes "surging" for "surfing": words that differ in their stems need long stems that
  are as similar as the words themselves;
- an answer that also names another class of the data set passes as neither ("several classes");
- when the last mention of the name is a denied one, the answer has taken it back ("negated").

Other classes and taken-back names are looked up exactly, never by similarity, so a lower threshold
can only let more answers pass.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from rapidfuzz import fuzz

from video_star.domain import LabelVerdict
from video_star.labels import ClassLabel
from video_star.params import VerifyParams
from video_star.verifiers.text import Reading, content_words, read, spans_of

NAME, VERSION = "class-words", 1
_LONG_STEM = 5
"""Letters a stem needs before a near match is more likely a typing error than another word."""
_SLACK = 2
"""Content words that may stand between the words of another class's name."""
_REMARK = re.compile(r"\(\s*not\b[^)]*\)", re.IGNORECASE)
"""Kinetics tells some classes apart by remarks: "tying knot (not on a tie)"."""

Phrase = tuple[str, ...]


@lru_cache(maxsize=1 << 16)
def phrases_of(label: ClassLabel) -> tuple[Phrase, ...]:
    """The content words of the name and of each synonym; two neighbours also as one ("pushups")."""
    found: dict[Phrase, None] = {}
    for text in (label.name, *label.synonyms):
        words = content_words(_REMARK.sub(" ", text)) or content_words(text)
        if words:
            found[words] = None
        for i in range(len(words) - 1):
            found[(*words[:i], words[i] + words[i + 1], *words[i + 2 :])] = None
    return tuple(found)


def stem(word: str) -> str:
    """The word without its inflection, doubled letters written once ("hopping" to "hop")."""
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return "".join(c for i, c in enumerate(word) if i == 0 or c != word[i - 1])


@lru_cache(maxsize=1 << 18)
def similarity(word: str, wanted: str) -> float:
    """0..1: how surely one word is the other one, inflected or mistyped."""
    if word == wanted:
        return 1.0
    if word[0] != wanted[0]:
        return 0.0
    ratio = fuzz.ratio(word, wanted) / 100
    one, other = stem(word), stem(wanted)
    if one == other:
        return ratio
    if min(len(one), len(other)) < _LONG_STEM:
        return 0.0
    return min(ratio, fuzz.ratio(one, other) / 100)


@dataclass(frozen=True)
class ClassIndex:
    """All class names of a data set, so that an answer's other classes are found at once."""

    owners: dict[Phrase, frozenset[str]]
    """Names of the labels that a phrase stands for (several where labels share a synonym)."""
    by_word: dict[str, tuple[Phrase, ...]] = field(repr=False)
    """Phrases by the rarest of their words."""

    @classmethod
    def of(cls, labels: Iterable[ClassLabel]) -> ClassIndex:
        """Index the distinct labels."""
        owners: dict[Phrase, set[str]] = defaultdict(set)
        for label in set(labels):
            for phrase in phrases_of(label):
                owners[phrase].add(label.name)
        frequency = Counter(word for phrase in owners for word in phrase)
        by_word: dict[str, list[Phrase]] = defaultdict(list)
        for phrase in sorted(owners):
            by_word[min(phrase, key=lambda word: (frequency[word], word))].append(phrase)
        return cls(
            {phrase: frozenset(names) for phrase, names in owners.items()},
            {word: tuple(phrases) for word, phrases in by_word.items()},
        )

    def named(self, reading: Reading) -> list[tuple[Phrase, frozenset[int]]]:
        """Phrases that stand in an answer word for word, with the places of each mention."""
        words = set(reading.words)
        found = []
        for word in sorted(words & self.by_word.keys()):
            for phrase in self.by_word[word]:
                if words.issuperset(phrase):
                    found += [(phrase, places) for places in _mentions(phrase, reading)]
        return found


def _mentions(phrase: Phrase, reading: Reading) -> list[frozenset[int]]:
    """Places where all words of a phrase stand close together in one sentence, undenied."""
    bad = reading.denied | reading.asked
    places = [
        [i for i, word in enumerate(reading.words) if word == wanted and i not in bad]
        for wanted in phrase
    ]
    found = []
    for anchor in places[0]:
        close = [min(options, key=lambda i: abs(i - anchor), default=None) for options in places]
        if any(i is None for i in close):
            return []
        mention = frozenset(i for i in close if i is not None)
        first, last = min(mention), max(mention)
        near = last - first < 2 * len(phrase) + _SLACK
        if near and reading.sentences[first] == reading.sentences[last]:
            found.append(mention)
    return found


@dataclass(frozen=True)
class Found:
    """One phrase of a label in an answer."""

    score: float
    places: tuple[int, ...]
    """One word for each word of the phrase; empty when some word has no match at all."""


def verify_class(
    label: ClassLabel,
    text: str,
    siblings: Sequence[ClassLabel],
    params: VerifyParams,
    index: ClassIndex,
) -> LabelVerdict:
    """Judge one answer against one class label; `siblings` are all class labels of the sample."""
    reading = read(text)
    phrases = phrases_of(label)
    named = index.named(reading)
    own = frozenset(sibling.name for sibling in siblings) | {label.name}
    inner = _inside_longer(phrases, named, index, own)
    bad = reading.denied | reading.asked | inner
    best, score = _best(phrases, reading, bad, params.limits.class_similarity)
    reason = "match" if score >= params.limits.class_similarity and score > 0 else "no match"
    if reason == "match" and any(_taken_back(phrase, reading) for phrase in phrases):
        reason = "negated"
    if reason == "match" and not params.allow_hedge and _rivals(phrases, siblings, named, index):
        reason = "several classes"
    if reason == "no match":
        best, denied = _best(phrases, reading, frozenset(), params.limits.class_similarity)
        if denied >= params.limits.class_similarity:
            reason = "other class" if inner.intersection(best) else "negated"
    place = _place(best, text) if reason != "no match" else None
    return LabelVerdict(
        kind=label.kind,
        verifier=NAME,
        version=VERSION,
        score=score,
        threshold=params.limits.class_similarity,
        extracted=None if place is None else text[place[0] : place[1]],
        place=place,
        passed=reason == "match",
        reason=reason,
    )


def _best(
    phrases: Sequence[Phrase], reading: Reading, bad: frozenset[int], threshold: float
) -> tuple[tuple[int, ...], float]:
    best = Found(0.0, ())
    for phrase in phrases:
        found = _find(phrase, reading, bad, threshold)
        if found.score > best.score:
            best = found
    return best.places, best.score


def _find(phrase: Phrase, reading: Reading, bad: frozenset[int], threshold: float) -> Found:
    """The least of the words' best similarities, and the tightest place with all of them."""
    hits: list[list[int]] = []
    score = 1.0
    for wanted in phrase:
        rated = [
            (similarity(word, wanted), i)
            for i, word in enumerate(reading.words)
            if word[0] == wanted[0] and i not in bad
        ]
        top = max((rate for rate, _ in rated), default=0.0)
        score = min(score, top)
        hits.append([i for rate, i in rated if rate >= min(top, threshold)])
    if not score:
        return Found(0.0, ())
    return Found(score, _tightest(hits, reading))


def _tightest(hits: Sequence[Sequence[int]], reading: Reading) -> tuple[int, ...]:
    """One place per word: in one sentence if possible, close together, the last of equals."""

    def looseness(places: tuple[int, ...]) -> tuple[bool, int, int]:
        first, last = min(places), max(places)
        return reading.sentences[first] != reading.sentences[last], last - first, -first

    chosen = [
        tuple(min(options, key=lambda i: (abs(i - anchor), -i)) for options in hits)
        for anchor in hits[0]
    ]
    return min(chosen, key=looseness)


def _inside_longer(
    phrases: Sequence[Phrase],
    named: Sequence[tuple[Phrase, frozenset[int]]],
    index: ClassIndex,
    own: frozenset[str],
) -> frozenset[int]:
    """Words that belong to another class whose name holds all of this name's words and more."""
    taken: set[int] = set()
    for phrase, places in named:
        longer = any(set(phrase) > set(mine) for mine in phrases)
        if longer and not index.owners[phrase] & own:
            taken |= places
    return frozenset(taken)


def _rivals(
    phrases: Sequence[Phrase],
    siblings: Sequence[ClassLabel],
    named: Sequence[tuple[Phrase, frozenset[int]]],
    index: ClassIndex,
) -> bool:
    """Whether the answer names a class that is neither the sample's nor a part of its name."""
    own = frozenset(sibling.name for sibling in siblings)
    covered = [set(phrase) for phrase in phrases]
    covered += [set(phrase) for sibling in siblings for phrase in phrases_of(sibling)]
    return any(
        not index.owners[phrase] & own and not any(set(phrase) <= words for words in covered)
        for phrase, _ in named
    )


def _taken_back(phrase: Phrase, reading: Reading) -> bool:
    """Whether the last exact mention of each word is a denied one."""
    last = {word: i for i, word in enumerate(reading.words)}
    return bool(reading.denied) and all(last.get(word, -1) in reading.denied for word in phrase)


def _place(places: tuple[int, ...], text: str) -> tuple[int, int] | None:
    if not places:
        return None
    spans = spans_of(text)
    return spans[min(places)][0], spans[max(places)][1]
