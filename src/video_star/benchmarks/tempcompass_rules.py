"""TempCompass marks: the official word-matching rules, without the judge model.

Source: llyx97/TempCompass, eval_multi-choice.py, eval_yes_no.py, eval_caption_matching.py (August
2024). Case-sensitive where the official rules are. An answer that no rule recognises is rated 0
and counted as not matched, as the official `--disable_llm` does. Captioning has no official rule
(a judge reads the caption); `caption_choice` is ours: the caption decides for an option of the
first multi-choice question of the same video and aspect when that option's text alone stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Task = Literal["multi-choice", "yes_no", "caption_matching", "captioning"]
TASKS: tuple[Task, ...] = ("multi-choice", "yes_no", "caption_matching", "captioning")

_LETTERS = ("A", "B", "C", "D")
_CAPTION_NAMES = re.compile(r"Sentence |Option |Caption ")


@dataclass(frozen=True)
class Match:
    """What the rules say: rating 0 or 1 (None: no rating without a judge), and if a rule applied."""

    rating: int | None
    matched: bool


UNMATCHED = Match(0, False)
UNRATED = Match(None, False)


def clean(prediction: str) -> str:
    """The prediction as the official scorer reads it."""
    return prediction.replace("</s>", "").strip()


def option_lines(question: str) -> list[str]:
    """The option lines of a multi-choice or caption-matching question."""
    return question.split("\n")[1:]


def match_multi_choice(prediction: str, answer: str) -> Match:
    """`answer` is a full option line, such as "C. dunking"."""
    if prediction == answer:
        return Match(1, True)
    if prediction in _LETTERS:
        return Match(int(prediction == answer[0]), True)
    for mark in (".", ")"):
        if prediction.startswith(tuple(letter + mark for letter in _LETTERS)):
            return Match(int(prediction.split(mark)[0] == answer[0]), True)
    return UNMATCHED


def match_yes_no(prediction: str, answer: str) -> Match:
    """`answer` is "yes" or "no"; the prediction's first letters decide ("not sure" counts as no)."""
    for word in ("yes", "no"):
        if prediction.lower().startswith(word):
            return Match(int(word == answer), True)
    return UNMATCHED


def match_caption(prediction: str, question: str, answer: str) -> Match:
    """`answer` is a full option line, such as "Sentence A: A man is dunking."

    A later test overrides an earlier one: full line, sentence (also after ") "), name or bare
    letter or digit (also with full stops deleted).
    """
    lines = option_lines(question)
    names = [line.split(": ")[0] for line in lines]
    names += [_CAPTION_NAMES.sub("", name) for name in names]
    bare = prediction.replace(".", "")
    chosen: str | None = prediction if prediction in lines else None
    for sentence in (line.split(": ")[1] for line in lines):
        if sentence == prediction or sentence in prediction.split(") ")[1:2]:
            chosen = sentence
    for name in names:
        if name in (prediction, bare):
            chosen = name
    if chosen is None:
        return UNMATCHED
    name = answer.split(": ")[0]
    right = (answer, answer.split(":")[0], answer.split(": ")[1], name.split()[1])
    return Match(int(chosen in right), True)


def caption_choice(caption: str, options: Sequence[str]) -> int | None:
    """Index of the one option whose text stands in the caption; None for none or several.

    Whole words, upper and lower case alike. A longer option hides a shorter one inside of it, so
    "moving left and then growing" does not also name "moving left".
    """
    rest = " ".join(caption.casefold().split())
    found: set[int] = set()
    for index in sorted(range(len(options)), key=lambda i: -len(options[i])):
        text = " ".join(options[index].casefold().split()).rstrip(".")
        rest, times = re.subn(rf"(?<!\w){re.escape(text)}(?!\w)", "\n", rest)
        if times:
            found.add(index)
    return found.pop() if len(found) == 1 else None


def match_captioning(prediction: str, choice_question: str, choice_answer: str) -> Match:
    """`choice_*` are the first multi-choice question of the same video and aspect."""
    lines = option_lines(choice_question)
    index = caption_choice(prediction, [line.split(". ", 1)[-1] for line in lines])
    if index is None:
        return UNRATED
    return Match(int(lines[index] == choice_answer), True)
