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
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from video_star.core.excerpt import excerpt
from video_star.core.labels import KINDS, Label
from video_star.core.labels.cells import BadRow, EmptyLabel, seconds, written_list
from video_star.data.readers.json_files import problem_of

SEVERAL = "labels"
"""In the place of a kind: a column of labels of any kinds."""
_DECIMALS = 3
"""Of a time that is the difference of two."""
_MANY: TypeAdapter[list[Label]] = TypeAdapter(list[Label])


def columns_of(kind: str, present: Container[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that must hold a label of the kind, given those that there are, and all others
    that it may have."""
    if kind == SEVERAL:
        return (SEVERAL,), ()
    own = KINDS[kind]
    needed = own.INSTEAD if any(name in present for name in own.INSTEAD) else own.COLUMNS
    return needed, tuple(dict.fromkeys((*own.COLUMNS, *own.OPTIONAL, *own.INSTEAD)))


def labels_of(
    kind: str, row: Mapping[str, Any], duration: Callable[[], float]
) -> tuple[Label, ...]:
    """The labels of a row by our column names; empty values are absent from it.

    `duration` gives the length of the clip in seconds, for rows without a column for it. Raises
    EmptyLabel where the row has no label, BadRow where it cannot be understood, ValidationError.
    """
    needed, others = columns_of(kind, row)
    absent = [name for name in needed if name not in row]
    if len(absent) == len(needed):
        raise EmptyLabel(f"no {' and '.join(needed)} in the row; add one or take the row out.")
    if absent:
        raise BadRow(f"no {' and '.join(absent)} in the row; add it or take the row out.")
    if "duration" in others and "duration" not in row:
        row = {**row, "duration": duration()}
    made = _many(row) if kind == SEVERAL else (KINDS[kind].of_row(row),)
    if not made:
        raise EmptyLabel("the list of labels is empty; add one or take the row out.")
    return made


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
