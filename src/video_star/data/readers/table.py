"""Any table with one labelled clip per row: CSV, JSON lines, Parquet, or a saved `datasets` folder.

`columns` maps our names to the file's. `video` is needed, and for each kind of label the columns
that table_labels.py lists. Optional columns:

    id                  of the row; without it one is made of the video, its times and its question
    split               train or test, under any of their usual names
    source_id           the recording that the clip was cut from; without it the video
    start_s, end_s      the part of the file that is the clip, in seconds
    question            the row's own question; without it a template of the kind is chosen
    event, object, name what the template asks about: span and time, box (without an article), score

A row that has neither a question of its own nor what its template needs is left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan
from pathlib import Path
from typing import Any, Literal

from pydantic import field_validator

from video_star.core.errors import DataError, UsageError
from video_star.core.hashing import stable_hash
from video_star.core.labels import ChoiceLabel, Label
from video_star.core.paths import inside
from video_star.core.prompts import with_options
from video_star.core.records import Split
from video_star.data.readers import base
from video_star.data.readers.base import BadRow, MissingVideo, Reader, Row, RowError, Segment
from video_star.data.readers.table_files import Placed, arrow_rows, rows_of, splits_of
from video_star.data.readers.table_labels import ASKED_WITH, COLUMNS, CORNERS, labels_of

OPTIONAL = ("id", "split", "source_id", "start_s", "end_s", "question")
SPLITS: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing", "val", "valid", "validate", "validation"), "test"),
}
"""Held-out parts by any of their usual names are "test"."""


class EmbeddedVideo(RowError):
    """The row holds the bytes of its video; clips are read from files only."""


class TableSource(base.Source):
    """`annotations`: the file; for huggingface the folder that `save_to_disk` wrote."""

    kind: str
    """Kind of every row's label, or `labels` for a column of labels as JSON."""
    columns: dict[str, str]
    """Our names to the file's; the module and table_labels.py list them for each kind."""
    split: Literal["train", "test"] | None
    """Split of every row, or null when a column has it."""

    @field_validator("kind")
    @classmethod
    def _is_known(cls, kind: str) -> str:
        if kind not in COLUMNS:
            raise ValueError(f"there is no kind {kind!r}; they are {', '.join(COLUMNS)}")
        return kind


