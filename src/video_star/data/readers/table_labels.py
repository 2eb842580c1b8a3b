"""Labels of every kind from the columns of a row, and which columns each kind has.

    kind        needed                    optional
    class       label                     synonyms
    sequence    label
    set         label
    span        label_start, label_end    event, duration
    time        label_at                  event, duration
    score       label                     low, high, name
    box         label, or x1, y1, x2, y2  object, label_at
    text        label
    choice      options, answer
    same        label
    labels      labels, question

Lists (names, synonyms, options) are JSON lists or texts separated by ";". Times are seconds of the
clip. A box is "x1, y1, x2, y2" in fractions of width and height. `answer` is an option's text, its
letter, or its index from 0. `same` takes yes, true, 1, same, and their opposites. `labels` is a
JSON list of labels as they stand in the manifest.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping
from string import ascii_uppercase
from typing import Any

from pydantic import TypeAdapter, ValidationError

from video_star.core import labels
from video_star.core.labels import Label
from video_star.data.readers.base import BadRow, EmptyLabel, number

CORNERS = ("x1", "y1", "x2", "y2")
COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "class": (("label",), ("synonyms",)),
    "sequence": (("label",), ()),
    "set": (("label",), ()),
    "span": (("label_start", "label_end"), ("event", "duration")),
    "time": (("label_at",), ("event", "duration")),
    "score": (("label",), ("low", "high", "name")),
    "box": (("label",), (*CORNERS, "object", "label_at")),
    "text": (("label",), ()),
    "choice": (("options", "answer"), ()),
    "same": (("label",), ()),
    "labels": (("labels",), ()),
}
"""Kind to the columns that hold the label, and to the optional ones."""

ASKED_WITH = {"span": "event", "time": "event", "box": "object", "labels": None}
"""Kinds whose question needs this column, or a `question` of the row's own (None: only that)."""

_TRUE = frozenset({"yes", "true", "1", "same", "the same"})
_FALSE = frozenset({"no", "false", "0", "different", "not the same"})
_COMMA = re.compile(r"\s*[,;\s]\s*")
_MANY: TypeAdapter[list[Label]] = TypeAdapter(list[Label])


def labels_of(
    kind: str, row: Mapping[str, Any], duration: Callable[[], float]
) -> tuple[Label, ...]:
    """The labels of a row by our column names; empty values are absent from it.

    `duration` gives the length of the clip in seconds, for rows without a column for it. Raises
    EmptyLabel where the row has no label and BadRow where it cannot be understood.
    """
    needed = COLUMNS[kind][0]
    if kind == "box" and any(corner in row for corner in CORNERS):
        needed = CORNERS
    absent = [name for name in needed if name not in row]
    if len(absent) == len(needed):
        raise EmptyLabel(f"no {' and '.join(needed)} in the row; add one or take the row out.")
    if absent:
        raise BadRow(f"no {' and '.join(absent)} in the row; add it or take the row out.")
    try:
        made = _many(row) if kind == "labels" else (_label(kind, row, duration),)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or kind
        raise BadRow(f"{where}: {first['msg'].removeprefix('Value error, ')}.") from error
    if not made:
        raise EmptyLabel("the list of labels is empty; add one or take the row out.")
    return made


def _label(kind: str, row: Mapping[str, Any], duration: Callable[[], float]) -> Label:
    match kind:
        case "class":
            synonyms = texts(row.get("synonyms", ()), "synonyms")
            return labels.ClassLabel(name=_text(row["label"]), synonyms=synonyms)
        case "sequence" | "set":
            names = texts(row["label"], "label")
            if not names:
                raise EmptyLabel("label is an empty list; add names or take the row out.")
            of_names = labels.SequenceLabel if kind == "sequence" else labels.SetLabel
            return of_names(names=names)
        case "span":
            start, end = (number(row[name], name) for name in ("label_start", "label_end"))
            length = _length(row, duration, start, "label_start")
            # Annotated ends often lie a little behind the last frame; no answer can see beyond it.
            return labels.SpanLabel(start=start, end=min(end, length), duration=length)
        case "time":
            at = number(row["label_at"], "label_at")
            return labels.TimeLabel(at=at, duration=_length(row, duration, at, "label_at"))
        case "score":
            return _score(row)
        case "box":
            return _box(row)
        case "text":
            return labels.TextLabel(text=_text(row["label"]))
        case "choice":
            options = texts(row["options"], "options")
            if len({option.casefold() for option in options}) < len(options):
                raise BadRow("an option is there twice; correct the row.")
            return labels.ChoiceLabel(options=options, answer=_answer(row["answer"], options))
        case "same":
            text = _text(row["label"]).casefold().removesuffix(".0")
            if text not in _TRUE | _FALSE:
                raise BadRow(f"label is {row['label']!r}; write yes or no.")
            return labels.SameLabel(same=text in _TRUE)
    raise AssertionError(f"no label is made of a row of kind {kind}")


