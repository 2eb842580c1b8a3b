"""Labels of every kind from the columns of a row, and which columns each kind has.

    kind        needed                    optional
    class       label                     synonyms
    sequence    label
    set         label
    span        label_start, label_end,   event, duration
                or windows
    time        label_at                  event, duration
    score       label                     low, high, name
    box         label, or x1, y1, x2, y2  object, label_at
    text        label
    choice      options, answer
    same        label
    labels      labels, question

Lists (names, synonyms, options) are JSON lists or texts separated by ";". Times are of the clip,
in seconds or as h:mm:ss.ff; `windows` is a list of [start, end]. A box is "x1, y1, x2, y2" in
fractions of width and height. Options may bring their letters ("A. Apples."). `answer` is an
option's text, its letter, or its index from 0. `same` takes yes, true, 1, same, and their
opposites. `labels` is a JSON list of labels as they stand in the manifest. A class -1 is no label,
as in `datasets`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from string import ascii_uppercase
from typing import Any

from pydantic import TypeAdapter

from video_star.core import labels
from video_star.core.excerpt import excerpt
from video_star.core.labels import MARKED, Label, mark_of, without_letters
from video_star.data.readers.base import BadRow, EmptyLabel, number, seconds, written_list
from video_star.data.readers.json_files import problem_of

CORNERS = ("x1", "y1", "x2", "y2")
COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "class": (("label",), ("synonyms",)),
    "sequence": (("label",), ()),
    "set": (("label",), ()),
    "span": (("label_start", "label_end"), ("event", "duration", "windows")),
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
_LIST = re.compile(r"\[\s*(?:['\"].*['\"]|[\d\s.,-]*)\s*\]")
"""A list of texts or numbers in JSON, Python or numpy; but names may have brackets: "[part]"."""
_DECIMALS = 3
"""Of a time that is the difference of two."""
_COMMA = re.compile(r"\s*[,;\s]\s*")
_MANY: TypeAdapter[list[Label]] = TypeAdapter(list[Label])


def labels_of(
    kind: str, row: Mapping[str, Any], duration: Callable[[], float]
) -> tuple[Label, ...]:
    """The labels of a row by our column names; empty values are absent from it.

    `duration` gives the length of the clip in seconds, for rows without a column for it. Raises
    EmptyLabel where the row has no label, BadRow where it cannot be understood, ValidationError.
    """
    needed = COLUMNS[kind][0]
    if kind == "box" and any(corner in row for corner in CORNERS):
        needed = CORNERS
    absent = [name for name in needed if name not in row]
    if len(absent) == len(needed):
        raise EmptyLabel(f"no {' and '.join(needed)} in the row; add one or take the row out.")
    if absent:
        raise BadRow(f"no {' and '.join(absent)} in the row; add it or take the row out.")
    made = _many(row) if kind == "labels" else (_label(kind, row, duration),)
    if not made:
        raise EmptyLabel("the list of labels is empty; add one or take the row out.")
    return made


def _label(kind: str, row: Mapping[str, Any], duration: Callable[[], float]) -> Label:
    match kind:
        case "class":
            synonyms = texts(row.get("synonyms", ()), "synonyms")
            name = _one(row["label"])
            if name == "-1":
                raise EmptyLabel("label is -1, which stands for none; take the row out.")
            return labels.ClassLabel(name=name, synonyms=synonyms)
        case "sequence" | "set":
            names = texts(row["label"], "label")
            if not names:
                raise EmptyLabel("label is an empty list; add names or take the row out.")
            of_names = labels.SequenceLabel if kind == "sequence" else labels.SetLabel
            return of_names(names=names)
        case "span":
            start, end = (seconds(row[name], name) for name in ("label_start", "label_end"))
            length = _length(row, duration, start, "label_start")
            # Annotated ends often lie a little behind the last frame; no answer can see beyond it.
            return labels.SpanLabel(start=start, end=min(end, length), duration=length)
        case "time":
            at = seconds(row["label_at"], "label_at")
            return labels.TimeLabel(at=at, duration=_length(row, duration, at, "label_at"))
        case "score":
            return _score(row)
        case "box":
            return _box(row)
        case "text":
            return labels.TextLabel(text=_one(row["label"]))
        case "choice":
            options = without_letters(texts(_by_letter(row["options"]), "options"))
            if not 2 <= len(options) <= len(ascii_uppercase):
                raise BadRow(f"{len(options)} options; a choice has 2 to {len(ascii_uppercase)}.")
            if len({option.casefold() for option in options}) < len(options):
                raise BadRow("an option is there twice; correct the row.")
            return labels.ChoiceLabel(options=options, answer=_answer(row["answer"], options))
        case "same":
            text = _text(row["label"], "label").casefold().removesuffix(".0")
            if text not in _TRUE | _FALSE:
                raise BadRow(f"label is {excerpt(row['label'])}; write yes or no.")
            return labels.SameLabel(same=text in _TRUE)
    raise AssertionError(f"no label is made of a row of kind {kind}")


def texts(value: object, name: str) -> tuple[str, ...]:
    """The texts of a list: a list, a text that holds one (JSON or Python), or separated by ";"."""
    if isinstance(value, str):
        text = value.strip()
        value = written_list(text, name) if text.startswith("[") else text.split(";")
    if not isinstance(value, list | tuple):
        raise BadRow(f"{name} is {excerpt(value)}; write a list, or texts separated by ';'.")
    return tuple(text for text in (_text(part, name) for part in value) if text)


def _text(value: object, name: str) -> str:
    """A text or a number as one line; BadRow for what is neither."""
    if not isinstance(value, str | int | float | Decimal | None):
        raise BadRow(f"{name} is {excerpt(value)}, not a text; correct the row.")
    return "" if value is None else " ".join(str(value).split())


def _one(value: object) -> str:
    """The text of a label; BadRow for a list of them, also one that is written out."""
    text = _text(value, "label")
    if _LIST.fullmatch(text):
        raise BadRow(f"label is {excerpt(text)}, a list; give one name, or set `kind: set`.")
    return text


def _by_letter(value: object) -> object:
    """The options of {"A": "Apples.", "B": "Berries."} as a list."""
    if isinstance(value, dict) and [*value] == [*ascii_uppercase[: len(value)]]:
        return list(value.values())
    return value


def by_window(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each of the `windows` of a row, as label_start and label_end.

    Each is asked about in a clip from the end of the window before to the start of the one behind:
    in the whole clip the question would have several right answers. Windows that touch are one.
    """
    spans: list[tuple[float, float]] = []
    for start, end in sorted(map(_window, _windows(row["windows"]))):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    if not spans:
        raise EmptyLabel("windows is an empty list; add one or take the row out.")
    offset = seconds(row["start_s"], "start_s") if "start_s" in row else 0.0
    length = seconds(row["duration"], "duration") if "duration" in row else None
    for before, (start, end), behind in zip(
        [None, *spans], spans, [*spans[1:], None], strict=False
    ):
        low = before[1] if before else 0.0
        high = behind[0] if behind else length
        cut = {"label_start": start - low, "label_end": end - low}
        if before:
            cut["start_s"] = offset + low
        if behind:
            cut["end_s"] = offset + behind[0]
        if high is not None:
            cut["duration"] = high - low
        yield {**row, **{name: round(time, _DECIMALS) for name, time in cut.items()}}


