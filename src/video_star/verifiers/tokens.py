"""Tokens of an answer, and walking over them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from video_star.verifiers.wording import word_set

DASHES = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2212~")
SILENT = frozenset("*\"'`$\u201c\u201d")
"""Marks of quoting and markdown; they mean nothing here."""

UNITS: dict[str, float] = {
    **dict.fromkeys(["s", "sec", "secs", "second", "seconds"], 1.0),
    **dict.fromkeys(["min", "mins", "minute", "minutes"], 60.0),
    **dict.fromkeys(["h", "hr", "hrs", "hour", "hours"], 3600.0),
    **dict.fromkeys(["ms", "millisecond", "milliseconds"], 0.001),
}
"""Words for units of time, in seconds."""
APPROXIMATE = word_set(
    "about around roughly approximately approx circa ca nearly almost just exactly precisely "
    "approximate the very its maybe perhaps probably possibly somewhere some slightly a bit little"
) | {"~", "\u2248", "@"}
"""Words before a quantity that leave its value as it is."""
_TAG = re.compile(r"<(/?)([A-Za-z_]{1,20})>")
_LEAST_TAG = 3
"""Letters of a tag that says what it holds: "<time>", but not "<b>"."""
_MINUTE = re.compile(r"\bminutes?[ ](?=\d+:\d)", re.IGNORECASE)
"""Of "minute 5:30"."""
_ABBREVIATED = re.compile(r"\b((?i:approx|ca|secs?|mins?))\.(?=\s*[a-z0-9(])")
Kind = Literal["number", "clock", "word", "mark"]


@dataclass(frozen=True)
class Token:
    """A word, a mark or a number at its place in the folded text."""

    kind: Kind
    text: str
    start: int
    end: int
    value: float = 0.0
    """Of a number; seconds for a clock time."""
    decimal: bool = False
    """Written with a decimal point."""
    spelled: bool = False
    """Written in words."""


def plain(text: str) -> str:
    """The text without tags, the points of abbreviations, "minute" before a clock; places stay.

    The name of an opening tag is a word of the answer, a closing one says nothing.
    """
    untagged = _ABBREVIATED.sub(r"\1 ", _TAG.sub(_untagged, text))
    return _MINUTE.sub(lambda said: " " * len(said[0]), untagged)


def _untagged(tag: re.Match[str]) -> str:
    name = "" if tag[1] or len(tag[2]) < _LEAST_TAG else tag[2]
    return f" {name} ".ljust(len(tag[0]))


def word_at(tokens: Sequence[Token], i: int) -> str:
    """Text of a token, "" outside of the answer."""
    return tokens[i].text if 0 <= i < len(tokens) else ""


def skip_silent(tokens: Sequence[Token], i: int, step: int = 1) -> int:
    """The nearest index from `i` on that is no mark of quoting."""
    while 0 <= i < len(tokens) and tokens[i].text in SILENT:
        i += step
    return i


def skip_approximate(tokens: Sequence[Token], i: int, step: int = 1) -> int:
    """The nearest index from `i` on that is neither quoting nor "about", "the" and the like."""
    while 0 <= i < len(tokens) and (tokens[i].text in SILENT or tokens[i].text in APPROXIMATE):
        i += step
    return i
