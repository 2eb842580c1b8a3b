"""Class names, sets and sequences: which names an answer gives.

A name is given where all of its content words are, by lemma and in the order of the name. Another
class of the same data set and question type that is given beside it, or instead of it, speaks
against it (`ClassNames`). A final answer that gives no class in its words is compared by embedding
with all of them: the nearest one counts where it is nearer than the second by a margin.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from rapidfuzz import fuzz

from video_star.core.labels import ClassLabel, SequenceLabel, SetLabel, say
from video_star.verification.base import Asked, Embed, Found, doubtful, fails, passes, unless
from video_star.verification.words import OPPOSITE, Said, all_words, content, key_of, lemma

SHORT = 6
"""A reply of at most so many words is a final answer without a line."""
LONG = 3
"""A name of so many words may have any others between them."""
BETWEEN = 2
"""Words that may stand between two words of a shorter name ("playing the old guitar")."""


class Name(NamedTuple):
    """A name taken apart."""

    text: str
    key: str
    words: tuple[str, ...]
    """Its content words."""
    lemmas: frozenset[str]


@lru_cache(maxsize=1 << 14)
def name_of(text: str) -> Name:
    """A name taken apart."""
    words = content(text)
    return Name(text, key_of(text), words, frozenset(map(lemma, words)))


@lru_cache(maxsize=1 << 14)
def _names_of(*texts: str) -> tuple[Name, ...]:
    return tuple(map(name_of, texts))


def _names(label: ClassLabel) -> tuple[Name, ...]:
    return _names_of(label.name, *label.synonyms)


class Mention(NamedTuple):
    """Where a name stands."""

    first: int
    """Number of its first token."""
    last: int
    score: float
    """1.0, or the similarity of its words with misspelt ones."""
    against: str
    """ "", or why it is not plain: one of `_WORST`."""


_WORST = ("", "hedged", "asked", "contrasted", "negated", "words apart", "other order")


class ClassNames:
    """The classes of a group, found in a text in one pass whatever their number."""

    def __init__(self, labels: Iterable[ClassLabel]) -> None:
        self._owned = sorted({(name, label.name) for label in labels for name in _names(label)})
        self.by_key = {name.key: owner for name, owner in reversed(self._owned)}
        counts = Counter(lemma for name, _ in self._owned for lemma in name.lemmas)
        self._by_rarest: dict[str, list[tuple[str, Name]]] = defaultdict(list)
        """Owner and name of each by the word of it that the fewest names have."""
        for name, owner in self._owned:
            if name.lemmas:
                rarest = min(sorted(name.lemmas), key=counts.__getitem__)
                self._by_rarest[rarest].append((owner, name))
        self._vectors: np.ndarray | None = None

    def given(self, said: Set[str]) -> list[tuple[str, Name]]:
        """Owner and name of all whose words all occur among the lemmas of a text."""
        likely = [one for own in said & self._by_rarest.keys() for one in self._by_rarest[own]]
        return sorted(one for one in likely if one[1].lemmas <= said)

    def nearest(self, text: str, embed: Embed) -> list[tuple[str, float]]:
        """The two classes nearest to a text with their cosines, the nearest first."""
        vector = embed([text])[0]
        if self._vectors is None:
            self._vectors = embed([name.text for name, _ in self._owned])
        cosines = self._vectors @ vector
        best: dict[str, float] = {}
        for number in np.argsort(-cosines, kind="stable"):
            best.setdefault(self._owned[int(number)][1], float(cosines[number]))
            if len(best) == 2:
                break
        return list(best.items())


def mention(
    words: Sequence[str],
    said: Said,
    least: float = 2.0,
    between: int | None = None,
    known: Collection[str] = (),
) -> Mention | None:
    """The plainest mention of a name in a text; None where one of its words is missing.

    `least` is the similarity from which a word that no dictionary has counts as a misspelt one,
    `between` how many words may stand between two of the name. `known` words speak against nothing.
    """
    if between is None:
        between = BETWEEN if len(words) < LONG else len(said.words)
    places, score = [], 1.0
    for word in words:
        found = said.at(lemma(word))
        if not found and least > 1:
            return None
        if not found:
            likely = ((fuzz.ratio(word, other) / 100, place) for other, place in said.unknown)
            ratio, place = max(likely, default=(0.0, 0))
            if not ratio or ratio < least:
                return None
            found, score = [place], min(score, ratio)
        places.append(found)
    if not places:
        return None
    made = []
    for first, last, gap in runs(places):
        if said.sentence_of(first) == said.sentence_of(last):
            apart = gap > between + 1
            against = "words apart" if apart else said.doubt(said.spans[first][0], known)
            made.append(Mention(first, last, score, against))
    if not made:
        firsts = [found[0] for found in places]
        return Mention(min(firsts), max(firsts), score, "other order")
    denied = next((one for one in made if one.against == "negated"), None)
    return denied or min(made, key=lambda one: _WORST.index(one.against))


def runs(places: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, int]]:
    """Each way to take one token of each list, ascending: first, last and the widest step."""
    for first in places[0]:
        last, gap = first, 0
        for found in places[1:]:
            after = bisect_right(found, last)
            if after == len(found):
                return
            last, gap = found[after], max(gap, found[after] - last)
        yield first, last, gap


def verify_class(label: ClassLabel, said: Said, asked: Asked) -> Found:
    """Which class a part of an answer gives."""
    own, whole = _names(label), (said.start, said.end)
    names, key = asked.known.classes.get(asked.case.group), said.key
    if key and key in [name.key for name in own]:
        return passes(1.0, whole)
    if names is not None and names.by_key.get(key, label.name) not in asked.case.classes:
        return fails("other class", 0.0, whole)
    least, final = asked.params.limits.class_similarity, asked.final or len(said.words) <= SHORT
    mentions = [
        one
        for name in own  # its own "not" or "without" denies nothing
        if (one := mention(name.words, said, least, known=all_words(name.text))) is not None
    ]
    rivals = [*_rivals(own, said, asked)]
    if not mentions:
        if rivals:
            place = said.place(rivals[0][1].first, rivals[0][1].last)
            return fails(
                "other class", 0.0, place if len({one for one, _ in rivals}) == 1 else None
            )
        if not final or names is None or not said.words or names.given(said.lemmas):
            return fails("no match")
        return _nearest(label, said, names, asked)
    best = min(mentions, key=lambda one: (_WORST.index(one.against), -one.score))
    place, against = said.place(best.first, best.last), best.against
    if against == "other order" and final:
        return fails(against, best.score, place)
    if not final:  # what a description goes on to tell is no other answer
        sentence = said.sentence_of(best.last)
        rivals = [one for one in rivals if said.sentence_of(one[1].first) <= sentence]
    turns = any(OPPOSITE.get(one) in own[0].lemmas for one in own[0].lemmas)  # "from left to right"
    plain = not (rivals or said.marks or turns)
    if against == "other order" and plain and len(own[0].words) >= LONG:
        against = ""  # as the paper reads: every word of the label somewhere
    if rivals and not asked.params.allow_hedge:
        against = against or "several classes"
    return unless(against, best.score, place)


def others(said: Said, asked: Asked) -> list[tuple[str, Name]]:
    """Classes of the data set that a text has the words of and that are no labels of the sample."""
    names, own = asked.known.classes.get(asked.case.group), asked.case.classes
    given = names.given(said.lemmas) if names is not None else []
    return [(owner, name) for owner, name in given if owner not in own]


def is_denied(label: ClassLabel, said: Said) -> bool:
    """Whether a sentence that denies something has the words of a class."""
    denials = [sentence for sentence in said.sentences if sentence.is_negated]
    return any(name.lemmas <= one.lemmas for one in denials for name in _names(label))


def _rivals(own: Sequence[Name], said: Said, asked: Asked) -> Iterator[tuple[str, Mention]]:
    """Other classes that a text gives, each with its mention.

    A class whose words are all in the label's name, or in the question, is none.
    """
    known = [name.lemmas for name in (*own, name_of(asked.case.question))]
    for owner, name in others(said, asked):
        if not any(name.lemmas <= other for other in known):
            made = mention(name.words, said)
            if made is not None and made.against in ("", "hedged", "asked"):
                yield owner, made


def _nearest(label: ClassLabel, said: Said, names: ClassNames, asked: Asked) -> Found:
    """Which class a final answer means that gives none by its words."""
    if asked.known.embed is None:
        return fails("no match")
    limits, whole = asked.params.limits, (said.start, said.end)
    near = names.nearest(said.text, asked.known.embed)
    (first, cosine), (_, second) = near[0], (near[1] if len(near) > 1 else ("", 0.0))
    if cosine < limits.class_nearest:
        found = fails("no match", max(0.0, cosine))
    elif cosine - second < limits.class_margin or len(near) < 2:
        found = doubtful("near several classes", cosine, whole)
    elif first == label.name:
        found = passes(cosine, whole)
    else:
        found = fails("other class", 0.0, whole)
    return replace(found, threshold=limits.class_nearest)


def verify_names(label: SetLabel | SequenceLabel, said: Said, asked: Asked) -> Found:
    """Whether a part of an answer gives every name of a set, or every step in order.

    All names must be given plainly, and nothing else where no final line gives them: a text that
    tells more may tell that one of them is missing.
    """
    names = [name_of(text) for text in label.names]
    made = [mention(name.words, said, asked.params.limits.class_similarity) for name in names]
    given = [one for one in made if one is not None]
    if len(given) < len(made):
        missing = "step missing" if label.kind == "sequence" else "name missing"
        return fails(missing if given else "no match", len(given) / len(made))
    place = said.place(min(one.first for one in given), max(one.last for one in given))
    score = min(one.score for one in given)
    against = next((one.against for one in given if one.against), "")
    figures = [word for word in said.words if word.isdecimal()]
    counted = figures if figures == [str(n + 1) for n in range(len(figures))] else []  # of a list
    known = [*all_words(f"{asked.case.question} {say(label)}"), *counted]
    if not (against or asked.final) and said.others(known):
        against = "other words"
    steps = [said.at(lemma(word)) for name in names for word in name.words]
    ordered = label.kind == "set" or score < 1 or any(runs(steps))  # misspelt words have no place
    if not (against or ordered):
        return fails("other order", score, place)
    return unless(against, score, place)
