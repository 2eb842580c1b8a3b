"""Classes: which one an answer names.

A class is named where all of its content words are, by lemma and in the order of the name. Another
class of the same data set and question type that is named beside it, or instead of it, speaks
against it (`ClassNames`). A final answer that names no class in its words is compared by embedding
with all of them: the nearest one counts where it is nearer than the second by a margin.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, StringConstraints

from video_star.core.labels.base import (
    NAME_LENGTH,
    NAMES,
    Asked,
    BaseLabel,
    Embed,
    Found,
    NameText,
    Row,
    doubtful,
    fails,
    passes,
    unless,
)
from video_star.core.labels.cells import EmptyLabel, one_text, texts
from video_star.core.labels.mention import LONG, WORST, Mention, Name, mention, name_of
from video_star.core.labels.words import OPPOSITE, Said, all_words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHORT = 6
"""A reply of at most so many words is a final answer without a line."""


class ClassLabel(BaseLabel):
    """An action or object class; passes when each content word of a name is found."""

    FORM = "<name>"
    OPTIONAL = ("synonyms",)
    THRESHOLD = "class_similarity"
    EMBEDS = True

    kind: Literal["class"] = "class"
    name: NameText
    synonyms: tuple[Annotated[str, StringConstraints(max_length=NAME_LENGTH)], ...] = Field(
        default=(), max_length=NAMES
    )

    @classmethod
    def of_row(cls, row: Row) -> Self:
        synonyms, name = texts(row.get("synonyms", ()), "synonyms"), one_text(row["label"])
        if name == "-1":  # as in `datasets`
            raise EmptyLabel("label is -1, which stands for none; take the row out.")
        return cls(name=name, synonyms=synonyms)

    @property
    def names(self) -> tuple[Name, ...]:
        """All of its names, taken apart."""
        return tuple(map(name_of, (self.name, *self.synonyms)))

    def say(self) -> str:
        return self.name

    def find(self, said: Said, asked: Asked) -> Found:
        own, classes, whole = self.names, asked.classes, (said.start, said.end)
        if said.key and said.key in [name.key for name in own]:
            return passes(1.0, whole)
        if classes and classes.by_key.get(said.key, self.name) not in _labelled(asked):
            return fails("other class", 0.0, whole)
        final = asked.final or len(said.words) <= SHORT
        mentions = [
            one
            for name in own  # its own "not" or "without" denies nothing
            if (
                one := mention(
                    name.words, said, asked.limits.class_similarity, known=all_words(name.text)
                )
            )
        ]
        rivals = [*self._rivals(said, asked)]
        if not mentions and rivals:
            place = said.place(rivals[0][1].first, rivals[0][1].last)
            single = len({one for one, _ in rivals}) == 1
            return fails("other class", 0.0, place if single else None)
        if not mentions:
            if not final or classes is None or not said.words or classes.given(said.lemmas):
                return fails("no match")
            return self._nearest(said, classes, asked)
        best = min(mentions, key=lambda one: (WORST.index(one.against), -one.score))
        place, against = said.place(best.first, best.last), best.against
        if against == "other order" and final:
            return fails(against, best.score, place)
        if not final:  # what a description goes on to tell is no other answer
            sentence = said.sentence_of(best.last)
            rivals = [one for one in rivals if said.sentence_of(one[1].first) <= sentence]
        turns = any(OPPOSITE.get(one) in own[0].lemmas for one in own[0].lemmas)  # "left to right"
        if against == "other order" and len(own[0].words) >= LONG and not (rivals or turns):
            against = ""  # as the paper reads: every word of the label somewhere
        if rivals and not asked.allow_hedge:
            against = against or "several classes"
        return unless(against, best.score, place)

    def is_contradicted(self, reasoning: Said, asked: Asked) -> bool:
        if _others(reasoning, asked):
            return super().is_contradicted(reasoning, asked)
        if not reasoning.is_negated:  # most answers
            return False
        denials = [sentence for sentence in reasoning.sentences if sentence.is_negated]
        return any(name.lemmas <= one.lemmas for one in denials for name in self.names)

    def _rivals(self, said: Said, asked: Asked) -> Iterator[tuple[str, Mention]]:
        """Other classes that a text names, each with its mention.

        A class whose words are all in the label's name, or in the question, is none.
        """
        known = [name.lemmas for name in (*self.names, name_of(asked.question))]
        for owner, name in _others(said, asked):
            if not any(name.lemmas <= other for other in known):
                made = mention(name.words, said)
                if made is not None and made.against in ("", "hedged", "asked"):
                    yield owner, made

    def _nearest(self, said: Said, classes: ClassNames, asked: Asked) -> Found:
        """Which class a final answer means that names none by its words."""
        if asked.embed is None:
            return fails("no match")
        limits, whole = asked.limits, (said.start, said.end)
        near = classes.nearest(said.text, asked.embed)
        (first, cosine), (_, second) = near[0], (near[1] if len(near) > 1 else ("", 0.0))
        if cosine < limits.class_nearest:
            found = fails("no match", max(0.0, cosine))
        elif cosine - second < limits.class_margin or len(near) < 2:
            found = doubtful("near several classes", cosine, whole)
        elif first == self.name:
            found = passes(cosine, whole)
        else:
            found = fails("other class", 0.0, whole)
        return replace(found, threshold=limits.class_nearest)


def _labelled(asked: Asked) -> set[str]:
    """The classes among the labels of the sample."""
    return {label.name for label in asked.labels if isinstance(label, ClassLabel)}


def _others(said: Said, asked: Asked) -> list[tuple[str, Name]]:
    """Classes of the data set that a text has the words of and that are no labels of the sample."""
    given, own = asked.classes.given(said.lemmas) if asked.classes else [], _labelled(asked)
    return [(owner, name) for owner, name in given if owner not in own]


class ClassNames:
    """The classes of a group, found in a text in one pass whatever their number."""

    def __init__(self, labels: Iterable[ClassLabel]) -> None:
        self._owned = sorted({(name, label.name) for label in labels for name in label.names})
        self.by_key = {name.key: owner for name, owner in reversed(self._owned)}
        counts = Counter(lemma for name, _ in self._owned for lemma in name.lemmas)
        self._by_rarest: dict[str, list[tuple[str, Name]]] = defaultdict(list)
        """Owner and name of each by the word of it that the fewest names have."""
        for name, owner in self._owned:
            if name.lemmas:
                rarest = min(sorted(name.lemmas), key=counts.__getitem__)
                self._by_rarest[rarest].append((owner, name))
        self._vectors: NDArray[np.float32] | None = None

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
        for number in (-cosines).argsort(kind="stable"):
            best.setdefault(self._owned[int(number)][1], float(cosines[number]))
            if len(best) == 2:
                break
        return list(best.items())
