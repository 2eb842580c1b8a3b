"""Polarity of short answers and of questions about sameness: "yes", "they are not", "are they?"."""

from __future__ import annotations

from collections.abc import Sequence

from video_star.verifiers.sameness_words import (
    AUXILIARIES,
    DIFFERENCE,
    DIFFERENT,
    FRAME,
    MATCH,
    NO,
    NO_PHRASES,
    SAME,
    SUBJECTS,
    YES,
    YES_PHRASES,
)


def bare_polarity(words: tuple[str, ...]) -> bool | None:
    """True for "yes", "yes they are", "they are"; False for "no", "they are not"; else None."""
    if words in YES_PHRASES:
        return True
    if words in NO_PHRASES:
        return False
    if not words:
        return None
    if words[-1] in YES | NO and FRAME.issuperset(words[:-1]):
        return words[-1] in YES
    if len(words) > 4:
        return None
    denied = any(word in ("not", "no") or word.endswith("n't") for word in words[1:])
    if words[0] in YES | NO:
        says = words[0] in YES
        return None if words[1] not in SUBJECTS or (says and denied) else says
    if words[0] in SUBJECTS and len(words) in (2, 3):
        if words[-1] == "not" or (words[-1].endswith("n't") and len(words) == 2):
            return False
        return True if words[-1] in AUXILIARIES else None
    return None


def question_polarity(words: Sequence[str]) -> bool | None:
    """True where a question asks for sameness, False for difference, None for neither or both."""
    same = not (SAME | MATCH | {"one"}).isdisjoint(words)
    different = not (DIFFERENT | DIFFERENCE).isdisjoint(words)
    return same if same != different else None