class Table(Reader[TableSource]):
    Section = TableSource

    def rows(self) -> Iterator[Row]:
        source = self.source
        self._check_columns()
        if source.split is None and "split" not in source.columns:
            raise self._no_split()
        path = self.annotation_file()
        table = rows_of(path, source.columns.values())
        yield from self._samples(source.annotations, table, source.split)

    def _samples(self, place: str, table: Iterator[Placed], split: Split | None) -> Iterator[Row]:
        self.check_videos()
        for number, row in table:
            yield from base.counted(f"{place}:{number}", self._sample(row, split))

    def _check_columns(self) -> None:
        """UsageError for a mapping by which no row could be read."""
        kind, columns = self.source.kind, self.source.columns
        needed, optional = COLUMNS[kind]
        known = ("video", *needed, *optional, *OPTIONAL)
        required = ["video", *(CORNERS if kind == "box" and "x1" in columns else needed)]
        if kind in ASKED_WITH and "question" not in columns:
            required.append(ASKED_WITH[kind] or "question")
        unknown = [name for name in columns if name not in known]
        missing = [name for name in required if name not in columns]
        if unknown or missing:
            problem = f"does not know {unknown[0]!r}" if unknown else f"needs {missing[0]!r}"
            raise UsageError(
                f"ingest.sources ({self.source.dataset}): columns of kind {kind} {problem}; "
                f"its keys are {', '.join(known)}."
            )

    def _no_split(self) -> UsageError:
        return UsageError(
            f"ingest.sources ({self.source.dataset}): no split; "
            "set `split` or name its column in `columns`."
        )

    def _sample(self, raw: dict[str, Any] | BadRow, split: Split | None) -> Iterator[Row]:
        if isinstance(raw, BadRow):
            raise raw
        row = _mapped(raw, self.source.columns)
        video = self._video(row)
        start_s, end_s = (
            base.number(row[name], name) if name in row else None for name in ("start_s", "end_s")
        )

        def duration() -> float:
            return (self.info(video).duration_s if end_s is None else end_s) - (start_s or 0.0)

        labels = labels_of(self.source.kind, row, duration)
        name = str(row["id"]) if "id" in row else self._own_id(video, row)
        yield self.sample(
            name,
            row.get("source_id", video),
            _split(row) if split is None else split,
            Segment(video, start_s, end_s),
            self._question(row, name, labels[0]),
            *labels,
        )

    def _question(self, row: Mapping[str, Any], name: str, label: Label) -> tuple[str, str]:
        """The row's own question or one from a template, and the template's name ("given")."""
        kind = self.source.kind
        if "question" in row:
            question, template = str(row["question"]), base.GIVEN
        else:
            fields = {key: str(row[key]) for key in ("event", "object", "name") if key in row}
            needed = ASKED_WITH.get(kind, kind)
            if kind in ASKED_WITH and needed not in fields:
                raise BadRow(f"neither question nor {needed or 'another'} in the row; add one.")
            if kind == "box" and "label_at" in row:
                fields["time"] = base.in_seconds(base.number(row["label_at"], "label_at"))
            question, template = self.ask(kind, name, **fields)
        if isinstance(label, ChoiceLabel):
            question = with_options(question, label.options)
        return question, template

    def _video(self, row: Mapping[str, Any]) -> str:
        """Path of the row's video relative to the data folder."""
        value = row.get("video")
        embedded = isinstance(value, dict) and bool(value.get("bytes"))
        if isinstance(value, dict):
            value = value.get("path")
        if not value and embedded:
            raise EmbeddedVideo(
                "the video is inside of the table; save it as a file, name its path."
            )
        if not value:
            raise BadRow("the row names no video; add one or take the row out.")
        folder = self.data / self.source.videos
        try:
            # A full path, as `datasets` keeps it, is one inside of the folder or none of ours.
            path = (folder / str(value)).resolve() if Path(str(value)).is_absolute() else None
            tail = path.relative_to(folder.resolve()).as_posix() if path else str(value)
            relative = (Path(self.source.videos) / tail).as_posix()
            found = inside(self.data, relative).is_file()
        except (DataError, ValueError, OSError) as error:
            raise BadRow(f"video {value!r} is not a usable path ({error}).") from error
        if not found and embedded:
            raise EmbeddedVideo(f"{relative} is inside of the table only; save it as a file.")
        if not found:
            raise MissingVideo(f"{relative} is not in the data folder.")
        return relative

    def _own_id(self, video: str, row: Mapping[str, Any]) -> str:
        """An id for a row without one: the video's path, its times, and what else differs."""
        times = [f"{base.number(row[n], n):g}" for n in ("start_s", "end_s") if n in row]
        # One video may be asked about several events or objects; equal questions are duplicates.
        names = ["question", "event", "object", "name"]
        names += ["label_at"] if self.source.kind == "box" else []
        asked = [f"{name}={row[name]}" for name in names if name in row]
        parts = [f"{stable_hash(*asked):016x}"[:8]] if asked else []
        return "_".join([Path(video).with_suffix("").as_posix(), *times, *parts])


class HuggingFace(Table):
    """A folder that `save_to_disk` wrote, a data set or a dict of them.

    `split` chooses the parts of a dict that are of that split; null takes all parts by their names.
    """

    def rows(self) -> Iterator[Row]:
        source = self.source
        self._check_columns()
        for name, folder in splits_of(inside(self.data, source.annotations)).items():
            split = source.split
            if "split" not in source.columns:
                own = SPLITS.get((name or "").lower())
                split = split or own
                if split is None:
                    raise self._no_split()
                if own is not None and own != split:
                    continue
            table = arrow_rows(folder, source.columns.values())
            yield from self._samples(folder.relative_to(self.data).as_posix(), table, split)


def _mapped(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Our names to the row's values; absent and blank values are left out."""
    named = {ours: row.get(theirs) for ours, theirs in columns.items()}
    stripped = {k: v.strip() if isinstance(v, str) else v for k, v in named.items()}
    return {k: v for k, v in stripped.items() if not _is_blank(v)}


def _is_blank(value: object) -> bool:
    """Nothing, an empty text, or the NaN that data frames write for an empty cell."""
    return value is None or value == "" or (isinstance(value, float) and isnan(value))


def _split(row: Mapping[str, Any]) -> Split:
    value = str(row.get("split", "")).strip().lower()
    if value not in SPLITS:
        raise BadRow(f"split is {row.get('split', '')!r}; write train or test.")
    return SPLITS[value]
