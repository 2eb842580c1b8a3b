"""JSON files from anywhere: a list, an object that holds the records, or one object per line.

A list is read item by item with the json module; on 169 MB ijson takes 1.0 to 1.1 of the time and
refuses a whole file for one NaN. An object whose key stands twice is refused: Python would silently
keep the last one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from video_star.core.errors import DataError
from video_star.core.excerpt import cut, excerpt
from video_star.core.labels.cells import BadRow
from video_star.data.readers.base import Reader, Row, column_of, counted, open_text, opened

KEY, VALUE = "(key)", "(value)"
"""Columns of the records of {id: {...}} and {id: value}: the id, and a value that is no object."""
_LOOKED_AT = 100
"""Records by whose keys the records of an object are found."""

Record: TypeAlias = tuple[str, dict[str, Any] | BadRow]


class _Twice(ValueError):
    """A key stands twice in one object."""


class _NoList(ValueError):
    """The file does not begin as a list."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise _Twice(f"the key {excerpt(twice)} stands twice in one object")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def json_value(path: Path) -> Any:
    """The whole content of a JSON file; DataError when it cannot be read."""
    try:
        return _DECODER.decode("".join(open_text(path)))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: {problem_of(error)}; correct the file.") from error


def problem_of(error: Exception) -> str:
    """Why a text cannot be read as JSON."""
    if isinstance(error, RecursionError):
        return "nested too deeply to be read as JSON"
    if isinstance(error, _Twice):
        return str(error)
    return f"not JSON ({cut(str(error), 200)})"


def json_items(path: Path) -> Iterator[tuple[int, Any]]:
    """Number (from 1) and value of each item of a file that holds one JSON list.

    Only one item is in memory at a time, as such a file may be larger than memory (MOMA-LRG's has
    1 GB). DataError when the file is no list, or breaks off.
    """
    number = 0
    try:
        with opened(path) as file:
            for number, item in enumerate(_list_items(file.read), start=1):
                yield number, item
    except _NoList as error:
        raise _another_file(path, json_value(path)) from error
    except (ValueError, RecursionError) as error:
        where = f" after item {number}" if number else ""
        raise DataError(f"{path}: {problem_of(error)}{where}; correct the file.") from error


def rows_of_items(
    reader: Reader[Any], rows_of: Callable[[object, str], Iterator[Row]]
) -> Iterator[Row]:
    """The rows that `rows_of` makes of each item of a reader's annotations and its place there."""
    path = reader.annotation_file()
    reader.check_videos()
    for number, item in json_items(path):
        place = f"{reader.source.annotations}:{number}"
        yield from counted(place, rows_of(item, place))


def _another_file(path: Path, value: object) -> DataError:
    keys = ", ".join(islice(value, 5)) if isinstance(value, dict) else ""
    shape = f"an object with the keys {cut(keys)}" if keys else excerpt(value)
    return DataError(
        f"{path}: holds {shape} and no list, so it is not the file that this reader reads; name "
        "that one under ingest.sources."
    )


_CHUNK = 1 << 20
"""Characters read at once; an item that does not fit is tried again with twice as many."""
_MARK = re.compile(r"[ \t\r\n]*(\S?)[ \t\r\n]*")
"""The bracket or comma before an item."""


def _list_items(read: Callable[[int], str]) -> Iterator[Any]:
    """The items of a JSON list that is read in pieces; ValueError for anything else."""
    decode = _DECODER.raw_decode
    text, at, before, ended = "", 0, "[", False
    while True:
        found = _MARK.match(text, at)
        mark, start = (found[1], found.end()) if found else ("", at)
        empty = mark == before == "[" and text[start : start + 1] == "]"
        if empty or (mark == "]" and before == ","):
            _nothing_more(text[start + empty :], read)
            return
        if mark and mark != before:
            if before == "[":
                raise _NoList(f"{mark!r} in place of '['")
            raise ValueError(f"{mark!r} in place of {before!r}")
        try:
            value, end = decode(text, start)
        except ValueError:
            if ended:
                raise
            end = len(text)
        # A number at the end of what was read may go on in the next piece ("1.5" and then "e-7").
        if end + len("e-") < len(text) or ended:
            yield value
            at, before = end, ","
        else:
            piece = read(max(_CHUNK, len(text) - at))
            text, at, ended = text[at:] + piece, 0, not piece


