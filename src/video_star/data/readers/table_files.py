"""Rows of the files that the table reader takes: CSV, JSON, plain lines, Parquet, saved `datasets`.

Every function gives (place, row): the place names a row in a message, the row has the file's own
column names. A row that cannot be read at all is a BadRow in place of a dict.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
from pyarrow import ipc, parquet

from video_star.core.errors import DataError
from video_star.core.excerpt import cut, excerpt
from video_star.core.labels.cells import BadRow
from video_star.core.paths import inside
from video_star.data.readers.base import column_of, open_text
from video_star.data.readers.csv_files import csv_rows
from video_star.data.readers.json_files import json_records, json_value

Placed: TypeAlias = tuple[str, dict[str, Any] | BadRow]
BATCH = 16
"""Rows of a Parquet file in memory at once; they may hold the bytes of whole videos."""
UNPACKED, RATIO = 1 << 25, 100
"""Bytes of a column in one row group, and how many times its size in the file they may be beyond
that. Repeated texts are kept once in Parquet, and videos cannot be packed: more is made to fill the
memory."""
REMEDY = "correct `columns` under ingest.sources"
_COLUMN = re.compile(r"\{(\w+)\}")
_JSON = (".json", ".jsonl", ".ndjson")


def rows_of(path: Path, columns: Collection[str], line: str | None = None) -> Iterator[Placed]:
    """Rows of a file with the columns needed: by its suffix Parquet, JSON, or else CSV.

    With `line`, a pattern such as "{video} {start} {end}##{text}", rows are lines of that form.
    """
    suffix = path.suffix.lower()
    if line is not None:
        return _lines(path, line)
    if suffix == ".parquet":
        return _parquet(path, columns)
    return json_records(path, columns) if suffix in _JSON else _csv(path, columns)


def _csv(path: Path, columns: Collection[str]) -> Iterator[Placed]:
    for line, row in csv_rows(path, columns, REMEDY):
        yield str(line), row


def _lines(path: Path, form: str) -> Iterator[Placed]:
    """Each column goes up to where the text behind it stands for the first time."""
    before, *parts = _COLUMN.split(" ".join(form.split()))
    names, behind = parts[::2], parts[1::2]
    columns = (f"(?>(.*?){re.escape(text)})" if text else "(.*)" for text in behind)
    pattern = re.compile(re.escape(before) + "".join(columns))
    for number, text in enumerate(open_text(path), start=1):
        if line := " ".join(text.split()):
            if found := pattern.fullmatch(line):
                yield str(number), dict(zip(names, found.groups(), strict=True))
            else:
                yield str(number), BadRow(f"{excerpt(line)} is not of the form {form}.")


def _parquet(path: Path, columns: Collection[str]) -> Iterator[Placed]:
    try:
        with parquet.ParquetFile(path) as file:
            needed = _require(path, columns, file.schema_arrow.names)
            _refuse_bombs(path, needed, file.metadata)
            batches = file.iter_batches(batch_size=BATCH, columns=needed)
            names = _class_names(file.schema_arrow)
            rows = chain.from_iterable(_plain(batch, names) for batch in batches)
            yield from ((str(number), row) for number, row in enumerate(rows, start=1))
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: cannot be read as Parquet ({cut(str(error), 200)}); write it again."
        ) from error


def _refuse_bombs(path: Path, columns: Collection[str], metadata: Any) -> None:
    """DataError for a column that unpacks to far more than it takes in the file."""
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            packed, unpacked = column.total_compressed_size, column.total_uncompressed_size
            name = column.path_in_schema.partition(".")[0]
            if name in columns and unpacked > max(UNPACKED, RATIO * packed):
                raise DataError(
                    f"{path}: column {cut(name)} unpacks from {packed} bytes to {unpacked}, so it "
                    "is not read; get the file from its publisher."
                )


def _plain(batch: Any, names: Mapping[str, list[str]]) -> Iterator[dict[str, Any]]:
    """Rows of a record batch, class numbers as class names.

    Of embedded bytes only whether there are any, as they may be huge.
    """
    for row in zip(*map(_values, batch.columns), strict=True):
        cells = zip(batch.schema.names, row, strict=True)
        yield {name: _named(value, names.get(name)) for name, value in cells}


def _values(column: Any) -> list[Any]:
    names = {column.type.field(i).name for i in range(column.type.num_fields)}
    if not {"path", "bytes"} <= names:
        return list(column.to_pylist())
    children = (column.is_valid(), column.field("path"), column.field("bytes").is_valid())
    return [
        {"path": path, "bytes": embedded} if valid else None
        for valid, path, embedded in zip(*(child.to_pylist() for child in children), strict=True)
    ]


def splits_of(folder: Path) -> dict[str | None, Path]:
    """Split name to folder of what `save_to_disk` wrote: the parts of a DatasetDict, or the one.

    The name of a single data set is the one it was saved with, None where it has none.
    """
    if (folder / "dataset_dict.json").is_file():
        names = _state(folder / "dataset_dict.json", "splits")
        return {str(name): inside(folder, str(name)) for name in names}
    if not (folder / "state.json").is_file():
        raise DataError(
            f"{folder}: neither dataset_dict.json nor state.json lies there; name a folder that "
            "`save_to_disk` of the datasets library wrote."
        )
    state = json_value(folder / "state.json")
    name = state.get("_split") if isinstance(state, dict) else None
    return {name if isinstance(name, str) else None: folder}


def arrow_rows(folder: Path, columns: Collection[str]) -> Iterator[Placed]:
    """Rows of one saved data set, shard by shard, class numbers as class names."""
    numbers = count(1)
    for entry in _state(folder / "state.json", "_data_files"):
        name = entry.get("filename") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise DataError(f"{folder}/state.json: a data file has no name; save it again.")
        path = inside(folder, name)
        try:
            with pa.memory_map(str(path)) as file, ipc.open_stream(file) as stream:
                needed = _require(path, columns, stream.schema.names)
                names = _class_names(stream.schema)
                for batch in stream:
                    for row in _plain(batch.select(needed), names):
                        yield str(next(numbers)), row
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"{path}: cannot be read as Arrow ({cut(str(error), 200)}); save it again."
            ) from error


def _state(path: Path, key: str) -> list[Any]:
    """A list that a JSON file of a saved data set holds; DataError without it."""
    value = json_value(path)
    if isinstance(value, dict) and value.get("_indices_data_files"):
        raise DataError(
            f"{path}: the rows are chosen by an index; call flatten_indices() and save it again."
        )
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, list):
        raise DataError(f"{path}: no list {key}; save the data set again.")
    return found


def _class_names(schema: Any) -> dict[str, list[str]]:
    """Names of the columns whose values are numbers of classes."""
    try:
        raw = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features: Mapping[str, Any] = raw["info"]["features"]
        found = {column: _names(feature) for column, feature in features.items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}
    return {column: names for column, names in found.items() if names}


def _names(feature: Any) -> list[str] | None:
    """Class names of a feature, or of the items of a list of them."""
    if isinstance(feature, list) and len(feature) == 1:
        feature = feature[0]
    if not isinstance(feature, dict):
        return None
    if feature.get("_type") in ("List", "LargeList", "Sequence"):
        return _names(feature.get("feature"))
    names = feature.get("names")
    return [str(n) for n in names] if feature.get("_type") == "ClassLabel" and names else None


def _named(value: Any, names: list[str] | None) -> Any:
    """A class number as its name; None for a number without one, which means no label."""
    if names is None:
        return value
    if isinstance(value, list):
        return [_named(item, names) for item in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None


def _require(path: Path, columns: Collection[str], present: Collection[str]) -> list[str]:
    """The file's columns that are needed; DataError where one is missing or there twice."""
    needed = sorted({column_of(name, present) for name in columns})
    missing = [name for name in needed if name not in present]
    twice = [name for name in needed if list(present).count(name) > 1]
    if missing:
        raise DataError(f"{path}: no column {cut(', '.join(missing))}; {REMEDY}.")
    if twice:
        raise DataError(f"{path}: column {cut(twice[0])} stands twice; rename one of them.")
    return needed
