"""Any table with one labelled clip per row: CSV, JSON lines, Parquet, or a saved `datasets` folder.

`columns` maps our names to the file's. `video` is needed, and for each kind of label the columns
that table_labels.py lists. Besides, where the mapping names them:

    id                  of the row; without it one is made of the video, its times and its question
    split               train or test, under any of their usual names
    source_id           the recording that the clip was cut from; without it the video
    start_s, end_s      the part of the file that is the clip, in seconds
    question            the row's own question; without it a template of the kind is chosen
    event, object, name what the template asks about: span and time, box (without an article), score

A row that has neither a question of its own nor what its template needs is left out and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from math import isnan
from pathlib import Path
from typing import Any, Literal

from video_star.core.errors import DataError, UsageError, VideoError
from video_star.core.hashing import stable_hash
from video_star.core.labels import ChoiceLabel, Label, say_seconds
from video_star.core.paths import inside
from video_star.core.prompts import with_options
from video_star.core.records import VideoSample
from video_star.core.sources import TableSource
from video_star.data.questions import ask
from video_star.data.readers import rows
from video_star.data.readers.rows import BadRow, MissingVideo, Row, RowError
from video_star.data.readers.table_files import Placed, arrow_rows, rows_of, splits_of
from video_star.data.readers.table_labels import ASKED_WITH, COLUMNS, CORNERS, labels_of
from video_star.video.decode import probe

OPTIONAL = ("id", "split", "source_id", "start_s", "end_s", "question")
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


class EmbeddedVideo(RowError):
    """The row holds the bytes of its video; clips are read from files only."""


def read_table(source: TableSource, data: Path, seed: int) -> Iterator[Row]:
    """Samples of one table in its order; a row that cannot be used becomes a Failure."""
    _check_columns(source)
    if source.split is None and "split" not in source.columns:
        raise _no_split(source)
    path = rows.annotation_path(data, source.annotations)
    table = rows_of(path, source.columns.values())
    yield from _samples(source, source.annotations, table, data, seed)


def read_huggingface(source: TableSource, data: Path, seed: int) -> Iterator[Row]:
    """Samples of a folder that `save_to_disk` wrote, a data set or a dict of them.

    `split` chooses the parts of a dict that are of that split; null takes all parts by their names.
    """
    _check_columns(source)
    for name, folder in splits_of(inside(data, source.annotations)).items():
        split = source.split
        if "split" not in source.columns:
            own = SPLITS.get((name or "").lower())
            split = split or own
            if split is None:
                raise _no_split(source)
            if own is not None and own != split:
                continue
        place = folder.relative_to(data).as_posix()
        table = arrow_rows(folder, source.columns.values())
        part = source.model_copy(update={"split": split})
        yield from _samples(part, place, table, data, seed)


def _samples(
    source: TableSource, place: str, table: Iterator[Placed], data: Path, seed: int
) -> Iterator[Row]:
    if not inside(data, source.videos).is_dir():
        raise DataError(
            f"{data / source.videos}: there is no such folder; "
            "correct `videos` under ingest.sources."
        )

    @lru_cache(maxsize=1)
    def seconds(video: str) -> float:
        return probe(data / video).duration_s

    for number, row in table:
        try:
            if isinstance(row, RowError):
                raise row
            yield _sample(source, _mapped(row, source.columns), data, seed, seconds)
        except (RowError, VideoError) as error:
            yield rows.failure(f"{place}:{number}", error)


def _check_columns(source: TableSource) -> None:
    """UsageError for a mapping with which no row could be read."""
    columns, (needed, besides) = source.columns, COLUMNS[source.kind]
    if source.kind == "box" and "x1" in columns:
        needed = CORNERS
    known = ("video", *COLUMNS[source.kind][0], *besides, *OPTIONAL)
    wanted = ["video", *needed]
    if source.kind in ASKED_WITH and "question" not in columns:
        wanted.append(ASKED_WITH[source.kind] or "question")
    unknown = [name for name in columns if name not in known]
    missing = [name for name in wanted if name not in columns]
    if unknown or missing:
        problem = f"does not know {unknown[0]!r}" if unknown else f"needs {missing[0]!r}"
        raise UsageError(
            f"ingest.sources ({source.dataset}): columns of kind {source.kind} {problem}; "
            f"its keys are {', '.join(known)}."
        )


def _no_split(source: TableSource) -> UsageError:
    return UsageError(
        f"ingest.sources ({source.dataset}): no split; set `split` or name its column in `columns`."
    )


def _mapped(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Our names to the row's values; absent and blank values are left out."""
    named = {ours: row.get(theirs) for ours, theirs in columns.items()}
    stripped = {k: v.strip() if isinstance(v, str) else v for k, v in named.items()}
    return {k: v for k, v in stripped.items() if not _is_blank(v)}


