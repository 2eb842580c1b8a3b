"""Sentences as labels: whether an answer means the same.

Two measures are averaged: how near each of the label's sentences is to some sentence of the
answer by embedding, and which share of the label's own words (those that the question does not
give already) the answer has. Embeddings take opposites for the same, so where both reach the
threshold, numbers, negation, names and directions may still make it doubtful.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from video_star.core.labels import TextLabel
from video_star.verification.base import Asked, Found, doubtful, fails, passes
from video_star.verification.final_answer import Said
from video_star.verification.values import numbers_in
from video_star.verification.words import OPPOSITE, Words, all_words, content, lemmas, sentences

_NAME: Final = re.compile(r"(?<=[a-z,;:] )[A-Z][a-z]+")
"""A word with a capital inside of a sentence."""
MOST_SENTENCES = 64
"""Sentences of an answer that are compared."""
LONGEST = 1000
"""Characters of a sentence that are compared."""


def texts_of(label: TextLabel, said: Said) -> tuple[list[str], list[str]]:
    """The sentences of a label and of a part of an answer; what is embedded."""
    return _sentences(label.text), _sentences(said.text)[:MOST_SENTENCES]


def verify_text(label: TextLabel, said: Said, asked: Asked) -> Found:
    """Whether a part of an answer means the label's sentences."""
    wanted, given = texts_of(label, said)
    if not given or asked.known.embed is None:
        return fails("no match")
    cosines = asked.known.embed(wanted) @ asked.known.embed(given).T
    nearest = [int(column) for column in np.argmax(cosines, axis=1)]
    near = float(np.clip(cosines.max(axis=1).min(), 0, 1))
    score = (near + _shared(label.text, said.words, asked.case.question)) / 2
    start, end = _place(said, given[nearest[0]])
    place = said.place(start, end)
    if score < asked.params.limits.text_agreement:
        return fails("no match", score)
    known = all_words(f"{asked.case.question} {label.text}")
    for sentence, number in zip(wanted, nearest, strict=True):
        problem = contradiction(sentence, given[number])
        left_open = said.words.doubt(_place(said, given[number])[0], known)
        if left_open == "asked" or (left_open == "hedged" and (asked.final or len(given) == 1)):
            problem = left_open  # models hedge in their long explanations, and mean them
        if problem:
            return doubtful(problem, score, place)
    return passes(score, place)


def _sentences(text: str) -> list[str]:
    return [text[start:end].strip()[:LONGEST] for start, end in sentences(text)]


def _place(said: Said, sentence: str) -> tuple[int, int]:
    start = max(0, said.text.find(sentence))
    return start, start + len(sentence)


def _shared(text: str, words: Words, question: str) -> float:
    """Share of the label's words that the question lacks which the answer has."""
    asked = {lemma for word in content(question) for lemma in lemmas(word)}
    own = [lemmas(word) for word in dict.fromkeys(content(text))]
    new = [word for word in own if not word & asked] or own
    return sum(bool(words.at(word)) for word in new) / len(new) if new else 1.0


def contradiction(one: str, other: str) -> str:
    """What makes two sentences that are alike opposites: "" where nothing does."""
    left, right = Words(one), Words(other)
    if left.is_negated != right.is_negated:
        return "negated"
    names, theirs = ({*_NAME.findall(text)} for text in (one, other))
    if names and theirs and names.isdisjoint(theirs):
        return "other name"
    mine, said = ({value.numbers[0] for value in numbers_in(text)} for text in (one, other))
    if mine and said and mine.isdisjoint(said):
        return "other number"
    ways, others = _directions(left), _directions(right)
    turned = sorted(ways) == sorted(others) or any(OPPOSITE[way] in others for way in ways)
    return "other direction" if ways != others and turned else ""


def _directions(words: Words) -> list[str]:
    """The words of direction in their order."""
    return [way for token in words.tokens for way in sorted(lemmas(token.word) & OPPOSITE.keys())]
