"""Rows of the files that the table reader takes: CSV, JSON lines, Parquet, saved `datasets`.

Every function gives (place, row): the place names a row in a message, the row has the file's own
column names. A row that cannot be read at all is a BadRow in place of a dict.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
from pyarrow import ipc, parquet

from video_star.core.errors import DataError
from video_star.core.paths import inside
from video_star.data.readers import base
from video_star.data.readers.base import BadRow

Placed: TypeAlias = tuple[str, dict[str, Any] | BadRow]
BATCH = 64
"""Rows of a Parquet file in memory at once; they may hold the bytes of whole videos."""


def rows_of(path: Path, columns: Collection[str]) -> Iterator[Placed]:
    """Rows of a file by its suffix (.csv, .json, .jsonl, .parquet), with the columns needed."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _parquet(path, columns)
    if suffix == ".json" and _is_list(path):
        return ((str(number), _object(value)) for number, value in base.json_items(path))
    return _json_lines(path) if suffix in (".json", ".jsonl") else _csv(path, columns)


def _is_list(path: Path) -> bool:
    """Whether a JSON file begins as a list; its first line may be all of it, so is not read."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(1024).removeprefix(BOM_UTF8).lstrip().startswith(b"[")
    return False


def _csv(path: Path, columns: Collection[str]) -> Iterator[Placed]:
    _require(path, columns, base.csv_header(path))
    for line, row in base.csv_rows(path):
        yield str(line), row


def _json_lines(path: Path) -> Iterator[Placed]:
    for line, text in enumerate(base.open_text(path), start=1):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield str(line), BadRow(f"not JSON ({error}); write one object per line.")
            continue
        yield str(line), _object(value)


def _object(value: object) -> dict[str, Any] | BadRow:
    return value if isinstance(value, dict) else BadRow("not a JSON object; write {...}.")


def _parquet(path: Path, columns: Collection[str]) -> Iterator[Placed]:
    try:
        with parquet.ParquetFile(path) as file:
            _require(path, columns, file.schema_arrow.names)
            batches = file.iter_batches(batch_size=BATCH, columns=sorted(set(columns)))
            rows = chain.from_iterable(map(_plain, batches))
            yield from ((str(number), row) for number, row in enumerate(rows, start=1))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as Parquet ({error}); write it again.") from error


def _plain(batch: Any) -> Iterator[dict[str, Any]]:
    """Rows of a record batch; of embedded bytes only whether there are any (they may be huge)."""
    for row in zip(*map(_values, batch.columns), strict=True):
        yield dict(zip(batch.schema.names, row, strict=True))


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
    state = base.json_value(folder / "state.json")
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
                _require(path, columns, stream.schema.names)
                names = _class_names(stream.schema)
                for batch in stream:
                    for row in _plain(batch.select(sorted(set(columns)))):
                        named = {k: _named(v, names.get(k)) for k, v in row.items()}
                        yield str(next(numbers)), named
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"{path}: cannot be read as Arrow ({error}); save the data set again."
            ) from error


def _state(path: Path, key: str) -> list[Any]:
    """A list that a JSON file of a saved data set holds; DataError without it."""
    value = base.json_value(path)
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


def _require(path: Path, columns: Collection[str], present: Collection[str]) -> None:
    missing = sorted(set(columns) - set(present))
    if missing:
        raise DataError(
            f"{path}: no column {', '.join(missing)}; correct `columns` under ingest.sources."
        )
