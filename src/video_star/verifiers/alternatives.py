"""Whether an answer leaves open what it says: further possibilities, and denials of the event."""

from __future__ import annotations

from collections.abc import Mapping

from video_star.verifiers import standing_words as say
from video_star.verifiers.inflection import stem
from video_star.verifiers.standing import Mention, T, View


def is_alternative(view: View, mention: Mention[T], asked: Mapping[str, float]) -> bool:
    """Whether its clause only says that it may be this one, too ("8 s is also possible")."""
    words = [view.words[i] for i in view.clause(mention) if i not in view.holders]
    rest = [w for w in words if w not in say.FRAME | say.POSSIBLE and stem(w) not in asked]
    return not say.POSSIBLE.isdisjoint(words) and not rest


def is_half_of_a_choice(view: View, mention: Mention[T]) -> bool:
    """Whether "either ... or" offers something else beside it."""
    sentence = view.sentences[view.first(mention)]
    words = [w for w, n in zip(view.words, view.sentences, strict=True) if n == sentence]
    return "either" in words and "or" in words


def denies(view: View, asked: Mapping[str, float]) -> bool:
    """Whether it says anywhere that what was asked about does not happen."""
    for i, word in enumerate(view.words):
        if word not in say.DENYING and not word.endswith("n't"):
            continue
        for j in range(i + 1, min(i + 6, len(view.words))):
            if view.sentences[j] != view.sentences[i] or j in view.holders:
                break
            if asked.get(stem(view.words[j])) == 1:
                return True
    return False
