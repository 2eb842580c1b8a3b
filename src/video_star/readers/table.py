"""Any CSV or JSONL file with one labelled clip per row; `columns` maps our names to the file's.

Columns: video and label are needed; id, split, source_id, start_s, end_s, question and synonyms
(separated by ";", or a JSON list) are taken where the mapping names them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from video_star.domain import VideoSample
from video_star.errors import DataError, UsageError
from video_star.labels import ClassLabel
from video_star.layout import inside
from video_star.prompts import class_question
from video_star.readers import rows
from video_star.readers.rows import BadRow, EmptyLabel, MissingVideo, Row, RowError
from video_star.sources import TableSource

NEEDED = ("video", "label")
KNOWN = (*NEEDED, "id", "split", "source_id", "start_s", "end_s", "question", "synonyms")
SPLITS: dict[str, Literal["train", "test"]] = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "test",
    "valid": "test",
    "validate": "test",
    "validation": "test",
}
"""Held-out parts by any of their usual names are "test"."""


def read_table(source: TableSource, data: Path, seed: int) -> Iterator[Row]:
    """Samples of one table in its order; a row that cannot be used becomes a Failure."""
    _check_mapping(source)
    path = rows.annotation_path(data, source.annotations)
    folder = inside(data, source.videos)
    if not folder.is_dir():
        raise DataError(
            f"{folder}: there is no such folder; correct `videos` under ingest.sources."
        )
    table = _json_rows(path) if path.suffix.lower() in (".jsonl", ".json") else _csv(path, source)
    for line, row in table:
        where = f"{source.annotations}:{line}"
        try:
            if isinstance(row, RowError):
                raise row
            yield _sample(source, _mapped(row, source.columns), data, seed)
        except RowError as error:
            yield rows.failure(where, error)


def _check_mapping(source: TableSource) -> None:
    columns = source.columns
    unknown = [name for name in columns if name not in KNOWN]
    missing = [name for name in NEEDED if name not in columns]
    if unknown or missing:
        problem = f"does not know {unknown[0]!r}" if unknown else f"needs {missing[0]!r}"
        raise UsageError(
            f"ingest.sources ({source.dataset}): columns {problem}; "
            f"its keys are {', '.join(KNOWN)}."
        )
    if source.split is None and "split" not in columns:
        raise UsageError(
            f"ingest.sources ({source.dataset}): no split; "
            "set `split` or name its column in `columns`."
        )


def _csv(path: Path, source: TableSource) -> Iterator[tuple[int, dict[str, Any]]]:
    missing = sorted(set(source.columns.values()) - set(rows.csv_header(path)))
    if missing:
        raise DataError(
            f"{path}: no column {', '.join(missing)}; correct `columns` under ingest.sources."
        )
    yield from rows.csv_rows(path)


def _json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | RowError]]:
    for line, text in enumerate(rows.open_text(path), start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield line, BadRow(f"not JSON ({error}); write one object per line.")
            continue
        yield line, row if isinstance(row, dict) else BadRow("not a JSON object; write {...}.")


def _mapped(row: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    """Our names to the row's values; absent and empty values are left out."""
    named = {ours: row.get(theirs) for ours, theirs in columns.items()}
    return {ours: value for ours, value in named.items() if value not in (None, "")}


def _sample(source: TableSource, row: dict[str, Any], data: Path, seed: int) -> VideoSample:
    video = _video(source, row, data)
    label = str(row.get("label", "")).strip()
    if not label:
        raise EmptyLabel(f"{video} has no label; add one or take the row out.")
    start_s, end_s = (
        rows.number(row[name], name) if name in row else None for name in ("start_s", "end_s")
    )
    name = str(row["id"]) if "id" in row else _own_id(video, start_s, end_s)
    sample_id = f"{source.dataset}/{name}"
    question, template = class_question(sample_id, seed)
    if "question" in row:
        question, template = str(row["question"]), "given"
    return rows.sample_of(
        id=sample_id,
        dataset=source.dataset,
        video=video,
        start_s=start_s,
        end_s=end_s,
        source_id=f"{source.dataset}/{row.get('source_id', video)}",
        split=source.split or _split(row),
        question=question,
        question_template=template,
        labels=(ClassLabel(name=label, synonyms=_synonyms(row)),),
    )


def _video(source: TableSource, row: dict[str, Any], data: Path) -> str:
    if "video" not in row:
        raise BadRow("the row names no video; add one or take the row out.")
    relative = (Path(source.videos) / str(row["video"])).as_posix()
    try:
        found = inside(data, relative).is_file()
    except (DataError, ValueError, OSError) as error:
        raise BadRow(f"video {row['video']!r} is not a usable path ({error}).") from error
    if not found:
        raise MissingVideo(f"{relative} is not in the data folder.")
    return relative


def _own_id(video: str, start_s: float | None, end_s: float | None) -> str:
    """An id for a row without one: the video's path, and its times where it has some."""
    times = [f"{time:g}" for time in (start_s, end_s) if time is not None]
    return "_".join([Path(video).with_suffix("").as_posix(), *times])


def _split(row: dict[str, Any]) -> Literal["train", "test"]:
    value = str(row.get("split", "")).strip().lower()
    if value not in SPLITS:
        raise BadRow(f"split is {row.get('split', '')!r}; write train or test.")
    return SPLITS[value]


def _synonyms(row: dict[str, Any]) -> tuple[str, ...]:
    value = row.get("synonyms", ())
    parts = value if isinstance(value, list | tuple) else str(value).split(";")
    return tuple(text for text in (str(part).strip() for part in parts) if text)
