"""Leak guard: what only repeats the prompt is no answer, and no explanation of the hint."""

from __future__ import annotations

from collections.abc import Sequence

from video_star.core import prompts
from video_star.core.labels import Label, label_text
from video_star.core.labels.words import content, key_of

OWN_WORDS = 2
"""Content words of its own that an explanation needs at least, besides those of the prompt."""
_PROMPT = (
    *(prompts.EXPLAIN, *prompts.CLASS_QUESTIONS),
    *(*prompts.LABEL_ANSWERS, *prompts.VALUE_ANSWERS, *prompts.FORMS.values()),
)


def copies_prompt(question: str, labels: Sequence[Label], text: str) -> bool:
    """Whether an answer is the question again (and perhaps what prompts add) and no more."""
    first = question.split(None, 1)[:1]
    if len(text) < len(question) or not first or first[0].casefold() not in text.casefold():
        return False  # at once for most answers
    asked, said = key_of(question), key_of(text)
    if not asked or asked not in said:
        return False
    rest = said.replace(asked, " ")
    for added in (prompts.EXPLAIN, prompts.final_line_request(labels)):
        rest = rest.replace(key_of(added), " ")
    return not rest.strip()


def hint_in(labels: Sequence[Label], text: str) -> bool:
    """Whether a text holds the label as the hint gives it."""
    return key_of(label_text(labels)) in key_of(text)


def is_echo(question: str, labels: Sequence[Label], text: str) -> bool:
    """Whether a rationalized answer says nothing beyond the prompt, the label and phrases that
    the prompts are made of."""
    request = prompts.final_line_request(labels)
    prompt = prompts.with_label(question, label_text(labels), request)
    known = content(" ".join([prompt, prompts.final_line(labels), *_PROMPT]))
    return len({*content(text)} - {*known}) < OWN_WORDS
