"""Whether one sentence contradicts another: what it denies, asserts, or says the opposite of.

By the denials of `verifiers.text` and a list of opposites, word by word; words are compared without
their inflection.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

from video_star.verifiers.classes import stem
from video_star.verifiers.text import STOP_WORDS, read, word_set

_SILENT = STOP_WORDS | word_set(
    "not no never cannot neither nor none nobody nothing nowhere without hardly non lack lacks "
    "lacking rather than instead unlike except excluding only but wrong incorrect false"
)
"""Words that say nothing themselves: what they deny does."""
_SHORT = 3
"""Letters of a word that has no inflection to lose."""


def _stem(word: str) -> str:
    """The stem of a word; short words are whole ("off" is not "of")."""
    return word if len(word) <= _SHORT else stem(word)


_ANYONE = frozenset(
    _stem(word)
    for word in (
        *("person", "people", "man", "men", "woman", "women", "boy", "girl", "someone"),
        *("video", "clip", "camera", "wearer"),
    )
)
"""Subjects of nearly every sentence: to assert them asserts nothing."""
_PAIRS = (
    *("open close", "open shut", "left right", "push pull", "enter leave", "enter exit"),
    *("inside outside", "above below", "over under", "start stop", "begin end", "front behind"),
    *("forward backward", "forwards backwards", "clockwise counterclockwise", "fast slow"),
    *("quickly slowly", "empty full", "fill empty", "sit stand", "rise fall", "raise lower"),
    *("lift lower", "increase decrease", "same different", "lock unlock", "tie untie"),
    *("fold unfold", "cover uncover", "dress undress", "load unload", "attach detach"),
    *("correct incorrect", "correctly incorrectly", "appear disappear", "toward away"),
    *("towards away", "man woman", "boy girl", "up down", "on off"),
)
"""Words that cannot both hold; embeddings take them for near-synonyms."""
_PARTICLES = word_set("up down on off")
"""Opposites only after the same verb: "turn on" and "turn off", but not "lift up", "sit down"."""


def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one, other in (pair.split() for pair in _PAIRS):
        found[_stem(one)].add(_stem(other))
        found[_stem(other)].add(_stem(one))
    return {word: frozenset(others) for word, others in found.items()}


_OPPOSITES = _opposites()


@dataclass(frozen=True)
class Saying:
    """The stems of a sentence's content words, by whether they hold."""

    asserted: frozenset[str]
    denied: frozenset[str]
    """Stems that every mention denies."""
    asked: bool
    """Whether it is a question, which asserts nothing."""
    either: bool
    """Whether it has an "or"."""

    @property
    def mostly_denied(self) -> bool:
        """Whether it denies more than it asserts."""
        return len(_content(self.denied)) > len(_content(self.asserted) - _ANYONE)


@lru_cache(maxsize=1 << 14)
def saying(sentence: str) -> Saying:
    """What one sentence says."""
    reading = read(sentence)
    unsaid = reading.denied | reading.supposed
    asserted: set[str] = set()
    denied: set[str] = set()
    for i, word in enumerate(reading.words):
        # Short words such as "on" carry meaning where they have an opposite.
        silent = word in _SILENT and _stem(word) not in _OPPOSITES
        if silent or word.endswith("n't"):
            continue
        (denied if i in unsaid else asserted).add(_stem(word))
    asked = bool(reading.words) and len(reading.asked) == len(reading.words)
    either = "or" in reading.words
    return Saying(frozenset(asserted), frozenset(denied - asserted), asked, either)


def contradicts(label: Saying, answer: Saying) -> bool:
    """Whether a sentence of an answer cannot be true where the label's sentence is.

    - It denies a word that the label asserts, or most of what it says is denied.
    - It asserts what the label denies, or denies nothing where the label does little else; the
      opposite of what is denied ("closed" for "not open") agrees.
    - It has the opposite of a word that the label asserts: alone, or with an "or" between them.
    """
    if (_content(label.asserted) - _ANYONE) & answer.denied:
        return True
    opposite = {other for word in label.denied for other in _OPPOSITES.get(word, ())}
    agrees = bool(answer.denied & label.denied or opposite & answer.asserted)
    if not agrees and answer.asserted & _content(label.denied):
        return True
    if not agrees and label.mostly_denied and not answer.denied:
        return True
    if not label.mostly_denied and answer.mostly_denied:
        return True
    return any(_opposes(word, label, answer) for word in label.asserted & _OPPOSITES.keys())


def _opposes(word: str, label: Saying, answer: Saying) -> bool:
    """Whether the answer says the opposite of one word of the label, of the same things."""
    said = answer.asserted | answer.denied
    others = _OPPOSITES[word] & answer.asserted - label.asserted - label.denied
    if not others or (word in said and not answer.either):
        return False
    return len(_content(label.asserted) & said) > (word in _PARTICLES) + (word in said)


def takes_back(label: Saying, answer: Saying) -> bool:
    """Whether a sentence that contradicts the label's repeats each of its content words."""
    words = _content(label.asserted | label.denied)
    return bool(words) and words <= answer.asserted | answer.denied


def _content(stems: frozenset[str]) -> frozenset[str]:
    return stems - STOP_WORDS
