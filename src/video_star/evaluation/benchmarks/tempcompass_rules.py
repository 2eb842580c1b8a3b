"""TempCompass ratings: the official word-matching rules, without the judge model.

Source: llyx97/TempCompass, eval_multi-choice.py, eval_yes_no.py, eval_caption_matching.py (August
2024). Case-sensitive where the official rules are. An answer that no rule recognises is rated 0
and counted as not matched, as the official `--disable_llm` does. Captioning has no official rule
(a judge reads the caption); `match_captioning` is ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from video_star.evaluation.benchmarks.answer_text import bare

Task = Literal["multi-choice", "yes_no", "caption_matching", "captioning"]
TASKS: tuple[Task, ...] = ("multi-choice", "yes_no", "caption_matching", "captioning")

_LETTERS = ("A", "B", "C", "D")
_OPTION_LINE = re.compile(r"\s*[A-Z]\.\s*(.+)")
_INFORMATION = re.compile(
    r"""^Information ([A-Z]): \{.*'(?!subject')\w+': (?:'(.+)'|"(.+)")\}$""", re.MULTILINE
)
"""Letter and last value of a line such as: Information A: {'subject': 'man', 'order': 'x'}"""
_CAPTION_NAMES = re.compile(r"Sentence |Option |Caption ")


@dataclass(frozen=True)
class Match:
    """Rating 0 or 1 by the rules (None: only a judge could rate it), and whether a rule applied."""

    rating: int | None
    matched: bool


UNMATCHED = Match(0, False)
UNRATED = Match(None, False)


def clean(prediction: str) -> str:
    """The prediction as the official scorer reads it, which takes off </s>: without any token."""
    return bare(prediction)


def option_lines(question: str) -> list[str]:
    """The option lines of a multi-choice or caption-matching question."""
    return question.split("\n")[1:]


def option_text(line: str) -> str | None:
    """The text of a multi-choice option line, None when it is none.

    Three lines of the official file have a blank before the letter or none after its full stop.
    """
    found = _OPTION_LINE.fullmatch(line)
    return found[1] if found else None


def match_multi_choice(prediction: str, answer: str) -> Match:
    """`answer` is a full option line, such as "C. dunking"."""
    if prediction == answer:
        return Match(1, True)
    if prediction in _LETTERS:
        return Match(int(prediction == answer[0]), True)
    for end in (".", ")"):
        if prediction.startswith(tuple(letter + end for letter in _LETTERS)):
            return Match(int(prediction.split(end)[0] == answer[0]), True)
    return UNMATCHED


def match_yes_no(prediction: str, answer: str) -> Match:
    """`answer` is "yes" or "no"; the first letters decide ("not sure" counts as no)."""
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


def match_captioning(
    prediction: str, question: str, answer: str, choice_question: str, choice_answer: str
) -> Match:
    """Which option a caption decides for; `choice_*` are the first multi-choice question about it.

    The rule is ours. As the official judge is asked to, it reads the caption as an answer to the
    first multi-choice question of the same video and aspect: the one option whose text stands in
    the caption. A caption that names none of these may name one of the pieces of information of its
    own `question` (with `answer`). Naming nothing, or several, is left unrated.
    """
    lines = option_lines(choice_question)
    named = _named_options(prediction, [option_text(line) or line for line in lines])
    if len(named) == 1:
        return Match(int(lines[named.pop()] == choice_answer), True)
    if named:
        return UNRATED
    informed = _INFORMATION.findall(question)
    named = _named_options(prediction, [single or double for _, single, double in informed])
    if len(named) == 1:
        return Match(int(informed[named.pop()][0] == answer[0]), True)
    return UNRATED


def _named_options(text: str, options: Sequence[str]) -> set[int]:
    """Indices of the options whose text is in `text`, in whole words, whatever the case.

    A longer option hides a shorter one inside of it, so "moving left and then growing" does not
    also name "moving left".
    """
    rest, found = _plain(text), set()
    for index in sorted(range(len(options)), key=lambda i: -len(options[i])):
        option = re.escape(_plain(options[index]).rstrip("."))
        rest, times = re.subn(rf"(?<!\w){option}(?!\w)", "\n", rest)
        if times:
            found.add(index)
    return found


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
