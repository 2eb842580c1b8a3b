"""Verifier of `class` labels: every content word of the name, or of one synonym, is in the answer.

A word is found when some word of the answer is as similar as `class_similarity` asks (an inflected
form is the word itself, otherwise the rapidfuzz ratio, as in the paper's appendix A.1), outside of
negations, questions and conditions, and not as part of a longer class name; the words of a name
stand together (`verifiers.phrases`). Some rules keep the answer from passing for other reasons:

- an answer that also names another class of the data set passes as neither ("several classes"),
  also where it asserts both; only a conclusion that names one of them alone decides, and a class
  that the question names ("after riding a horse") is no other one;
- an answer that offers an alternative ("diving or something else") is a hedge ("hedged");
- an answer that says what "the answer is" is judged by that ("other answer");
- when the last mention of the name is a denied one, the answer has taken it back ("negated").

Other classes and taken-back names are looked up exactly, never by similarity, so a lower threshold
can only let more answers pass.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache

from video_star.domain import LabelVerdict
from video_star.labels import ClassLabel
from video_star.params import VerifyParams
from video_star.verifiers.conclusion import Conclusion, conclusion_of
from video_star.verifiers.inflection import similarity, stem
from video_star.verifiers.phrases import NOTHING, Answer, Found
from video_star.verifiers.rivals import (
    Rivals,
    beyond_question,
    inside_longer,
    on_a_par,
    rivals_of,
)
from video_star.verifiers.text import Reading, content_words, read, span_of
from video_star.verifiers.unreal import is_unreal, may_be_unreal
from video_star.verifiers.wanted import Phrase, Wanted, wanted_of

__all__ = ["ClassIndex", "phrases_of", "similarity", "stem", "verify_class"]

NAME, VERSION = "class-words", 4
_SLACK = 2
"""Content words that may stand between the words of another class's name."""
_REMARK = re.compile(r"\(\s*not\b[^)]*\)", re.IGNORECASE)
"""Kinetics tells some classes apart by remarks: "tying knot (not on a tie)"."""


def phrases_of(label: ClassLabel) -> tuple[Phrase, ...]:
    """The content words of the name and of each synonym; two neighbours also as one ("pushups")."""
    # By names: comparing tuples of them is many times faster than comparing labels.
    return _phrases_of((label.name, *label.synonyms))


@lru_cache(maxsize=1 << 16)
def _phrases_of(names: tuple[str, ...]) -> tuple[Phrase, ...]:
    return tuple(phrase for phrase, _ in _phrases(names))


@lru_cache(maxsize=1 << 16)
def wanted_phrases(names: tuple[str, ...]) -> tuple[Wanted, ...]:
    """What to look for: a window of one of these says one of the names."""
    return tuple(wanted_of(phrase, name) for phrase, name in _phrases(names))


def _phrases(names: Iterable[str]) -> list[tuple[Phrase, str]]:
    found: dict[Phrase, str] = {}
    for name in names:
        text = _REMARK.sub(" ", name)
        words = content_words(text) or content_words(name)
        if words:
            found.setdefault(words, text)
        for i in range(len(words) - 1):
            joined = words[i] + words[i + 1]
            found.setdefault((*words[:i], joined, *words[i + 2 :]), text)
    return list(found.items())


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

    def named(self, reading: Reading, own: Set[str]) -> list[tuple[Phrase, frozenset[int]]]:
        """Phrases of classes other than `own` that stand in an answer word for word, by mention."""
        words = set(reading.words)
        found = []
        for word in sorted(words & self.by_word.keys()):
            for phrase in self.by_word[word]:
                if words.issuperset(phrase) and own.isdisjoint(self.owners[phrase]):
                    found += [(phrase, places) for places in _mentions(phrase, reading)]
        return found


def _mentions(phrase: Phrase, reading: Reading) -> list[frozenset[int]]:
    """Places where all words of a phrase stand close together in one sentence, undenied."""
    bad = reading.unasserted
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


def verify_class(
    label: ClassLabel,
    text: str,
    siblings: Sequence[ClassLabel],
    params: VerifyParams,
    index: ClassIndex,
    question: str = "",
) -> LabelVerdict:
    """Judge one answer against one class label; `siblings` are all class labels of the sample."""
    answer = Answer(read(text))
    score, places, reason = _judged(label, answer, siblings, params, index, question)
    place = span_of(text, places[0], places[-1]) if places and reason != "no match" else None
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


