"""Class names, sets and sequences: which names an answer gives.

A name is given where all of its words are, each by a lemma and in the order of the name. Another
class of the same data set and question type that is given beside it, or instead of it, speaks
against it (`ClassNames`). A final answer that gives no class in its words is compared by embedding
with all of them: the nearest one counts where it is nearer than the second by a margin.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from rapidfuzz import fuzz

from video_star.core.labels import ClassLabel, SequenceLabel, SetLabel, say
from video_star.verification.base import Asked, Embed, Found, doubtful, fails, passes
from video_star.verification.final_answer import Said
from video_star.verification.words import (
    Words,
    all_words,
    content,
    is_negation,
    key_of,
    lemmas,
    sentences,
)

SHORT = 6
"""A reply of at most so many words is a final answer without a line."""
LONG = 3
"""A name of so many words may have them anywhere, as few texts have all of them by chance."""
BETWEEN = 2
"""Words that may stand between two words of a shorter name ("playing the old guitar")."""


@dataclass(frozen=True)
class Name:
    """A name by its words, each with its lemmas."""

    text: str
    words: tuple[str, ...]
    lemmas: tuple[frozenset[str], ...]


@lru_cache(maxsize=1 << 14)
def name_of(text: str) -> Name:
    """A name taken apart."""
    words = content(text)
    return Name(text, words, tuple(lemmas(word) for word in words))


@dataclass(frozen=True)
class Mention:
    """Where a name stands."""

    first: int
    """Number of its first token."""
    last: int
    score: float
    """1.0, or the similarity of its words with misspelt ones."""
    against: str
    """ "", or why it is not plain: one of `_WORST`."""


_WORST = ("", "hedged", "asked", "contrasted", "negated", "words apart", "other order")


@lru_cache(maxsize=1 << 14)
def _keys(label: ClassLabel) -> frozenset[str]:
    return frozenset(key_of(text) for text in _texts(label))


class ClassNames:
    """The classes of a group, found in a text in one pass whatever their number."""

    def __init__(self, labels: Iterable[ClassLabel]) -> None:
        owners = sorted({(text, label.name) for label in labels for text in _texts(label)})
        self._owners = [owner for _, owner in owners]
        self._names = [name_of(text) for text, _ in owners]
        self.by_key = {key_of(text): owner for text, owner in reversed(owners)}
        counts = Counter(lemma for name in self._names for own in name.lemmas for lemma in own)
        self._by_rarest: dict[str, list[int]] = defaultdict(list)
        """Each name by the word of it that the fewest names have."""
        for number, name in enumerate(self._names):
            rarest = min(name.lemmas, key=lambda own: max(counts[w] for w in own), default=())
            for lemma in rarest:
                self._by_rarest[lemma].append(number)
        self._vectors: np.ndarray | None = None

    def given(self, words: Iterable[str]) -> list[tuple[str, Name]]:
        """Owner and name of all whose words all occur among the words of a text."""
        said = set().union(*map(lemmas, words))
        numbers = {n for lemma in said & self._by_rarest.keys() for n in self._by_rarest[lemma]}
        given = [n for n in numbers if not any(map(said.isdisjoint, self._names[n].lemmas))]
        return [(self._owners[n], self._names[n]) for n in sorted(given)]

    def nearest(self, text: str, embed: Embed) -> list[tuple[str, float]]:
        """The two classes nearest to a text with their cosines, the nearest first."""
        if self._vectors is None:
            self._vectors = embed([name.text for name in self._names])
        cosines = self._vectors @ embed([text])[0]
        best: dict[str, float] = {}
        for number in np.argsort(-cosines, kind="stable"):
            best.setdefault(self._owners[int(number)], float(cosines[number]))
            if len(best) == 2:
                break
        return list(best.items())


def _texts(label: ClassLabel) -> tuple[str, ...]:
    return label.name, *label.synonyms


def mention(name: Name, words: Words, least: float) -> Mention | None:
    """The plainest mention of a name in a text; None where one of its words is missing.

    `least` is the similarity from which a word that no dictionary has counts as a misspelt one.
    """
    places, score = [], 1.0
    for word, own in zip(name.words, name.lemmas, strict=True):
        found = words.at(own)
        if not found:
            likely = ((fuzz.ratio(word, said) / 100, place) for said, place in words.unknown)
            ratio, at = max(likely, default=(0.0, 0))
            if not ratio or ratio < least:
                return None
            found, score = [at], min(score, ratio)
        places.append(found)
    if not places:
        return None
    by_sentence: dict[int, list[list[int]]] = defaultdict(lambda: [[] for _ in places])
    for number, found in enumerate(places):
        for token in found:
            by_sentence[words.sentence_of(token)][number].append(token)
    made = [_in_sentence(name, own, words, score) for own in by_sentence.values() if all(own)]
    if not made:
        first, last = min(found[0] for found in places), max(found[-1] for found in places)
        return Mention(first, last, score, "words apart")
    denied = next((one for one in made if one.against == "negated"), None)
    return denied or min(made, key=lambda one: _WORST.index(one.against))


def _in_sentence(
    name: Name, places: Sequence[Sequence[int]], words: Words, score: float
) -> Mention:
    chosen, against = _in_order(places), ""
    if chosen is None:
        chosen = [found[0] for found in places]
        if "and" not in all_words(name.text):  # "eating and drinking" is in any order
            against = "other order"
    elif len(chosen) < LONG and any(b - a > BETWEEN + 1 for a, b in pairwise(chosen)):
        against = "words apart"
    against = against or words.doubt(words.tokens[chosen[0]].start)
    return Mention(min(chosen), max(chosen), score, against)


def _in_order(places: Sequence[Sequence[int]]) -> list[int] | None:
    """One token of each list so that they ascend; None where there are none."""
    chosen, at = [], -1
    for found in places:
        after = next((token for token in found if token > at), None)
        if after is None:
            return None
        chosen.append(after)
        at = after
    # The nearest to the end: "he walks; then he walks the dog" is one mention, not a stretch.
    for number in range(len(chosen) - 2, -1, -1):
        chosen[number] = max(t for t in places[number] if t < chosen[number + 1])
    return chosen


def _best_mention(texts: Sequence[str], words: Words, least: float) -> Mention | None:
    """The plainest mention of any of several names for the same thing."""
    made = [one for text in texts if (one := mention(name_of(text), words, least)) is not None]
    return min(made, key=lambda one: (_WORST.index(one.against), -one.score), default=None)


def verify_class(label: ClassLabel, said: Said, asked: Asked) -> Found:
    """Which class a part of an answer gives."""
    key, whole = said.key, (said.start, said.end)
    if key and key in _keys(label):
        return passes(1.0, whole)
    names, siblings = asked.classes, asked.case.classes
    if names is not None and key in names.by_key and names.by_key[key] not in siblings:
        return fails("other class", 0.0, whole)
    words, final = said.words, is_short(said, asked)
    own = _best_mention(_texts(label), words, asked.params.limits.class_similarity)
    rivals = list(_rivals(label, words, names, asked)) if names is not None else []
    if own is None:
        if rivals:
            first = said.place(*words.place((rivals[0][1].first, rivals[0][1].last)))
            several = len({owner for owner, _ in rivals}) > 1
            return fails("other class", 0.0, None if several else first)
        return _nearest(label, said, names, asked) if names and final else fails("no match")
    place = said.place(*words.place((own.first, own.last)))
    if own.against == "other order" and final:
        return fails(own.against, own.score, place)
    if own.against == "words apart" and not (
        final or rivals or words.marks or len(name_of(label.name).words) < LONG
    ):
        return passes(own.score, place)  # as the paper reads: every word of the label somewhere
    if own.against:
        return doubtful(own.against, own.score, place)
    if not final:  # what a description goes on to tell is no other answer
        sentence = words.sentence_of(own.last)
        rivals = [one for one in rivals if words.sentence_of(one[1].first) <= sentence]
    if rivals and not asked.params.allow_hedge:
        return doubtful("several classes", own.score, place)
    return passes(own.score, place)


def is_short(said: Said, asked: Asked) -> bool:
    """Whether a part of an answer is a final one, marked as such or not."""
    return asked.final or len(said.words.tokens) <= SHORT


def needs_embedding(said: Said, asked: Asked) -> bool:
    """Whether `verify_class` may ask for the embedding of a part of an answer."""
    names = asked.classes
    if names is None or said.key in names.by_key or not is_short(said, asked):
        return False
    return bool(said.words.tokens) and not names.given(said.words.by_word)


def is_contradicted(label: ClassLabel, said: Said, asked: Asked) -> bool:
    """Whether a text plainly gives another class, or denies this one."""
    names, words = asked.classes, all_words(said.text)
    given = names.given(words) if names is not None else []
    if names is None or not given:
        return False  # at once for most answers
    own = asked.case.classes
    if any(owner not in own for owner, _ in given):  # so it is not compared by embedding
        return verify_class(label, said, asked).other
    if not any(map(is_negation, words)):
        return False
    parts = (all_words(said.text[start:end]) for start, end in sentences(said.text))
    return any(any(map(is_negation, part)) and names.given(part) for part in parts)


def _nearest(label: ClassLabel, said: Said, names: ClassNames, asked: Asked) -> Found:
    """Which class a final answer means that gives none by its words."""
    if asked.known.embed is None or not needs_embedding(said, asked):
        return fails("no match")
    limits = asked.params.limits
    near = names.nearest(said.text, asked.known.embed)
    (first, cosine), (_, second) = near[0], (near[1] if len(near) > 1 else ("", 0.0))
    whole = (said.start, said.end)
    if cosine < limits.class_nearest:
        return fails("no match", max(0.0, cosine))
    if cosine - second < limits.class_margin or len(near) < 2:
        return doubtful("near several classes", cosine, whole)
    return passes(cosine, whole) if first == label.name else fails("other class", 0.0, whole)


def _rivals(
    label: ClassLabel, words: Words, names: ClassNames, asked: Asked
) -> Iterator[tuple[str, Mention]]:
    """Other classes that a text gives, each with its mention.

    A class whose words are all in the label's name, or in the question, is none.
    """
    siblings = asked.case.classes
    for owner, name in names.given(words.by_word):
        known = (name_of(text).lemmas for text in (*_texts(label), asked.case.question))
        if owner not in siblings and not any(
            all(any(one & own for own in other) for one in name.lemmas) for other in known
        ):
            made = mention(name, words, 2.0)
            if made is not None and made.against in ("", "hedged", "asked"):
                yield owner, made


def verify_set(label: SetLabel, said: Said, asked: Asked) -> Found:
    """Whether a part of an answer gives every name of a set."""
    return _all(label, said, asked, "name missing")


def verify_sequence(label: SequenceLabel, said: Said, asked: Asked) -> Found:
    """Whether a part of an answer gives every step, in order."""
    found = _all(label, said, asked, "step missing")
    if found.outcome != "pass" or found.score < 1:  # where a misspelt word stands is not known
        return found
    steps = [said.words.at(own) for name in label.names for own in name_of(name).lemmas]
    return found if _in_order(steps) else fails("other order", found.score, found.place)


def _all(label: SetLabel | SequenceLabel, said: Said, asked: Asked, missing: str) -> Found:
    """All names must be given plainly, and next to nothing else where no final line gives them.

    A text that tells more may tell that one of them is missing.
    """
    words, least = said.words, asked.params.limits.class_similarity
    made = [mention(name_of(name), words, least) for name in label.names]
    given = [one for one in made if one is not None]
    if not given:
        return fails("no match")
    place = said.place(*words.place([n for one in given for n in (one.first, one.last)]))
    if len(given) < len(made):
        return Found("fail", missing, len(given) / len(made), place)
    score = min(one.score for one in given)
    against = next((one.against for one in given if one.against), "")
    known = [*all_words(f"{asked.case.question} {say(label)}"), *_numbering(words)]
    if not (against or asked.final) and words.others(known):
        against = "other words"
    return doubtful(against, score, place) if against else passes(score, place)


def _numbering(words: Words) -> list[str]:
    """The figures of a text where they count up, as those of a list do."""
    figures = [token.word for token in words.tokens if token.word.isdecimal()]
    return figures if [*map(int, figures)] == [*range(1, len(figures) + 1)] else []