def _windows(value: object) -> list[Any]:
    value = written_list(value, "windows") if isinstance(value, str) else value
    if not isinstance(value, list):
        raise BadRow(f"windows is {excerpt(value)}; write a list of [start, end].")
    return value


def _window(value: object) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise BadRow(f"a window is {excerpt(value)}, not [start, end]; correct the row.")
    start, end = (seconds(part, "windows") for part in value)
    if not 0 <= start < end:
        raise BadRow(f"a window runs from {start:g} to {end:g} s; the end must be later.")
    return start, end


def _length(row: Mapping[str, Any], duration: Callable[[], float], at: float, name: str) -> float:
    """Length of the clip; BadRow where the label lies behind it."""
    length = seconds(row["duration"], "duration") if "duration" in row else duration()
    if at > length:
        raise BadRow(f"{name} is {at:g} s, but the clip ends after {length:.4g} s.")
    return length


def _score(row: Mapping[str, Any]) -> Label:
    ends = {name: number(row[name], name) for name in ("low", "high") if name in row}
    named = {"name": _text(row["name"], "name")} if "name" in row else {}
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
        raise BadRow(f"label is {excerpt(value)}; write a box as x1, y1, x2, y2.")
    corners = [number(part, name) for part, name in zip(value, CORNERS, strict=True)]
    at = seconds(row["label_at"], "label_at") if "label_at" in row else None
    return labels.BoxLabel.model_validate({"xyxy": corners, "at": at})


def _answer(value: object, options: tuple[str, ...]) -> int:
    """Index of the right option; BadRow when the value fits none, or several.

    It is an option's text, its letter ("B", "(b)"), both, or the index from 0.
    """
    text = _text(value, "answer")
    fits = set()
    if isinstance(value, str):
        said, letter = text.casefold(), text.strip("().:").upper()
        fits = {i for i, option in enumerate(options) if option.casefold() == said}
        whole = MARKED.fullmatch(text)
        if whole and mark_of(text) in ascii_uppercase[: len(options)]:
            marked = ascii_uppercase.index(mark_of(text))
            fits |= {marked} if options[marked].casefold() == whole["text"].casefold() else set()
        fits |= {i for i in range(len(options)) if ascii_uppercase[i] == letter}
        # Options may have kept marks in another order, or numbers from 1: then it is not known.
        fits |= {i for i, option in enumerate(options) if mark_of(option) == letter != ""}
    index = text.removesuffix(".0")
    if not isinstance(value, bool) and index.isdecimal() and int(index) < len(options):
        fits.add(int(index))
        fits |= {i for i, option in enumerate(options) if mark_of(option) == index}
    if len(fits) != 1:
        problem = "fits several options" if fits else "is none of the options"
        raise BadRow(f"answer {excerpt(text)} {problem}; write the option's letter.")
    return fits.pop()


def _many(row: Mapping[str, Any]) -> tuple[Label, ...]:
    value = row["labels"]
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise BadRow(f"labels is {problem_of(error)}; write a list of labels.") from error
    value = value if isinstance(value, list) else [value]
    # Columnar files give every label the fields of all kinds, empty ones as null.
    given = [
        {k: v for k, v in item.items() if v is not None} if isinstance(item, dict) else item
        for item in value
    ]
    return tuple(_MANY.validate_python(given))
