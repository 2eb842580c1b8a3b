"""Values of foreign files as messages show them: short, whatever they hold."""

from __future__ import annotations

import reprlib

LENGTH = 80
"""Characters of a value; enough to find it in its file."""


def _short() -> reprlib.Repr:
    short = reprlib.Repr()
    short.maxlevel, short.maxstring, short.maxlong, short.maxother = 3, LENGTH, LENGTH, LENGTH
    short.maxlist = short.maxtuple = short.maxdict = short.maxset = short.maxfrozenset = 4
    return short


_SHORT = _short()


def excerpt(value: object) -> str:
    """`repr` of a value, of long ones the beginning; what is nested is not followed far."""
    try:
        return cut(_SHORT.repr(value))
    except (ValueError, RecursionError):  # an integer of thousands of digits has no repr
        return f"a value of type {type(value).__name__}"


def cut(text: str, length: int = LENGTH) -> str:
    """The text, of a longer one the beginning."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def visible(text: str) -> str:
    """A foreign text for a terminal: what is not printable (escape sequences, marks that turn the
    direction of text) is written out, line breaks stay."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode()
        for sign in text.replace("\r\n", "\n").replace("\t", "    ")
    )
