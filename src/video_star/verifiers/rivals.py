"""Other classes that an answer names beside the one that it is judged for."""

from __future__ import annotations

from collections.abc import Sequence

from video_star.verifiers.text import Reading, content_words, word_set, words_of
from video_star.verifiers.unreal import is_unreal
from video_star.verifiers.wanted import Phrase

Rivals = list[tuple[Phrase, frozenset[int]]]
"""Each mention of another class: its words, and their places."""

_AROUND = word_set("after before while when following once during until besides apart preceding")
"""A question with one of these asks for what is around the class that it names, not for it."""
_WITH = word_set("while as whereas with and")
"""Words before a clause about somebody else."""
_OTHERS = word_set("another other others someone somebody people spectators bystanders")
_SUBJECTS = _OTHERS | word_set("a an the his her their some two three several many")
"""First words of a subject that is no pronoun."""
_PRONOUNS = word_set("he she they it i we you who")
_REACH = 8
"""Words between the start of such a clause and the class at most."""


def inside_longer(phrases: Sequence[Phrase], named: Rivals) -> frozenset[int]:
    """Words that belong to another class whose name holds all of this name's words and more."""
    taken: set[int] = set()
    for phrase, places in named:
        if any(set(phrase) > set(mine) for mine in phrases):
            taken |= places
    return frozenset(taken)


def rivals_of(covered: Sequence[Phrase], named: Rivals) -> Rivals:
    """Mentions of other classes whose names are no part of the sample's."""
    own = [set(phrase) for phrase in covered]
    return [rival for rival in named if not any(set(rival[0]) <= words for words in own)]


def beyond_question(rivals: Rivals, phrases: Sequence[Phrase], question: str) -> Rivals:
    """The rivals without the classes that the question is around ("after riding a horse?").

    A question that names the label's class too lists the classes to choose from.
    """
    if not rivals:
        return rivals
    asked = set(words_of(question))
    if _AROUND.isdisjoint(asked) or any(asked.issuperset(phrase) for phrase in phrases):
        return rivals
    return [rival for rival in rivals if not asked.issuperset(rival[0])]


def on_a_par(rivals: Rivals, own: Sequence[int], reading: Reading, question: str) -> Rivals:
    """The rivals without those that are only written or wanted, or that somebody else does.

    `own` are the places of the class itself; "while the crowd is applauding" is no other answer
    to what the juggler does, unless the question asks about the crowd.
    """
    if not rivals or not own:
        return rivals
    asked = frozenset(content_words(question))
    return [
        rival
        for rival in rivals
        if not is_unreal(reading, min(rival[1]), max(rival[1]))
        and not _is_aside(reading, min(rival[1]), own, asked)
    ]


def _is_aside(reading: Reading, first: int, own: Sequence[int], asked: frozenset[str]) -> bool:
    """Whether a class is told of somebody else, in a clause or a sentence that starts so."""
    words = reading.words
    for i in range(first - 1, max(-1, first - 1 - _REACH), -1):
        opens = i == 0 or reading.sentences[i - 1] != reading.sentences[i]
        if words[i] in _PRONOUNS or reading.sentences[i] != reading.sentences[first]:
            return False
        other = words[i] in _OTHERS if opens else words[i] in _SUBJECTS and words[i - 1] in _WITH
        if other:
            apart = own[-1] < i or _is_after_comma(reading, first, own[0])
            return apart and asked.isdisjoint(words[i:first])
    return False


def _is_after_comma(reading: Reading, first: int, own: int) -> bool:
    """Whether the class itself comes behind a clause: "while people are clapping, a girl ..."."""
    begin = next((i for i in range(first, 0, -1) if reading.mark(i) and i < first), 0)
    opens = reading.words[begin] in ("while", "as")
    return opens and first < own and any("," in reading.mark(i) for i in range(first, own))
