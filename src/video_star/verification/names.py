"""Class names, sets and sequences: which names an answer gives.

A name is given where all of its words are, each by a lemma and in the order of the name. Another
class of the same data set and question type that is given beside it, or instead of it, speaks
against it (`ClassNames`). A final answer that gives no class in its words is compared by embedding
with all of them: the nearest one counts where it is nearer than the second by a margin.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from rapidfuzz import fuzz

from video_star.labels import ClassLabel, SequenceLabel, SetLabel, say
from video_star.verification.base import Asked, Embed, Found, doubtful, fails, passes
from video_star.verification.final_answer import Said
from video_star.verification.words import (
    BOUND,
    Words,
    all_words,
    content,
    is_function,
    key_of,
    lemmas,
)

SHORT = 6
"""A reply of at most so many words is a final answer without a line."""
LONG = 3
"""A name of so many words may have them anywhere, as few texts have all of them by chance."""


_AND: Final = re.compile(r"\band\b", re.I)


class Mention(NamedTuple):
    """Where a name stands: numbers of its first and last token, and what speaks against it."""

    first: int
    last: int
    against: str
    """ "", or why it is not plain: the reasons in the order of `_WORST`."""
    score: float


@dataclass(frozen=True)
class Name:
    """A name by its words, each with its lemmas."""

    text: str
    words: tuple[str, ...]
    lemmas: tuple[frozenset[str], ...]
    joined: tuple[Name, ...]
    """The parts of "eating and drinking", which may come in any order."""


@lru_cache(maxsize=1 << 14)
def name_of(text: str) -> Name:
    """A name taken apart."""
    words, parts = content(text), [part for part in _AND.split(text) if all_words(part)]
    joined = tuple(name_of(part) for part in parts) if len(parts) > 1 else ()
    return Name(text, words, tuple(lemmas(word) for word in words), joined)


@lru_cache(maxsize=1 << 14)
def _keys(label: ClassLabel) -> frozenset[str]:
    return frozenset(key_of(text) for text in (label.name, *label.synonyms))


class ClassNames:
    """The classes of a group, found in a text in one pass whatever their number."""

    def __init__(self, labels: Iterable[ClassLabel]) -> None:
        owners = sorted({(text, label.name) for label in labels for text in _texts(label)})
        self._owners = [owner for _, owner in owners]
        self._names = [name_of(text) for text, _ in owners]
        self.by_key = {key_of(text): owner for text, owner in reversed(owners)}
        self._where: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, name in enumerate(self._names):
            for bit, own in enumerate(name.lemmas):
                for lemma in own:
                    self._where[lemma].append((number, 1 << bit))
        self._full = [(1 << len(name.words)) - 1 for name in self._names]
        """The mask of a name that is there with all of its words."""
        self._hits: dict[str, tuple[tuple[int, int], ...]] = {}
        self._vectors: np.ndarray | None = None

    def given(self, text: str) -> list[tuple[str, Name]]:
        """Owner and name of all whose words all occur in a text."""
        masks: dict[int, int] = {}
        found: list[int] = []
        for word in dict.fromkeys(all_words(text)):
            hits = self._hits.get(word)
            if hits is None:
                new = {hit for lemma in lemmas(word) for hit in self._where.get(lemma, ())}
                hits = self._hits[word] = tuple(sorted(new))
            for number, bit in hits:
                before = masks.get(number, 0)
                masks[number] = after = before | bit
                if after == self._full[number] != before:
                    found.append(number)
        return [(self._owners[number], self._names[number]) for number in found]

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


def mention(name: Name, words: Words, least: float, plain: bool) -> Mention | None:
    """The best mention of a name in a text; None where one of its words is missing.

    `least` is the similarity from which a word that no dictionary has counts as a misspelt one;
    `plain` is that of `Words.against`.
    """
    if name.joined:
        parts = [one for part in name.joined if (one := mention(part, words, least, plain))]
        if len(parts) < len(name.joined):
            return None
        first, last = min(one.first for one in parts), max(one.last for one in parts)
        against = max((one.against for one in parts), key=_WORST.index)
        return Mention(first, last, against, min(one.score for one in parts))
    places, score = [], 1.0
    for word, own in zip(name.words, name.lemmas, strict=True):
        found = words.at(own)
        if not found:
            ratio, at = max(
                ((fuzz.ratio(word, said) / 100, n) for said, n in words.unknown), default=(0.0, 0)
            )
            if ratio < least or not words.unknown:
                return None
            found, score = [at], min(score, ratio)
        places.append(found)
    if not places:
        return None
    by_sentence: dict[int, list[list[int]]] = {}
    for number, found in enumerate(places):
        for token in found:
            own_places = by_sentence.setdefault(words.sentence_numbers[token], [[] for _ in places])
            own_places[number].append(token)
    best: Mention | None = None
    for sentence, own_places in by_sentence.items():
        if all(own_places):
            made = _in_sentence(name, own_places, sentence, words, score, plain)
            if best is None or _WORST.index(made.against) < _WORST.index(best.against):
                best = made
            elif made.against == "negated" and not best.against:
                return Mention(best.first, best.last, "negated", score)
    if best is None:
        first, last = min(found[0] for found in places), max(found[-1] for found in places)
        return Mention(first, last, "words apart", score)
    return best


_WORST = ("", "hedged", "asked", "contrasted", "not told", "negated", "words apart", "other order")


def _in_sentence(
    name: Name,
    places: Sequence[Sequence[int]],
    sentence: int,
    words: Words,
    score: float,
    plain: bool,
) -> Mention:
    chosen, against = _in_order(places), ""
    if chosen is None:
        chosen, against = [found[0] for found in places], "other order"
    elif len(chosen) < LONG and any(_is_broken(*two, words) for two in pairwise(chosen)):
        against = "words apart"
    first, last = min(chosen), max(chosen)
    if plain and not against and not _is_told(name, first, last, words):
        against = "not told"
    return Mention(first, last, against or words.against(sentence, last, plain), score)


def _is_told(name: Name, first: int, last: int, words: Words) -> bool:
    """Whether a mention tells what happens.

    It does not behind "than" or "after", in a longer quotation, and where it may be a thing ("a
    bowl" is no bowling).
    """
    said, before = words.tokens[first].word, words.tokens[first - 1].word if first else ""
    thing = len(name.words) == 1 and name.words[0].endswith("ing") and said in name.lemmas[0]
    if before in BOUND or (thing and said != name.words[0] and before != "to"):
        return False
    start, end = words.tokens[first].start, words.tokens[last].end
    return all(key_of(words.text[start:end]) == key_of(q) for q in words.quotation(start, end))


def _is_broken(one: int, other: int, words: Words) -> bool:
    """Whether more than modifiers stand between two words ("shaves his beard and his head")."""
    between = [is_function(words.tokens[number].word) for number in range(one + 1, other)]
    marks = words.text[words.tokens[one].end : words.tokens[other].start]
    return between != sorted(between, reverse=True) or ":" in marks


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


def best_mention(
    texts: Sequence[str], words: Words, least: float, plain: bool = False
) -> Mention | None:
    """The best mention of any of several names for the same thing."""
    made = [m for text in texts if (m := mention(name_of(text), words, least, plain)) is not None]
    return min(made, key=lambda m: (_WORST.index(m.against), -m.score), default=None)


def verify_class(label: ClassLabel, said: Said, asked: Asked) -> Found:
    """Which class a part of an answer gives."""
    key, whole = said.key, (said.start, said.start + len(said.text))
    if key and key in _keys(label):
        return passes(1.0, whole)
    names = asked.known.classes.get(asked.case.group)
    siblings = {other.name for other in asked.case.labels if isinstance(other, ClassLabel)}
    if names is not None and key in names.by_key and names.by_key[key] not in siblings:
        return fails("other class", 0.0, whole)
    words = said.words
    own = best_mention(_texts(label), words, asked.params.limits.class_similarity, not asked.final)
    rivals = list(_rivals(label, words, names, siblings, asked)) if names is not None else []
    final = asked.final or len(words.tokens) <= SHORT
    if own is None:
        return _without(label, said, words, rivals, final, names, asked)
    place = said.place(*words.place((own.first, own.last)))
    if own.against == "other order" and final:
        return fails(own.against, own.score, place)
    if own.against == "words apart" and not (
        final or rivals or words.negated or words.hedged or len(name_of(label.name).words) < LONG
    ):
        return passes(own.score, place)  # as the paper reads: every word of the label somewhere
    if own.against:
        return doubtful(own.against, own.score, place)
    if asked.params.allow_hedge:
        return passes(own.score, place)
    wider = {owner for owner, name, _ in rivals if _is_within(label, name)}
    if wider and final:
        return fails("other class", own.score, place)
    if not final:  # of several that a description names the first one is what it shows
        rivals = [rival for rival in rivals if rival[2].first < own.first]
    if rivals:
        return doubtful("several classes", own.score, place)
    return passes(own.score, place)


def _without(
    label: ClassLabel,
    said: Said,
    words: Words,
    rivals: list[tuple[str, Name, Mention]],
    final: bool,
    names: ClassNames | None,
    asked: Asked,
) -> Found:
    """A part of an answer in which the label's words are not."""
    owners = {owner for owner, _, _ in rivals}
    if owners:
        made = rivals[0][2]
        place = said.place(*words.place((made.first, made.last))) if len(owners) == 1 else None
        return fails("other class", 0.0, place)
    if not final or names is None or asked.known.embed is None or not words.tokens:
        return fails("no match")
    if names.given(said.text):  # it gives a class by its words, though not plainly
        return fails("no match")
    limits = asked.params.limits
    near = names.nearest(said.text, asked.known.embed)
    (first, cosine), (_, second) = near[0], (near[1] if len(near) > 1 else ("", 0.0))
    whole = (said.start, said.start + len(said.text))
    if cosine < limits.class_nearest:
        return fails("no match", max(0.0, cosine))
    if cosine - second < limits.class_margin or len(near) < 2:
        return doubtful("near several classes", cosine, whole)
    if first == label.name:
        return passes(cosine, whole)
    return fails("other class", 0.0, whole)


def needs_embedding(label: ClassLabel, said: Said, asked: Asked) -> bool:
    """Whether `verify_class` will ask for the embedding of a final answer."""
    key, names = said.key, asked.known.classes.get(asked.case.group)
    if names is None or key in _keys(label) or key in names.by_key:
        return False
    words = said.words
    if (not asked.final and len(words.tokens) > SHORT) or names.given(said.text):
        return False
    return best_mention(_texts(label), words, asked.params.limits.class_similarity) is None


def gives_another(said: Said, asked: Asked) -> bool:
    """Whether the words of a class that is no label of the sample are in a text: a quick look."""
    names = asked.known.classes.get(asked.case.group)
    own = {label.name for label in asked.case.labels if isinstance(label, ClassLabel)}
    return names is not None and any(owner not in own for owner, _ in names.given(said.text))


def _rivals(
    label: ClassLabel, words: Words, names: ClassNames, siblings: set[str], asked: Asked
) -> Iterator[tuple[str, Name, Mention]]:
    """Other classes that a text gives plainly, less those that others of them contain.

    A class whose words are all in the label's name, or in the question, is none.
    """
    given = [(owner, name) for owner, name in names.given(words.text) if owner not in siblings]
    if not given:
        return
    own = [name_of(text) for text in _texts(label)]
    asked_for = frozenset().union(*(lemmas(w) for w in content(asked.case.question)), frozenset())
    for owner, name in given:
        if all(own_lemmas & asked_for for own_lemmas in name.lemmas):
            continue
        if any(_contains(mine, name) for mine in own):
            continue
        made = mention(name, words, 2.0, plain=False)
        if made is not None and made.against in ("", "hedged", "asked"):
            yield owner, name, made


def _contains(name: Name, part: Name) -> bool:
    """Whether all words of one name are in the other, in its order."""
    at = 0
    for own in part.lemmas:
        while at < len(name.lemmas) and not name.lemmas[at] & own:
            at += 1
        if at == len(name.lemmas):
            return False
        at += 1
    return True


def _is_within(label: ClassLabel, name: Name) -> bool:
    return any(_contains(name, name_of(text)) for text in _texts(label))


def verify_set(label: SetLabel, said: Said, asked: Asked) -> Found:
    """Whether a part of an answer gives every name of a set."""
    return _all(label, said, asked, "name missing")


def verify_sequence(label: SequenceLabel, said: Said, asked: Asked) -> Found:
    """Whether a part of an answer gives every step, in order."""
    found = _all(label, said, asked, "step missing")
    if found.outcome != "pass":
        return found
    if _in_order([_ends(name_of(name), said.words) for name in label.names]) is None:
        return fails("other order", found.score, found.place)
    if not asked.final and said.words.at(BOUND):
        return doubtful("other order", found.score, found.place)
    return found


def _ends(name: Name, words: Words) -> list[int]:
    """The tokens at which a mention of a name ends, ascending."""
    places = [words.at(own) for own in name.lemmas]
    if not all(places):
        return list(range(len(words.tokens)))  # misspelt: it may stand anywhere
    ends, at = [], [0] * len(places)
    for last in places[-1]:
        chosen = last
        for number in range(len(places) - 2, -1, -1):
            own = places[number]
            while at[number] + 1 < len(own) and own[at[number] + 1] < chosen:
                at[number] += 1
            if own[at[number]] >= chosen:
                break
            chosen = own[at[number]]
        else:
            ends.append(last)
    return ends


def _all(label: SetLabel | SequenceLabel, said: Said, asked: Asked, missing: str) -> Found:
    """All names must be given, none with anything against it; as a list where no line gives them.

    A text that tells of one name after the other, or goes on, may tell that one is missing.
    """
    least, plain = asked.params.limits.class_similarity, not asked.final
    made = [best_mention((name,), said.words, least, plain) for name in label.names]
    given = [one for one in made if one is not None]
    if not given:
        return fails("no match")
    words = said.words
    place = said.place(*words.place([n for one in given for n in (one.first, one.last)]))
    if len(given) < len(made):
        return Found("fail", missing, len(given) / len(made), place)
    score = min(one.score for one in given)
    against = next((one.against for one in given if one.against), "")
    if not (against or asked.final):
        known = f"{asked.case.question} {say(label)}"
        places = [words.place([one.first, one.last]) for one in (min(given), max(given))]
        if not (_is_list(given, words) and all(words.is_alone(*two, known) for two in places)):
            against = "no list"
    return doubtful(against, score, place) if against else passes(score, place)


def _is_list(given: Sequence[Mention], words: Words) -> bool:
    """Whether names follow each other with nothing but modifiers between, and end the text."""
    if words.sentence_numbers[max(given).last] < words.sentence_numbers[-1]:
        return False
    figures: list[int] = []
    for one, other in pairwise(sorted(given)):
        between = words.tokens[one.last + 1 : other.first]
        figures += [int(token.word) for token in between if token.word.isdecimal()]
        same = words.sentence_numbers[one.last] == words.sentence_numbers[other.first]
        lines = "\n" in words.text[words.tokens[one.last].end : words.tokens[other.first].start]
        if not (same or lines) or _is_broken(one.last, other.first, words):
            return False
    return figures == sorted(figures)
