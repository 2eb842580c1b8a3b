"""Numbers inside of names: "three and a half somersaults" is "3.5 Soms.".

Words only: nothing here knows scores, times or ranges.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from video_star.verifiers.text import Reading

Span = tuple[int, int]

_COUNTED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_VALUES = {
    **{word: i for i, word in enumerate(_COUNTED)},
    **{"single": 1, "double": 2, "triple": 3, "quadruple": 4},
}
_ABBREVIATED = {
    **{"som": "somersault", "soms": "somersaults", "twists": "twist"},
    **{"backward": "back", "backwards": "back", "forwards": "forward", "inwards": "inward"},
}
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


def has_number(words: Sequence[str]) -> bool:
    """Whether any word starts with a digit."""
    return any(word[0].isdigit() for word in words)


def with_numbers(words: Sequence[str], reading: Reading | None = None) -> list[tuple[str, Span]]:
    """The words with numbers in one way of writing, each with its first and last old place.

    "three", "3.0" and "3" become "3"; "two and a half", "2 1/2" and "2,5" become "2.5".
    """
    found: list[tuple[str, Span]] = []
    i = 0
    while i < len(words):
        value, end = _number_at(words, i, reading)
        if value is None:
            found.append((_ABBREVIATED.get(words[i], words[i]), (i, i)))
        else:
            found.append((f"{value:g}", (i, end - 1)))
        i = end
    return found


def _number_at(words: Sequence[str], i: int, reading: Reading | None) -> tuple[float | None, int]:
    """The number that starts at a place and the place after it."""
    word = words[i]
    if word == "full" and words[i + 1 : i + 2] and words[i + 1].startswith("twist"):
        return 1.0, i + 1
    if word == "half":
        return 0.5, i + 1
    if _NUMBER.fullmatch(word):
        value = float(word.replace(",", "."))
    elif word in _VALUES:
        value = float(_VALUES[word])
    else:
        return None, i + 1
    for tail in (("and", "a", "half"), ("and", "one", "half"), ("and", "half"), ("1", "2")):
        end = i + 1 + len(tail)
        apart = reading is not None and any(reading.mark(k) for k in range(i + 1, end))
        if tuple(words[i + 1 : end]) == tail and not apart:
            return value + 0.5, end
    return value, i + 1


def number_reading(reading: Reading) -> tuple[Reading, list[Span]]:
    """A reading with its numbers in one way of writing, and the old places of each word."""
    merged = with_numbers(reading.words, reading)
    new = {old: i for i, (_, (first, last)) in enumerate(merged) for old in range(first, last + 1)}
    new[len(reading.words)] = len(merged)
    changed = replace(
        reading,
        words=tuple(word for word, _ in merged),
        sentences=tuple(reading.sentences[first] for _, (first, _) in merged),
        denied=frozenset(new[i] for i in reading.denied),
        asked=frozenset(new[i] for i in reading.asked),
        supposed=frozenset(new[i] for i in reading.supposed),
        breaks={new[i]: mark for i, mark in (reading.breaks or {}).items()},
        denials=(),
        guessed=frozenset(new[i] for i in reading.guessed),
    )
    return changed, [span for _, span in merged]
