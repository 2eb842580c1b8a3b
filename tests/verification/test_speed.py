"""A long answer takes little time, whatever it repeats."""

from __future__ import annotations

import gc
import time
from functools import cache

import pytest
from judged_answers import GROUP, ONE_OF_EACH, PARAMS, QUESTION, known_with

from video_star.core.labels import ClassLabel, Label
from video_star.verification import Case, judge

SIZE = 100_000
SECONDS = 0.2
PROSE = (
    "In the video, a man in a blue shirt enters the room, opens the door with his left hand and "
    "sits down at a table near the window. There are 3 cups and 12.5 other things on it, but he "
    "does not touch them. After 7 seconds he picks up a guitar; perhaps he wants to play. "
)
REPEATED = {
    "final lines": "Answer: x ",
    "brackets": "[[[[",
    "parentheses": "((((",
    "tags": "<answer>",
    "braces": '{"answer": ',
    "digits": "7",
    "numbers": "3, ",
    "times": "0:03 to 0:07 he sits, ",
    "and": "and ",
    "apostrophes": "'",
    "same": "the same not different ",
    "capitals": "John Smith ",
    "asked": "is it? ",
    "named": "play the guitar on a table and a cup, ",
}


@cache
def varied(size: int) -> str:
    """Prose in which words differ."""
    words = (f"{PROSE.split()[n % 50]}{n // 50 if n % 7 == 0 else ''}" for n in range(size // 4))
    return " ".join(words)[:size]


def seconds(label: Label, text: str, enough: float = SECONDS) -> float:
    """Seconds that a verdict takes, the best of three unless one is enough.

    Garbage is not collected meanwhile, as `timeit` does it.
    """
    others = tuple(ClassLabel(name=f"playing {n}") for n in ("drums", "piano", "cards"))
    known, took = known_with((label, *others)), [1.0]
    gc.disable()
    try:
        while len(took) < 4 and took[-1] > enough:
            begun = time.process_time()
            judge(Case(text, QUESTION, (label,), GROUP), PARAMS, known)
            took.append(time.process_time() - begun)
    finally:
        gc.enable()
    return min(took)


@pytest.mark.parametrize("label", ONE_OF_EACH, ids=lambda label: label.kind)
def test_an_answer_of_100_000_characters_takes_a_fifth_of_a_second(label: Label) -> None:
    texts = {name: (piece * SIZE)[:SIZE] for name, piece in REPEATED.items()}
    texts |= {"one word 8,000 times": "guitar " * 8000, "varied": varied(SIZE)}
    slow = {name: took for name, text in texts.items() if (took := seconds(label, text)) > SECONDS}
    assert not slow


@pytest.mark.parametrize("label", ONE_OF_EACH, ids=lambda label: label.kind)
def test_the_time_grows_with_the_length_and_no_faster(label: Label) -> None:
    short, long = (PROSE * (size // len(PROSE)) for size in (SIZE // 5, SIZE))
    assert seconds(label, long, 0) < 10 * seconds(label, short, 0) + 0.05
