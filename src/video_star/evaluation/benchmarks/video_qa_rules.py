"""Scores of open answers by rules of our own: no judge, no cost, the same everywhere.

- `exact`: the answer is the correct one, less case, punctuation, accents and articles.
- `contains`: the words of the correct answer are together in the answer, in any inflection, and
  are not denied, asked or only supposed, as the class verifier finds them. To "yes" and "no" the
  first word of an answer has to agree, as "no" occurs in many answers that mean "yes".

An answer is what a model says without its thoughts and special tokens.
Short answers of other words for the same thing are wrong by both; a judge takes them.
"""

from __future__ import annotations

from typing import Final

from video_star.core.labels.mention import mention, name_of
from video_star.core.labels.words import Said, all_words
from video_star.evaluation.benchmarks.answer_text import bare

_ARTICLES: Final = frozenset({"a", "an", "the"})
_POLAR: Final = ("yes", "no")


def exact(answer: str, text: str) -> bool:
    """Whether an answer is the correct one, word for word."""
    return _words(answer) == _words(bare(text))


def contains(answer: str, text: str) -> tuple[bool, str]:
    """Whether an answer holds the correct one, undenied, and the reason in a word or two."""
    words, text = _words(answer), bare(text)
    if len(words) == 1 and words[0] in _POLAR:
        first = all_words(text)[:1]
        return (True, "match") if first == words else (False, "no match")
    found = mention(name_of(answer).words, Said(text))
    against = "no match" if found is None else found.against
    return not against, against or "match"


def _words(text: str) -> tuple[str, ...]:
    """Folded words without articles; all words where there is nothing else."""
    words = all_words(text)
    return tuple(word for word in words if word not in _ARTICLES) or words
