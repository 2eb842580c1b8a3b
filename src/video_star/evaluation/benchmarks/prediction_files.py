"""Reads files of predictions by what is in them, not by their names: JSON, JSON lines, tables.

A benchmark decides what the rows mean. What cannot be read is a Problem, so that a truncated file
is named and not dropped.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from video_star.core.errors import DataError

Kind = Literal[
    "unreadable", "malformed", "unknown", "twice", "question", "answer", "lost", "missing"
]
KINDS = get_args(Kind)
"""Of problems, in the order of the report; those of whole files first."""
_ZIP = b"PK\x03\x04"
_TEXT = (".json", ".jsonl", ".csv", ".tsv", ".txt")
"""Suffixes of files that would be read if they were UTF-8."""
_CELL_LIMIT = 1 << 24
"""Characters of the longest cell of a table: answers can be long, Python's default is 131,072."""


@dataclass(frozen=True)
class Problem:
    """Something about the input that makes a score wrong or incomplete."""

    kind: Kind
    where: str
    """The file and the place in it, or the item."""
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


Rows: TypeAlias = list[tuple[str, Any]]
"""Entries, each with its place."""


@dataclass
class Content:
    """The entries of a JSON list or JSON lines file or the rows of a table."""

    rows: Rows = field(default_factory=list)
    is_object: bool = False
    """Whether the file is one JSON object, which is then the only row."""
    is_table: bool = False
    """Whether cells stand for what others write as null."""
    problems: list[Problem] = field(default_factory=list)


def files_of(path: Path) -> list[Path]:
    """The file itself, or the files of a folder by name; DataError when there is none."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"{path}: no such file or folder; name the one with the predictions.")
    files = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
    if not files:
        raise DataError(f"{path}: holds no file; name the folder with the prediction files.")
    return files


def read_content(path: Path) -> Content | Problem | None:
    """What is in a file; None when it is neither JSON nor a table."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        return Problem("unreadable", path.name, f"cannot be read ({error.strerror})")
    if not raw.strip():
        return Problem("unreadable", path.name, "the file is empty")
    if raw.startswith(_ZIP):
        return _read_xlsx(path) if path.suffix.lower() in (".xlsx", ".xlsm") else None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if raw.lstrip()[:1] in (b"{", b"[") or path.suffix.lower() in _TEXT:
            what = f"not UTF-8 at byte {error.start}; save it as UTF-8"
            return Problem("unreadable", path.name, what)
        return None
    if text.lstrip()[0] in "{[":
        return _read_json(path, text)
    return _read_table(path, text)


def _read_json(path: Path, text: str) -> Content | Problem:
    found = Content()

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # Python silently keeps the last of two equal keys.
        kept = dict(pairs)
        for key in kept if len(kept) < len(pairs) else ():
            if sum(key == other for other, _ in pairs) > 1:
                what = f"the key {key!r} stands twice in one object; only one could be read"
                found.problems.append(Problem("twice", path.name, what))
        return kept

    try:
        value = json.loads(text, object_pairs_hook=keep)
    except (ValueError, RecursionError) as error:
        return _read_json_lines(path, text, f"not JSON ({error}); it is truncated or damaged")
    if isinstance(value, dict) and isinstance(value.get("logs"), list):
        value = value["logs"]  # lmms-eval 0.1 and 0.2 keep the lines of a log in one object
    if isinstance(value, list):
        found.rows = [(f"{path.name}[{index}]", entry) for index, entry in enumerate(value)]
    else:
        found.rows, found.is_object = [(f"{path.name}:1", value)], True
    return found


def _read_json_lines(path: Path, text: str, problem: str) -> Content | Problem:
    """The objects on the lines of a file; `problem` where not even the first line is JSON."""
    found = Content()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path.name}:{number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            if not (found.rows or found.problems):
                return Problem("unreadable", path.name, problem)
            what = f"not JSON ({error}); the line is truncated or damaged"
            found.problems.append(Problem("unreadable", where, what))
            continue
        if isinstance(value, dict):
            found.rows.append((where, value))
        else:
            found.problems.append(Problem("malformed", where, "not a JSON object"))
    return found


def _read_table(path: Path, text: str) -> Content | None:
    """A table with a head line, its columns apart by tabs or else by commas."""
    head = text.partition("\n")[0]
    if "\t" not in head and "," not in head:
        return None
    csv.field_size_limit(_CELL_LIMIT)
    # A closing quote that is missing swallows the rest of a truncated file: strict raises.
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter="\t" if "\t" in head else ",", strict=True
    )
    found = Content(is_table=True)
    try:
        _add_rows(found, path, reader)
    except csv.Error as error:
        what = f"not a table from line {reader.line_num} on ({error}); truncated or damaged"
        found.problems.append(Problem("unreadable", path.name, what))
    return found


def _add_rows(found: Content, path: Path, rows: Iterator[Any]) -> None:
    """Rows as dicts by the first row's names; a row of another length is a problem."""
    names = [str(cell) for cell in next(rows, ())]
    for number, row in enumerate(rows, start=2):
        if not any(cell not in (None, "") for cell in row):
            continue
        where = f"{path.name} row {number}"
        if len(row) != len(names):
            what = f"has {len(row)} cells instead of {len(names)}; it is truncated or damaged"
            found.problems.append(Problem("unreadable", where, what))
        else:
            found.rows.append((where, dict(zip(names, row, strict=True))))


def _read_xlsx(path: Path) -> Content | Problem:
    from openpyxl import load_workbook
    from openpyxl.utils.escape import unescape

    found = Content(is_table=True)
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what some programs write there is less than the rows
        _add_rows(found, path, _even(sheet.iter_rows(values_only=True), unescape))
        book.close()
    except Exception as error:  # noqa: BLE001 - every damage fails in a way of its own
        what = f"not an Excel table ({error}); it is truncated or damaged"
        return Problem("unreadable", path.name, what)
    return found


def _even(rows: Iterator[tuple[Any, ...]], unescape: Callable[[str], str]) -> Iterator[list[Any]]:
    """Rows as long as the first one: Excel does not write empty cells at the end."""
    width = 0
    for row in rows:
        cells = [unescape(cell) if isinstance(cell, str) else cell for cell in row]
        width = width or len(cells)
        yield cells + [None] * (width - len(cells))
