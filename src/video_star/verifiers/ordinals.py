"""Ordinals that count seconds: "the twelfth second", "the 12th second"."""

from __future__ import annotations

from collections.abc import Sequence

from video_star.verifiers.tokens import DASHES, Token, word_at

_DECADES = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
TENS = {word: 10.0 * value for value, word in enumerate(_DECADES, start=2)}
_NAMES = (
    *("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
    *("eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth"),
    *("eighteenth", "nineteenth"),
)
_ORDINALS = {
    **{word: float(value) for value, word in enumerate(_NAMES, start=2)},
    **{f"{word[:-1]}ieth": value for word, value in TENS.items()},
}
ORDINAL_ENDINGS = ("st", "nd", "rd", "th")
_SECONDS = ("second", "sec", "seconds")
_BETWEEN = frozenset({"and", "to", "until", "through", "or", "the", "about"}) | DASHES
_NEAR = 4
"""Tokens that may stand between two ordinals that share their "second"."""


def ordinal_at(tokens: Sequence[Token], i: int) -> tuple[float, int]:
    """ "the twelfth second", "between the fifth and the ninth second"; other ordinals are none.

    "The first second" is a stretch rather than an instant, so that it is left as it is.
    """
    value, used = _ordinal_word(tokens, i)
    if not used:
        return 0.0, 0
    j = i + used
    while j < i + used + _NEAR and j < len(tokens):
        if word_at(tokens, j) in _SECONDS:
            return value, used
        _, more = _ordinal_word(tokens, j)
        if not more and word_at(tokens, j) not in _BETWEEN:
            break
        if more:
            ends = word_at(tokens, j + more) in _SECONDS
            return (value, used) if ends and j > i + used else (0.0, 0)
        j += 1
    return 0.0, 0


def _ordinal_word(tokens: Sequence[Token], i: int) -> tuple[float, int]:
    word = word_at(tokens, i)
    if word in _ORDINALS:
        return _ORDINALS[word], 1
    if word not in TENS:
        return 0.0, 0
    hyphen = word_at(tokens, i + 1) in DASHES
    ones = _ORDINALS.get(word_at(tokens, i + 1 + hyphen), 0.0)
    if word_at(tokens, i + 1 + hyphen) == "first":
        ones = 1.0
    # "twenty second mark" is 20 s, "twenty-second second" is the 22nd one.
    return (TENS[word] + ones, 2 + hyphen) if 0 < ones < 10 else (0.0, 0)


def is_of_seconds(tokens: Sequence[Token], i: int) -> bool:
    """Whether an ordinal counts seconds: "the 14th (and the 23rd) second"."""
    for j in range(i + 1, min(i + 7, len(tokens))):
        if tokens[j].text in ("second", "sec"):
            return True
        known = tokens[j].kind == "number" or tokens[j].text in (*ORDINAL_ENDINGS, "mark")
        if not known and tokens[j].text not in ("and", "to", "the", "until", "about", "-"):
            return False
    return False
