"""Where an answer concludes: what comes after reasoning decides over what came in it."""

from __future__ import annotations

from dataclasses import dataclass

from video_star.verifiers.text import Reading, word_set

_CONCLUDING = word_set(
    "therefore thus hence conclusion conclude concluding consequently overall ultimately verdict"
)
_OPENING = word_set("so")
"""These conclude only where they open a clause."""
_STATES = word_set("is are was be must should")
_ALL = _CONCLUDING | _OPENING | {"answer"}


@dataclass(frozen=True)
class Conclusion:
    """The last conclusion of an answer."""

    start: int
    """Index of its first word, after the words that announce it."""
    binds: bool
    """Whether it says that it is the answer ("the answer is"), so that nothing before it counts."""


def conclusion_of(reading: Reading) -> Conclusion | None:
    """The last announced conclusion that is followed by anything; None where there is none."""
    words = reading.words
    if _ALL.isdisjoint(words):
        return None
    for i in range(len(words) - 2, -1, -1):
        if words[i] == "answer":
            start = _after_answer(reading, i)
            if start is not None:
                return Conclusion(start, True)
        elif words[i] in _CONCLUDING or (words[i] in _OPENING and _opens(reading, i)):
            return Conclusion(i + 1, False)
    return None


def _after_answer(reading: Reading, i: int) -> int | None:
    """Where what follows "answer is", "answer:" or "answer would be" starts."""
    words, start = reading.words, i + 1
    while start < len(words) and words[start] in ("would", "should", "must", "to", "this", "here"):
        start += 1
    if start < len(words) and words[start] in _STATES and not reading.mark(start):
        start += 1
    elif ":" not in reading.mark(i + 1) or start > i + 1:
        return None
    if start >= len(words) or "?" in reading.mark(len(words)) or start in reading.denied:
        return None
    return start


def _opens(reading: Reading, i: int) -> bool:
    following = reading.words[i + 1] if i + 1 < len(reading.words) else ""
    return (i == 0 or bool(reading.mark(i)) or reading.words[i - 1] == "and") and following not in (
        *("that", "much", "many", "far", "he", "she"),
    )
