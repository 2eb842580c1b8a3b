"""How fast answers are verified: `python benchmarks/verification.py`.

Answers are made from sentence frames around class names of a Kinetics-like list of 700 names, a
third of them naming another class, some denied, some hedged. Prints one JSON object a line: class
answers per second of one core, with a final line behind the same sentences and without, and text
answers per second of this machine, with the embedding model of params.yaml.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from row import tell

from video_star.core.labels import ClassLabel, TextLabel
from video_star.core.params import load_params
from video_star.verification import Case, judge_all, known_of

ONSETS = ("bal", "cor", "dru", "fen", "gui", "hor", "kay", "lam", "pum", "tab")
ENDS = ("l", "mer", "kin", "tar", "se", "net", "pin")
ROOT = Path(__file__).resolve().parents[1]
PARAMS = ROOT / "params.yaml"
VERBS = (
    *("riding", "cutting", "washing", "throwing", "catching"),
    *("folding", "painting", "drawing", "pulling", "pushing"),
)
THINGS = tuple(f"{a}{b}" for a, b in product(ONSETS, ENDS))
NAMES = tuple(f"{verb} {thing}" for verb, thing in product(VERBS, THINGS))[:700]
FRAMES = (
    "First the person stands still. Then something moves. This is {}.",
    "The video shows {}, because the hands go up and down in the same place.",
    "It is not {}.",
    "I think that someone is {} or doing something else, but it is hard to see.",
)
CHUNK = 512
"""Answers that are judged together, as the step does."""


def spoken(n: int, line: bool = False) -> Iterator[tuple[str, str]]:
    """n class names, each with an answer about it."""
    rng = random.Random(1)
    for _ in range(n):
        name = rng.choice(NAMES)
        said = name if rng.random() < 0.67 else rng.choice(NAMES)
        end = f"\nAnswer: {said}" if line else ""
        yield name, rng.choice(FRAMES).format(said) + end


def measure_classes(n: int) -> None:
    """Class answers per second of one core, with and without a final line."""
    labels = {name: ClassLabel(name=name) for name in NAMES}
    params = load_params(PARAMS).verify
    for line in (True, False):
        work = [Case(t, "What happens?", (labels[name],)) for name, t in spoken(n, line)]
        known = known_of(((case.group, case.labels) for case in work), params, ROOT)
        judge_all(work[:CHUNK], params, known)
        # Time of this process on its core, so that other work on the machine does not count.
        begun, passed = time.process_time(), 0
        for start in range(0, n, CHUNK):
            judged = judge_all(work[start : start + CHUNK], params, known)
            passed += sum(one.passed for one in judged)
        seconds = time.process_time() - begun
        how, bar = ("with", ">= 20000") if line else ("without", ">= 5000")
        detail = f"{passed:,} of {n:,} passed; processor time of one core"
        tell(f"class answers {how} a final line", n / seconds, "per s", bar, detail)


def measure_texts(n: int) -> None:
    """Text answers per second, the model loaded."""
    work = [
        Case(text, "What happens?", (TextLabel(text=f"Someone is {name}."),))
        for name, text in spoken(n)
    ]
    params = load_params(PARAMS).verify
    known = known_of(((case.group, case.labels) for case in work), params, ROOT)
    judge_all(work[:1], params, known)
    begun, passed = time.perf_counter(), 0
    for start in range(0, n, CHUNK):
        passed += sum(j.passed for j in judge_all(work[start : start + CHUNK], params, known))
    seconds = time.perf_counter() - begun
    detail = f"{passed:,} of {n:,} passed, with the embedding model"
    tell("text answers", n / seconds, "per s", "", detail)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=100_000, help="class answers; 0 for none")
    parser.add_argument("--texts", type=int, default=2_000, help="text answers; 0 for none")
    arguments = parser.parse_args()
    if arguments.answers:
        measure_classes(arguments.answers)
    if arguments.texts:
        measure_texts(arguments.texts)


if __name__ == "__main__":
    main()
