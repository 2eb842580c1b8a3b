"""Cells of foreign tables: the numbers, times, texts and lists that a label is made of."""

from __future__ import annotations

import ast
import json
import re
import tokenize
from collections.abc import Mapping
from decimal import Decimal
from io import StringIO
from itertools import pairwise
from typing import Any

from video_star.core.errors import VideoStarError
from video_star.core.excerpt import excerpt

_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):([0-5]?\d(?:[.,]\d*)?)", re.ASCII)
_WRITTEN = 1 << 18
"""Characters of a list in Python's form, whose parser takes hundreds of bytes for each."""
_LIST = re.compile(r"\[\s*(?:['\"].*['\"]|[\d\s.,-]*)\s*\]")
"""A list of texts or numbers in JSON, Python or numpy; but names may have brackets: "[part]"."""


class RowError(VideoStarError):
    """One row cannot be used; becomes a counted Failure named after the subclass."""


class EmptyLabel(RowError):
    """The row has no label, or the file has no label column."""


class BadRow(RowError):
    """A field of the row is missing or not what it should be."""


def number(value: object, name: str) -> float:
    """A finite number from a field, or BadRow."""
    try:
        result = float(str(value))
    except ValueError:
        raise BadRow(f"{name} is {excerpt(value)}, not a number; correct the row.") from None
    if not abs(result) < float("inf"):
        raise BadRow(f"{name} is {excerpt(value)}; it must be finite.")
    return result


def seconds(value: object, name: str) -> float:
    """A time from a field in seconds: a number, or a text as h:mm:ss.ff or mm:ss; BadRow."""
    clock = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if clock is None:
        return number(value, name)
    hours, minutes, rest = clock.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(rest.replace(",", "."))


def written_list(text: str, name: str) -> Any:
    """A list that is written out, as JSON or as Python writes it; BadRow for anything else."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if len(text) > _WRITTEN:
        raise BadRow(f"{name} has {len(text)} characters; write a list of that length as JSON.")
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise BadRow(
            f"{name} is {excerpt(text)}, which is not a list; write it as JSON."
        ) from error
    tokens = tokenize.generate_tokens(StringIO(text).readline)
    kinds = [token.type for token in tokens if token.type not in (tokenize.NL, tokenize.NEWLINE)]
    if (tokenize.STRING, tokenize.STRING) in pairwise(kinds):
        # Python would make one text of the two, which are two in the array that numpy printed.
        raise BadRow(f"{name} is {excerpt(text)}, without commas; write it as JSON.")
    return value


def texts(value: object, name: str) -> tuple[str, ...]:
    """The texts of a list: a list, a text that holds one (JSON or Python), or separated by ";"."""
    if isinstance(value, str):
        text = value.strip()
        value = written_list(text, name) if text.startswith("[") else text.split(";")
    if not isinstance(value, list | tuple):
        raise BadRow(f"{name} is {excerpt(value)}; write a list, or texts separated by ';'.")
    return tuple(text for text in (one_line(part, name) for part in value) if text)


def one_line(value: object, name: str) -> str:
    """A text or a number as one line; BadRow for what is neither."""
    if not isinstance(value, str | int | float | Decimal | None):
        raise BadRow(f"{name} is {excerpt(value)}, not a text; correct the row.")
    return "" if value is None else " ".join(str(value).split())


def one_text(value: object) -> str:
    """The text of a label; BadRow for a list of them, also one that is written out."""
    text = one_line(value, "label")
    if _LIST.fullmatch(text):
        raise BadRow(f"label is {excerpt(text)}, a list; give one name, or set `kind: set`.")
    return text


def length_of(row: Mapping[str, Any], at: float, name: str) -> float:
    """Length of the clip; BadRow where the label lies behind it."""
    length = seconds(row["duration"], "duration")
    if at > length:
        raise BadRow(f"{name} is {at:g} s, but the clip ends after {length:.4g} s.")
    return length
