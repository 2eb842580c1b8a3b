"""How many class answers a core verifies per second: `python benchmarks/verification.py`.

Answers are made from sentence frames around class names of a Kinetics-like list of 700 names, a
third of them naming another class, some denied, some hedged. Prints answers per second per core.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from itertools import product
from pathlib import Path

from video_star.labels import ClassLabel
from video_star.params import load_params
from video_star.verifiers.classes import ClassIndex, verify_class

ONSETS = ("bal", "cor", "dru", "fen", "gui", "hor", "kay", "lam", "pum", "tab")
ENDS = ("l", "mer", "kin", "tar", "se", "net", "pin")
PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"
VERBS = (
    *("riding", "cutting", "washing", "throwing", "catching"),
    *("folding", "painting", "drawing", "pulling", "pushing"),
)
THINGS = tuple(f"{a}{b}" for a, b in product(ONSETS, ENDS))
FRAMES = (
    "First the person stands still. Then something moves. This is {}.",
    "The video shows {}, because the hands go up and down in the same place.",
    "It is not {}.",
    "I think that someone is {} or doing something else, but it is hard to see.",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=100_000)
    n = parser.parse_args().answers
    rng = random.Random(1)
    names = [f"{verb} {thing}" for verb, thing in product(VERBS, THINGS)][:700]
    labels = [ClassLabel(name=name) for name in names]
    index = ClassIndex.of(labels)
    params = load_params(PARAMS).verify
    work = []
    for _ in range(n):
        label = rng.choice(labels)
        said = label.name if rng.random() < 0.67 else rng.choice(names)
        work.append((label, rng.choice(FRAMES).format(said)))
    # Time of this process on its core, so that other work on the machine does not count.
    begun = time.process_time()
    passed = sum(verify_class(label, text, [label], params, index).passed for label, text in work)
    seconds = time.process_time() - begun
    sys.stdout.write(f"{n} answers, {passed} passed, {n / seconds:,.0f} answers per second\n")


if __name__ == "__main__":
    main()
