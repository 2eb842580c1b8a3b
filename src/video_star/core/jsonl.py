"""JSONL files of typed records: read lazily, written atomically.

A tracked file is written to a temporary name, synced and renamed, so an incomplete file never has
the final name. Sharded folders hold 16 files named by the first hex digit of the sample id's
sha256, lines sorted by the caller's key: neither worker count nor manifest order changes a byte.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from io import BufferedReader
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from video_star.core.errors import DataError
from video_star.core.hashing import sha256
from video_star.core.replacing import replacing_file, replacing_folder, synced

R = TypeVar("R", bound=BaseModel)
SHARDS = tuple("0123456789abcdef")


def dump_json(value: object) -> str:
    """Canonical indented JSON with a final newline."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def to_line(record: BaseModel) -> str:
    """One record as one JSON line (fields in the order of the class)."""
    return json.dumps(record.model_dump(mode="json"), ensure_ascii=False) + "\n"


def read_records(path: Path, kind: type[R], *holding: bytes) -> Iterator[R]:
    """The records of a JSONL file in order; DataError names file and line of a bad one.

    With `holding` only lines in which one of these patterns is found are made, as of `has_field`.
    """
    try:
        lines = path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error
    with lines:
        for number, line in _holding(lines, holding) if holding else enumerate(lines, start=1):
            yield parse_record(line, f"{path}:{number}", kind)


def _holding(file: BufferedReader, patterns: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """Number and content of the lines in which one of the patterns is found."""
    if not os.fstat(file.fileno()).st_size:
        return  # which cannot be mapped
    pattern, number, end = re.compile(b"|".join(patterns)), 1, 0
    with mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        while found := pattern.search(content, end):
            start = content.rfind(b"\n", 0, found.start()) + 1
            number += content[end:start].count(b"\n")
            end = content.find(b"\n", start)
            end = len(content) if end < 0 else end
            yield number, content[start:end]


def has_field(name: str, value: str, whole: bool = True) -> bytes:
    """A pattern for lines of `to_line` with a field that has this text, or one that begins so.

    No text inside of a record reads like it: quotes in texts are escaped.
    """
    text = json.dumps(value, ensure_ascii=False)
    return re.escape(f'"{name}": {text if whole else text[:-1]}'.encode())


def read_record(path: Path, kind: type[R]) -> R:
    """The record of a JSON file that holds one; DataError as `read_records`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    return parse_record(content, str(path), kind)


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path}: cannot be read ({error.strerror}); run the step that writes it.")


def parse_record(line: str | bytes, where: str, kind: type[R]) -> R:
    """The record of one line of JSON; DataError names `where` it stands."""
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        raise DataError(
            f"{where}: no valid {kind.__name__} ({problem_of(error)}); "
            "delete the file and run the step that writes it again."
        ) from error


def problem_of(error: ValidationError) -> str:
    """The first thing that is wrong with a record: its field and what pydantic says of it."""
    first = error.errors()[0]
    return ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))


def write_text(path: Path, text: str) -> None:
    """Write a whole file atomically: temporary file, fsync, rename."""
    with replacing_file(path) as file:
        file.write(text)


def write_records(path: Path, records: Iterable[BaseModel]) -> int:
    """Write a whole JSONL file atomically and return the number of records."""
    n = 0
    with replacing_file(path) as file:
        for record in records:
            file.write(to_line(record))
            n += 1
    return n


def shard_of(sample_id: str) -> str:
    """The shard a sample belongs to: one hex digit."""
    return sha256(sample_id)[0]


def write_shards(folder: Path, records: Iterable[R], sample_id: Callable[[R], str]) -> int:
    """Replace a sharded folder as a whole; `sample_id` gives the shard, lines keep their order.

    All 16 files are always written, so that a missing shard is noticed.
    """
    n = 0
    with replacing_folder(folder) as building, ExitStack() as opened:
        files = {
            shard: opened.enter_context(synced(building / f"{shard}.jsonl")) for shard in SHARDS
        }
        for record in records:
            files[shard_of(sample_id(record))].write(to_line(record))
            n += 1
    return n


def read_shards(folder: Path, kind: type[R]) -> Iterator[R]:
    """The records of a sharded folder, shard by shard."""
    for shard in SHARDS:
        yield from read_records(folder / f"{shard}.jsonl", kind)
