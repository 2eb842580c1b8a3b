"""Words that mean nothing, for lessons in which a told label has to be repeated.

They stand for the labels that a user will bring: one to three words, of syllables or of any
letters, without an end to their variety. None of them is a name of the world.
"""

from __future__ import annotations

import random
from typing import Final

from video_star_demo.world import ACTIONS

_PAIRS: Final = ("ch", "sh", "th", "tr", "pl", "st", "sk", "br", "gr", "cl")
_ONSETS: Final = (*"bcdfghjklmnprstvwz", *_PAIRS)
_VOWELS: Final = (*"aeiouaeio", "ai", "ee", "oo", "ou")
_CODAS: Final = ("", "", "", "n", "r", "l", "s", "t", "m", "ck", "nd", "st")
_ENDS: Final = ("", "", "ing", "ing", "ing", "er", "ed", "ball", " up")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_FORBIDDEN: Final = {word for action in ACTIONS for word in action.name.split()}


def _syllables(rng: random.Random) -> str:
    parts = [
        rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS)
        for _ in range(rng.choice((1, 1, 2, 2, 3)))
    ]
    return "".join(parts) + rng.choice(_ENDS)


def _letters(rng: random.Random) -> str:
    return "".join(rng.choices(_LETTERS, k=rng.randint(3, 8)))


def word(rng: random.Random) -> str:
    """One word that is no name of the world."""
    while True:
        made = _syllables(rng) if rng.random() < 0.7 else _letters(rng)
        if not _FORBIDDEN & set(made.split()):
            return made


def label(rng: random.Random) -> str:
    """A made-up label of one to three words."""
    return " ".join(word(rng) for _ in range(rng.choice((1, 1, 1, 2, 2, 3))))


def text(rng: random.Random) -> str:
    """A line of anything: words, capitals, digits and signs, so that every token is trained."""
    parts = []
    for _ in range(rng.randint(2, 6)):
        kind = rng.random()
        if kind < 0.5:
            parts.append(word(rng))
        elif kind < 0.65:
            parts.append(word(rng).capitalize())
        elif kind < 0.8:
            parts.append(str(rng.randint(0, 999)))
        elif kind < 0.9:
            parts.append("".join(rng.choices(".,:;!?'\"()[]{}<>/&%+-=*_#@", k=rng.randint(1, 3))))
        else:
            parts.append(chr(rng.randint(0xA1, 0x24F)) + chr(rng.randint(0x370, 0x4FF)))
    return " ".join(parts)