def texts(value: object, name: str) -> tuple[str, ...]:
    """The texts of a list: a list, a text that holds one (JSON or Python), or separated by ";"."""
    if isinstance(value, str):
        text = value.strip()
        value = _literal(text, name) if text.startswith("[") else text.split(";")
    if not isinstance(value, list | tuple):
        raise BadRow(f"{name} is {value!r}; write a list, or texts separated by ';'.")
    return tuple(text for text in (_text(part) for part in value) if text)


def _text(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())


def _literal(text: str, name: str) -> object:
    """A list that is written out; data frames write Python's form into CSV files."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise BadRow(f"{name} is {text[:80]!r}, which is not a list; write it as JSON.") from error


def _length(
    row: Mapping[str, Any], duration: Callable[[], float], seconds: float, name: str
) -> float:
    """Length of the clip; BadRow where the label lies behind it."""
    length = number(row["duration"], "duration") if "duration" in row else duration()
    if seconds > length:
        raise BadRow(f"{name} is {seconds:g} s, but the clip ends after {length:.4g} s.")
    return length


def _score(row: Mapping[str, Any]) -> Label:
    ends = {name: number(row[name], name) for name in ("low", "high") if name in row}
    named = {"name": _text(row["name"])} if "name" in row else {}
    value = number(row["label"], "label")
    low, high = ends.get("low", value), ends.get("high", value)
    if not low <= value <= high:
        raise BadRow(f"label is {value:g}, not between {low:g} and {high:g}; correct the row.")
    return labels.ScoreLabel.model_validate({"value": value, **ends, **named})


def _box(row: Mapping[str, Any]) -> Label:
    value = [row[name] for name in CORNERS] if "x1" in row else row["label"]
    if isinstance(value, str):
        value = _COMMA.split(value.strip("[]() "))
    if not isinstance(value, list | tuple) or len(value) != len(CORNERS):
        raise BadRow(f"label is {value!r}; write a box as x1, y1, x2, y2.")
    corners = [number(part, name) for part, name in zip(value, CORNERS, strict=True)]
    at = number(row["label_at"], "label_at") if "label_at" in row else None
    return labels.BoxLabel.model_validate({"xyxy": corners, "at": at})


def _answer(value: object, options: tuple[str, ...]) -> int:
    """Index of the right option; BadRow when the value fits none, or several."""
    text = _text(value)
    fits = set()
    if isinstance(value, str):
        fits = {i for i, option in enumerate(options) if option.casefold() == text.casefold()}
        fits |= {i for i, letter in enumerate(ascii_uppercase) if letter == text.upper()}
    index = text.removesuffix(".0")
    if not isinstance(value, bool) and index.isdecimal():
        fits.add(int(index))
    fits = {i for i in fits if i < len(options)}
    if len(fits) != 1:
        problem = "fits several options" if fits else "is none of the options"
        raise BadRow(f"answer {text!r} {problem}; write the option's letter.")
    return fits.pop()


def _many(row: Mapping[str, Any]) -> tuple[Label, ...]:
    value = row["labels"]
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise BadRow(f"labels is not JSON ({error}); write a list of labels.") from error
    value = value if isinstance(value, list) else [value]
    # Columnar files give every label the fields of all kinds, empty ones as null.
    given = [
        {k: v for k, v in item.items() if v is not None} if isinstance(item, dict) else item
        for item in value
    ]
    return tuple(_MANY.validate_python(given))
