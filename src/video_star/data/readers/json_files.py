"""JSON annotation files: streamed lists, whole values, and fields that may be missing or wrong.

Annotation files can be larger than memory (MOMA-LRG's takes 1 GB), so a list is read item by item.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from video_star.core.errors import DataError
from video_star.core.paths import inside
from video_star.data.readers.rows import BadRow, MissingVideo

_CHUNK = 1 << 20
"""Characters read at once; an item that does not fit is tried again with twice as many."""
_BLANK = " \t\r\n"


def json_value(path: Path) -> Any:
    """The whole content of a JSON file; DataError when it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error


def json_items(path: Path) -> Iterator[tuple[int, Any]]:
    """Number (from 1) and value of each item of a file that holds one JSON list.

    Only one item is in memory at a time. DataError when the file is no list, or breaks off.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from _items(_Text(file.read))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: cannot be read as JSON ({error}); save it again as UTF-8 JSON.")


class _Text:
    """The part of a file that was read and not yet used."""

    def __init__(self, read: Any) -> None:
        self._read = read
        self.rest = ""
        self.ended = False

    def more(self) -> None:
        """Read on: as much again as is there already, so that long items stay cheap."""
        chunk = self._read(max(_CHUNK, len(self.rest)))
        self.ended = not chunk
        self.rest += chunk

    def skip_blank(self) -> str:
        """Drop white space and return the next character, "" at the end of the file."""
        while True:
            self.rest = self.rest.lstrip(_BLANK)
            if self.rest or self.ended:
                return self.rest[:1]
            self.more()


def _items(text: _Text) -> Iterator[tuple[int, Any]]:
    if text.skip_blank() != "[":
        raise ValueError("not a list")
    text.rest = text.rest[1:]
    number = 0
    if text.skip_blank() == "]":
        return
    while True:
        number += 1
        text.skip_blank()
        yield number, _next_item(text)
        mark = text.skip_blank()
        text.rest = text.rest[1:]
        if mark == "]":
            return
        if mark != ",":
            raise ValueError(f"item {number} is not followed by a comma")


def _next_item(text: _Text) -> Any:
    decoder = json.JSONDecoder()
    while True:
        try:
            value, end = decoder.raw_decode(text.rest)
            # A number at the end of what was read may go on in the next chunk.
            if end < len(text.rest) or text.ended:
                text.rest = text.rest[end:]
                return value
        except ValueError:
            if text.ended:
                raise
        text.more()


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """A JSON object, or BadRow."""
    if not isinstance(value, dict):
        raise BadRow(f"{what} is not a JSON object; correct the annotation.")
    return value


def items_of(row: Mapping[str, Any], name: str) -> list[Any]:
    """A field that holds a list (absent or null: an empty one), or BadRow."""
    value = row.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRow(f"{name} is not a list; correct the annotation.")
    return value


def text_of(row: Mapping[str, Any], name: str) -> str:
    """A field that holds text or a whole number, stripped; BadRow where it is missing or empty."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise BadRow(f"{name} is {value!r}, not a text; correct the annotation.")
    return str(value).strip()


def video_in(data: Path, candidates: list[str], name: str) -> str:
    """The first of the paths (relative to the data folder) that is a file there.

    MissingVideo when none is, BadRow when one leads out of the data folder.
    """
    for relative in candidates:
        try:
            if inside(data, relative).is_file():
                return relative
        except (DataError, ValueError, OSError) as error:
            raise BadRow(f"video {relative!r} is not a usable path ({error}).") from error
    raise MissingVideo(f"{name} is not in the data folder as {' or '.join(candidates)}.")


def folder_in(data: Path, relative: str) -> str:
    """A folder inside the data folder, as it was written; DataError when it is not there."""
    if not inside(data, relative).is_dir():
        raise DataError(
            f"{data / relative}: there is no such folder; correct `videos` under ingest.sources."
        )
    return relative
