"""Polarity of short answers and of questions about sameness: "yes", "they are not", "are they?"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from video_star.verifiers.inflection import root
from video_star.verifiers.sameness_words import (
    AFTER_ENDS,
    ATTRIBUTES,
    AUXILIARIES,
    CHANGES,
    CONCEDING,
    CONTAINERS,
    DIFFERENCE,
    DIFFERENT,
    FRAME,
    KINDS_OF_BEINGS,
    MATCH,
    NO,
    NO_PHRASES,
    OPENING,
    SAME,
    SUBJECTS,
    YES,
    YES_PHRASES,
)
from video_star.verifiers.text import STOP_WORDS, Reading, read


@dataclass(frozen=True)
class Asked:
    """What a question asks the sameness of."""

    same: bool | None
    """Whether "yes" means the same; None where it means neither or both."""
    things: frozenset[str]
    """Roots of all that the question names, attributes left out."""
    focus: frozenset[str]
    """Roots of what may be the same: "jacket" in "is it the same jacket?"."""
    unasked: frozenset[str]
    """Beings of another kind than the question's: a person where it asks for an action."""
    counts: bool
    """Whether it asks for "one or two", or for "the same or two"."""

    @classmethod
    def of(cls, question: str) -> Asked:
        reading = read(question)
        words = _asking(reading)
        if (SAME | DIFFERENT | MATCH).isdisjoint(words):
            words = [*reading.words]  # "Same or different: video A vs. video B?"
        kinds = [kind for kind in KINDS_OF_BEINGS if not kind.isdisjoint(words)]
        others = [kind for kind in KINDS_OF_BEINGS if kind not in kinds]
        named = {word for word in reading.words if word not in STOP_WORDS | ATTRIBUTES}
        return cls(
            question_polarity(words, asks=True),
            frozenset(map(root, named)),
            frozenset(map(root, _focus(words))),
            frozenset[str]().union(*others) if len(kinds) == 1 else frozenset(),
            {"one", "two", "or"}.issubset(words)
            or any(word == "or" and "two" in words[i : i + 4] for i, word in enumerate(words)),
        )


def _asking(reading: Reading) -> list[str]:
    """The words that ask: no request for a format, no "even though the clothes differ"."""
    found: list[str] = []
    dropped = False
    for i, word in enumerate(reading.words):
        dropped = word in CONCEDING - {"even", "while"} or (dropped and not reading.mark(i))
        if not dropped and (i in reading.asked or not reading.asked):
            found.append(word)
    return found


def _focus(words: Sequence[str]) -> set[str]:
    """Nouns after "the same", else those of the subject: "is the jacket of the man the same?"."""
    found: set[str] = set()
    for i, word in enumerate(words):
        if word in SAME | DIFFERENT:
            found.update(_run(words[i + 1 : i + 4]))
    return found or _run(words[1:] if words and words[0] in OPENING else words)


def _run(words: Sequence[str]) -> set[str]:
    """Content words up to where a noun phrase ends."""
    end = next((k for k, word in enumerate(words) if k and word in AFTER_ENDS), len(words))
    if words and words[0] in AFTER_ENDS:
        return set()
    return {word for word in words[:end] if word not in STOP_WORDS | SAME | DIFFERENT}


def question_polarity(words: Sequence[str], asks: bool = False) -> bool | None:
    """True where a question asks for sameness, False for difference, None for neither or both.

    `asks`: a question that names neither asks for sameness ("is this the man of clip 1?").
    """
    same = not (SAME | MATCH).isdisjoint(words)
    different = any(
        word in DIFFERENT | DIFFERENCE
        and (ATTRIBUTES - CONTAINERS).isdisjoint(words[i + 1 : i + 3])
        for i, word in enumerate(words)
    )
    changes = not CHANGES.isdisjoint(words)
    if (same and different) or ("or" in words and (same or "one" in words) and changes):
        return None
    if {"one", "two", "or"}.issubset(words) and not same:
        return None
    if same or different or changes:
        return same or not (different or changes)
    if "one" in words:
        return True
    is_question = asks and bool(words) and (words[0] in OPENING or "whether" in words)
    return True if is_question else None


def bare_polarity(words: tuple[str, ...]) -> bool | None:
    """True for "yes", "yes they are", "they are"; False for "no", "they are not"; else None."""
    if words[:1] == words[-1:] == ("answer",):
        words = words[1:-1]  # "<answer>yes</answer>"
    if words in YES_PHRASES:
        return True
    if words in NO_PHRASES:
        return False
    if not words:
        return None
    for says, own in ((True, YES), (False, NO)):
        if words[-1] in own and (FRAME | own).issuperset(words[:-1]):
            return says
    denied = any(word in ("not", "no", "or") or word.endswith("n't") for word in words[1:])
    if words[0] in YES:
        plain = words[0] in ("yes", "yeah", "yep") and NO.isdisjoint(words)
        return True if plain and not denied else None
    if words[0] in NO and len(words) > 1:
        return False if words[1] in SUBJECTS and (len(words) <= 4 or words[0] == "no") else None
    if words[0] in SUBJECTS and len(words) in (2, 3):
        if words[-1] == "not" or (words[-1].endswith("n't") and len(words) == 2):
            return False
        return True if words[-1] in AUXILIARIES else None
    return None