def _judged(
    label: ClassLabel,
    answer: Answer,
    siblings: Sequence[ClassLabel],
    params: VerifyParams,
    index: ClassIndex,
    question: str,
) -> tuple[float, tuple[int, ...], str]:
    """Score, words that show it, and reason."""
    reading, threshold = answer.reading, params.limits.class_similarity
    names = (label.name, *label.synonyms)
    phrases, sought = _phrases_of(names), wanted_phrases(names)
    named = index.named(reading, {other.name for other in (label, *siblings)})
    inner = inside_longer(phrases, named) if named else frozenset()
    closed = reading.unasserted | inner
    best = anywhere = best_of(sought, answer, closed, params.allow_hedge)
    rivals: Rivals = []
    if named and not params.allow_hedge:
        others = [phrase for sibling in siblings for phrase in phrases_of(sibling)]
        rivals = beyond_question(rivals_of([*phrases, *others], named), phrases, question)
        rivals = on_a_par(rivals, best.places, reading, question)
    conclusion = conclusion_of(reading)
    if conclusion and best.score and (rivals or conclusion.binds):
        best, rivals = _concluded(conclusion, best, sought, answer, closed, rivals, params)
    if best.score and best.score >= threshold:
        if reading.denied and any(_taken_back(phrase, reading) for phrase in phrases):
            return best.score, best.places, "negated"
        return best.score, best.places, "several classes" if rivals else "match"
    if anywhere.score and anywhere.score >= threshold:
        return best.score, anywhere.places, "other answer"
    reason, places = _why_not(sought, answer, closed, inner, threshold)
    return best.score, places, "several classes" if reason == "hedged" and rivals else reason


def best_of(
    sought: Sequence[Wanted],
    answer: Answer,
    closed: Set[int],
    hedge: bool = False,
    real: bool = True,
) -> Found:
    """The best window of any of the phrases; `real`: none that is only wanted or written."""
    best = NOTHING
    for wanted in sought:
        found = answer.best(wanted, closed, hedge)
        if real and found.score and may_be_unreal(answer.reading):
            found = _real(found, wanted, answer, closed, hedge)
        if found.score > best.score:
            best = found
            if best.score == 1:
                break
    return best


def _real(found: Found, wanted: Wanted, answer: Answer, closed: Set[int], hedge: bool) -> Found:
    """The window, or the next best one, of what is not only wanted, written or spoken of."""
    while any(is_unreal(answer.reading, i, found.places[-1]) for i in found.places):
        closed = closed | set(found.places)
        found = answer.best(wanted, closed, hedge)
    return found


def _concluded(
    conclusion: Conclusion,
    best: Found,
    sought: Sequence[Wanted],
    answer: Answer,
    closed: Set[int],
    rivals: Rivals,
    params: VerifyParams,
) -> tuple[Found, Rivals]:
    """The best window of the conclusion and the rivals in it, where the conclusion decides."""
    before = frozenset(range(conclusion.start))
    late = [rival for rival in rivals if min(rival[1]) >= conclusion.start]
    said = best_of(sought, answer, closed | before, params.allow_hedge)
    if conclusion.binds:
        return said, late
    if not late and said.score >= params.limits.class_similarity:
        return said, late
    return best, rivals


def _why_not(
    sought: Sequence[Wanted], answer: Answer, closed: Set[int], inner: Set[int], threshold: float
) -> tuple[str, tuple[int, ...]]:
    """The reason of a miss and the window that shows it."""
    reading = answer.reading
    unreal = may_be_unreal(reading)
    open_ended = bool(reading.guessed) or "or" in reading.words
    if not (closed or open_ended or unreal):
        return "no match", ()
    shown = best_of(sought, answer, frozenset(), hedge=True, real=False)
    if not shown.score or shown.score < threshold:
        return "no match", ()
    # What may have hidden the name, what is closed without it, and whether there is any such thing.
    tries = (
        ("supposed", closed, unreal),
        ("hedged", closed, open_ended),
        ("other class", closed - inner, bool(inner)),
        ("asked", closed - (reading.asked - reading.denied), bool(reading.asked)),
        ("supposed", closed - (reading.supposed - reading.denied), bool(reading.supposed)),
    )
    for i, (reason, shut, worth_it) in enumerate(tries):
        found = best_of(sought, answer, shut, i > 0, real=False) if worth_it else NOTHING
        if found.score >= threshold and found.score > 0:
            return reason, found.places
    return "negated", shown.places


def _taken_back(phrase: Phrase, reading: Reading) -> bool:
    """Whether the last exact mention of each word is a denied one."""
    last = {word: i for i, word in enumerate(reading.words)}
    return all(last.get(word, -1) in reading.denied for word in phrase)
