"""Leak guard: what only repeats the prompt is no answer, and no explanation of a told label."""

from __future__ import annotations

from collections.abc import Sequence

from video_star import prompts
from video_star.labels import Label, label_text
from video_star.verifiers.text import STOP_WORDS, word_set, words_of

OWN_WORDS = 2
"""Content words of its own that an explanation needs at least."""
_NAMING = word_set(
    "action activity video clip answer label called named name shows shown show showing seen "
    "see happening happens performed performing person people here therefore thus because"
)
"""Words that frame an answer and explain nothing."""


def copies_prompt(question: str, text: str) -> bool:
    """Whether an answer is the question again (and perhaps the request to explain) and no more."""
    if len(text) < len(question):
        return False
    said, asked = " ".join(text.casefold().split()), " ".join(question.casefold().split())
    if not asked or asked not in said:
        return False
    rest = said.replace(asked, " ").replace(prompts.EXPLAIN.casefold(), " ")
    return not words_of(rest)


def hint_in(labels: Sequence[Label], text: str) -> bool:
    """Whether the told label stands in a text as it was told."""
    hint = " ".join(label_text(labels).casefold().split())
    return hint in " ".join(text.casefold().split())


def is_echo(question: str, labels: Sequence[Label], text: str) -> bool:
    """Whether a rationalized answer says nothing beyond the question, the label and a frame."""
    told = set(words_of(prompts.with_label(question, label_text(labels))))
    own = {word for word in words_of(text) if word not in STOP_WORDS and word not in _NAMING}
    return len(own - told) < OWN_WORDS