def _is_blank(value: object) -> bool:
    """Nothing, an empty text, or the NaN that data frames write for an empty cell."""
    return value is None or value == "" or (isinstance(value, float) and isnan(value))


def _sample(
    source: TableSource,
    row: Mapping[str, Any],
    data: Path,
    seed: int,
    seconds: Callable[[str], float],
) -> VideoSample:
    video = _video(source, row, data)
    start_s, end_s = (
        rows.number(row[name], name) if name in row else None for name in ("start_s", "end_s")
    )

    def duration() -> float:
        return (seconds(video) if end_s is None else end_s) - (start_s or 0.0)

    labels = labels_of(source.kind, row, duration)
    name = str(row["id"]) if "id" in row else _own_id(source, video, row)
    sample_id = f"{source.dataset}/{name}"
    question, template = _question(source.kind, row, sample_id, seed, labels[0])
    return rows.sample_of(
        id=sample_id,
        dataset=source.dataset,
        video=video,
        start_s=start_s,
        end_s=end_s,
        source_id=f"{source.dataset}/{row.get('source_id', video)}",
        split=_split(row) if source.split is None else source.split,
        question=question,
        question_template=template,
        labels=labels,
    )


def _question(
    kind: str, row: Mapping[str, Any], sample_id: str, seed: int, label: Label
) -> tuple[str, str]:
    """The row's own question or one from a template, and the template's name ("given")."""
    if "question" in row:
        question, template = str(row["question"]), "given"
    else:
        fields = {name: str(row[name]) for name in ("event", "object", "name") if name in row}
        needed = ASKED_WITH.get(kind, kind)
        if kind in ASKED_WITH and needed not in fields:
            raise BadRow(f"neither question nor {needed or 'another'} in the row; add one.")
        if kind == "box" and "label_at" in row:
            at = rows.number(row["label_at"], "label_at")
            fields["time"] = f"{say_seconds(at)} seconds"
        question, template = ask(kind, sample_id, seed, **fields)
    if isinstance(label, ChoiceLabel):
        question = with_options(question, label.options)
    return question, template


def _video(source: TableSource, row: Mapping[str, Any], data: Path) -> str:
    """Path of the row's video relative to the data folder."""
    value = row.get("video")
    embedded = isinstance(value, dict) and bool(value.get("bytes"))
    if isinstance(value, dict):
        value = value.get("path")
    if not value and embedded:
        raise EmbeddedVideo("the video is inside of the table; save it as a file, name its path.")
    if not value:
        raise BadRow("the row names no video; add one or take the row out.")
    folder = data / source.videos
    try:
        # A full path, as `datasets` keeps it, is one inside of the folder or none of ours.
        path = (folder / str(value)).resolve() if Path(str(value)).is_absolute() else None
        tail = path.relative_to(folder.resolve()).as_posix() if path else str(value)
        relative = (Path(source.videos) / tail).as_posix()
        found = inside(data, relative).is_file()
    except (DataError, ValueError, OSError) as error:
        raise BadRow(f"video {value!r} is not a usable path ({error}).") from error
    if not found and embedded:
        raise EmbeddedVideo(f"{relative} is inside of the table only; save it as a file.")
    if not found:
        raise MissingVideo(f"{relative} is not in the data folder.")
    return relative


def _own_id(source: TableSource, video: str, row: Mapping[str, Any]) -> str:
    """An id for a row without one: the video's path, its times, and what else tells it apart."""
    times = [f"{rows.number(row[n], n):g}" for n in ("start_s", "end_s") if n in row]
    # One video may be asked about several events or objects; equal questions are duplicates.
    names = ("question", "event", "object", "name", *(["label_at"] * (source.kind == "box")))
    asked = [f"{name}={row[name]}" for name in names if name in row]
    parts = [f"{stable_hash(*asked):016x}"[:8]] if asked else []
    return "_".join([Path(video).with_suffix("").as_posix(), *times, *parts])


def _split(row: Mapping[str, Any]) -> Literal["train", "test"]:
    value = str(row.get("split", "")).strip().lower()
    if value not in SPLITS:
        raise BadRow(f"split is {row.get('split', '')!r}; write train or test.")
    return SPLITS[value]