def _nothing_more(rest: str, read: Callable[[int], str]) -> None:
    """ValueError for anything behind the end of the list: it would be lost."""
    while True:
        if rest.strip():
            raise ValueError(f"{excerpt(rest.strip()[:_CHUNK])} behind the end of the list")
        rest = read(_CHUNK)
        if not rest:
            return


def json_records(path: Path, columns: Collection[str]) -> Iterator[Record]:
    """Place and value of each record of a file: a list, an object that holds them, or lines.

    In an object they are whatever has most of the `columns`: itself, the values of {id: {...}} (KEY
    is the id), or those of one of its keys, as in {"data": [...]}. DataError where nothing has a
    column, or several have as many.
    """
    lines = list(islice(filter(str.strip, open_text(path)), 2))
    if lines and lines[0].lstrip().startswith("["):
        yield from ((str(number), _object(item)) for number, item in json_items(path))
        return
    if len(lines) < 2 or isinstance(_line(lines[0]), BadRow):
        # One object over all lines, or a first line that is damaged.
        try:
            value = json_value(path)
        except DataError:
            if path.suffix.lower() == ".json":
                raise
        else:
            yield from _records_in(value, path, columns)
            return
    for number, text in enumerate(open_text(path), start=1):
        if text.strip():
            yield str(number), _line(text)


def _line(text: str) -> dict[str, Any] | BadRow:
    try:
        return _object(_DECODER.decode(text))
    except (ValueError, RecursionError) as error:
        return BadRow(f"{problem_of(error)}; write one object per line, each key once.")


def _object(value: object) -> dict[str, Any] | BadRow:
    return value if isinstance(value, dict) else BadRow(f"{excerpt(value)} is no JSON object.")


def _records_in(value: object, path: Path, columns: Collection[str]) -> Iterator[Record]:
    """The records that an object holds or is: those whose first ones have most of the columns."""
    if not isinstance(value, dict):
        raise DataError(f"{path}: holds {excerpt(value)} and no records; name another file.")
    holders: list[tuple[str, Callable[[], Iterator[Record]]]] = [
        ("the object", lambda: iter([("1", value)])),
        ("its values", partial(_members, value)),
    ]
    holders += [
        (str(key), partial(_members, part, f"{key}:"))
        for key, part in value.items()
        if isinstance(part, list | dict)
    ]
    counts = [_columns_in(records(), columns) for _, records in holders]
    most = max(counts)
    best = [holder for holder, count in zip(holders, counts, strict=True) if count == most]
    if not most:
        keys = cut(", ".join(map(str, islice(value, 5))))
        raise DataError(
            f"{path}: an object with the keys {keys}, in which nothing has a column "
            f"{cut(', '.join(columns))}; correct `columns` under ingest.sources."
        )
    if len(best) > 1:
        names = cut(", ".join(name for name, _ in best[:5]))
        raise DataError(f"{path}: {names} hold records alike; write each to a file of its own.")
    yield from best[0][1]()


def _members(part: list[Any] | dict[str, Any], place: str = "") -> Iterator[Record]:
    """The items of a list, or the values of an object with their ids."""
    if isinstance(part, list):
        yield from ((f"{place}{n}", _object(item)) for n, item in enumerate(part, start=1))
        return
    for key, item in part.items():
        own = item if isinstance(item, dict) else {VALUE: item}
        yield f"{place}{cut(key)}", {**own, KEY: key}


def _columns_in(records: Iterator[Record], columns: Collection[str]) -> int:
    rows = [row for _, row in islice(records, _LOOKED_AT) if isinstance(row, dict)]
    present = {name for row in rows for name in row}
    return sum(column_of(name, present) in present for name in columns)
