"""The least that a verifier can be: what the others of `real_answers.py` are measured against."""

from __future__ import annotations

import re
from typing import Any

WORD = re.compile(r"[a-z0-9]+")
STOP = set(WORD.findall("a an the of to in on at is are was were be and or with by for from it"))
FINAL = re.compile(r"(?:answer|option|choice)(?: is|:)\s*(.+)|<answer>(.+?)</answer>", re.I | re.S)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)")
NUMERALS = WORD.findall("zero one two three four five six seven eight nine ten eleven twelve")


def passes(label: dict[str, Any], answer: str) -> bool:
    """Whether an answer gives a label, by one rule for each kind."""
    found = [one or two for one, two in FINAL.findall(answer)]
    said = (found[-1] if found else answer).strip().strip("*`\"' ")
    return RULES[label["kind"]](label, said)


def stems(text: str) -> set[str]:
    return {word[:5] for word in WORD.findall(text.lower()) if word not in STOP}


def choice(label: dict[str, Any], said: str) -> bool:
    letter = re.match(r"\(?([A-Z])\b[).:]?(?!\s[a-z])", said)
    if letter:
        return ord(letter[1]) - ord("A") == label["answer"]
    wanted = label["options"][label["answer"]].lower()
    begins = [o.lower() for o in label["options"] if re.match(rf"{re.escape(o)}\b", said, re.I)]
    if begins:
        return max(begins, key=len) == wanted
    inside = [o.lower() for o in label["options"] if re.search(rf"\b{re.escape(o)}\b", said, re.I)]
    return bool(inside) and all(other in wanted for other in inside)


def score(label: dict[str, Any], said: str) -> bool:
    words = {name: str(value) for value, name in enumerate(NUMERALS)}
    figures = WORD.sub(lambda word: words.get(word[0], word[0]), said.lower()).replace(",", "")
    numbers = NUMBER.findall(figures)
    return bool(numbers) and abs(float(numbers[-1]) - label["value"]) <= 0.05 * abs(label["value"])


def span(label: dict[str, Any], said: str) -> bool:
    seconds = CLOCK.sub(lambda t: str(3600 * int(t[1] or 0) + 60 * int(t[2]) + float(t[3])), said)
    start, end = [0.0, 0.0, *(float(n) for n in NUMBER.findall(seconds))][-2:]
    both = min(end, label["end"]) - max(start, label["start"])
    return both > 0 and both >= 0.5 * (max(end, label["end"]) - min(start, label["start"]))


RULES = {
    "choice": choice, "score": score, "span": span,
    "class": lambda label, said: any(
        stems(name) <= stems(said) for name in (label["name"], *label["synonyms"])
    ),
    "text": lambda label, said: 2 * len(stems(label["text"]) & stems(said))
    >= len(stems(label["text"])),
}  # fmt: skip
