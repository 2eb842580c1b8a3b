"""Any table with one labelled clip per row: CSV, JSON, Parquet, or a saved `datasets` folder.

`columns` maps our names to the file's; table_columns.py has the forms of a column. `video` is
needed, and for each kind of label the columns that table_labels.py lists. Optional columns:

    id                  of the row; without it one is made of the video, its times and its question
    split               train or test, under any of their usual names
    source_id           the recording that the clip was cut from; without it the video
    start_s, end_s      the part of the file that is the clip, in seconds or as h:mm:ss.ff
    question            the row's own question; without it a template of the kind is chosen
    event, object, name what the template asks about: span and time, box (without an article), score

A video may be named without its suffix, and without its folder where only one file has the name.
The id of the records of {id: {...}} is the column "(key)".

A row that has neither a question of its own nor what its template needs is left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from video_star.core.errors import DataError, UsageError
from video_star.core.excerpt import cut, excerpt
from video_star.core.hashing import stable_hash
from video_star.core.labels import KINDS, ChoiceLabel, Label, cells
from video_star.core.labels.cells import BadRow, EmptyLabel, RowError
from video_star.core.prompts import with_options
from video_star.core.records import Split
from video_star.data.questions import FIELDS
from video_star.data.readers import base
from video_star.data.readers.base import MissingVideo, Reader, Row, Segment
from video_star.data.readers.table_columns import Spec, item_by_item, mapped, named_in
from video_star.data.readers.table_files import Placed, arrow_rows, rows_of, splits_of
from video_star.data.readers.table_labels import SEVERAL, by_window, columns_of, labels_of

OPTIONAL = ("id", "split", "source_id", "start_s", "end_s", "question")
SPLITS: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing", "val", "valid", "validate", "validation"), "test"),
}
"""Held-out parts by any of their usual names are "test"."""
NO_SPLIT = "no split; set `split` or name its column in `columns`"


class EmbeddedVideo(RowError):
    """The row holds the bytes of its video; clips are read from files only."""


class Join(BaseModel):
    """Columns of another file, found by the value of a column that both have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    annotations: str
    by: str
    key: str | None = None
    """What `by` is called in the other file, where that is another name."""
    columns: tuple[str, ...] = Field(min_length=1)


class TableSource(base.Source):
    """`annotations`: the file; for huggingface the folder that `save_to_disk` wrote."""

    kind: str
    """Kind of every row's label, or `labels` for a column of labels as JSON."""
    columns: dict[str, Spec]
    """Our names to the file's; the module and table_labels.py list them for each kind."""
    split: Literal["train", "test"] | None
    """Split of every row, or null when a column has it."""
    each: tuple[str, ...] = ()
    """Columns that hold lists of one length: every item of them is a row of its own."""
    join: Join | None = None
    """A second file with more columns, such as the answers to the questions of the first."""
    line: str | None = None
    """The form of the lines of a text file, columns in braces: "{video} {start} {end}##{text}"."""

    @model_validator(mode="after")
    def _can_be_read(self) -> TableSource:
        kind, columns = self.kind, self.columns
        if kind not in (*KINDS, SEVERAL):
            names = ", ".join((*KINDS, SEVERAL))
            raise ValueError(f"there is no kind {kind!r}; they are {names}")
        if self.line is not None and self.reader != "table":
            raise ValueError("line goes with reader: table")
        if self.reader == "table" and self.split is None and "split" not in columns:
            raise ValueError(NO_SPLIT)
        needed, optional = columns_of(kind, columns)
        known = tuple(dict.fromkeys(("video", *needed, *optional, *OPTIONAL)))
        required = ["video", *needed]
        if "question" not in columns:
            required += _asked_with(kind)
        unknown = [name for name in columns if name not in known]
        missing = [name for name in required if name not in columns]
        if unknown or missing:
            problem = f"does not know {unknown[0]!r}" if unknown else f"needs {missing[0]!r}"
            keys = ", ".join(known)
            raise ValueError(f"columns of kind {kind} {problem}; its keys are {keys}")
        return self


class Table(Reader[TableSource]):
    Section = TableSource

    def rows(self) -> Iterator[Row]:
        source = self.source
        path = self.annotation_file()
        table = rows_of(path, self._columns(), source.line)
        yield from self._samples(source.annotations, table, source.split)

    def _columns(self) -> list[str]:
        """The columns that the annotations must have."""
        source = self.source
        joined = source.join.columns if source.join else ()
        named = named_in([*source.columns.values(), *source.each])
        keys = [source.join.by] if source.join else []
        return list(dict.fromkeys([*(name for name in named if name not in joined), *keys]))

    def _samples(self, place: str, table: Iterator[Placed], split: Split | None) -> Iterator[Row]:
        self.check_videos()
        for number, row in table:
            yield from base.counted(f"{place}:{number}", self._row(row, f"{place}:{number}", split))

    def _row(self, raw: dict[str, Any] | BadRow, place: str, split: Split | None) -> Iterator[Row]:
        """The samples of a row, of each of its items, and of each of its windows."""
        if isinstance(raw, BadRow):
            raise raw
        source = self.source
        if source.join is not None:
            raw = {**raw, **self._joined(raw, source.join)}
        for number, item in enumerate(item_by_item(raw, source.each) if source.each else [raw], 1):
            where = f"{place}:{number}" if source.each else place
            yield from base.counted(where, self._item(item, number, where, split))

    def _item(
        self, item: Mapping[str, Any], number: int, place: str, split: Split | None
    ) -> Iterator[Row]:
        source = self.source
        row = mapped(item, source.columns)
        ending = ""
        if source.each and "id" in row:
            own = {base.column_of(name, source.each) for name in named_in([source.columns["id"]])}
            ending = "" if own & {*source.each} else f"/{number}"
        if "windows" not in row:
            yield from self._sample(row, ending, split)
            return
        for window, one in enumerate(by_window(row), start=1):
            where = f"{place}:{window}"
            yield from base.counted(where, self._sample(one, f"{ending}/{window}", split))

    def _joined(self, row: Mapping[str, Any], join: Join) -> Mapping[str, Any]:
        key = str(row.get(join.by))
        found = self._others.get(key)
        if found is None:
            raise EmptyLabel(
                f"{cut(join.by)} {excerpt(key)} is not in {join.annotations}; add it there."
            )
        return found

    @cached_property
    def _others(self) -> dict[str, dict[str, Any]]:
        """The columns of the other file by what both have; DataError for a row that is none."""
        join = self.source.join
        assert join is not None
        found: dict[str, dict[str, Any]] = {}
        path, by = self.annotation_file(join.annotations), join.key or join.by
        for place, row in rows_of(path, [by, *join.columns]):
            if isinstance(row, BadRow):
                raise DataError(f"{path}:{place}: {row}")
            key = str(row.get(by))
            if key in found:
                raise DataError(f"{path}:{place}: {by} {excerpt(key)} is there twice; keep one.")
            found[key] = {name: row.get(name) for name in join.columns}
        return found

    def _sample(self, row: Mapping[str, Any], ending: str, split: Split | None) -> Iterator[Row]:
        """The sample of a row by our names; `ending` tells it from others of the same id."""
        video = self._video(row)
        start_s, end_s = (
            cells.seconds(row[name], name) if name in row else None for name in ("start_s", "end_s")
        )

        def duration() -> float:
            return (self.info(video).duration_s if end_s is None else end_s) - (start_s or 0.0)

        labels = labels_of(self.source.kind, row, duration)
        name = (_text(row, "id") if "id" in row else self._own_id(video, row)) + ending
        yield self.sample(
            name,
            _text(row, "source_id") if "source_id" in row else self._short(video),
            _split(row) if split is None else split,
            Segment(video, start_s, end_s),
            self._question(row, name, labels[0]),
            *labels,
        )

    def _question(self, row: Mapping[str, Any], name: str, label: Label) -> tuple[str, str]:
        """The row's own question or one from a template, and the template's name ("given")."""
        kind = self.source.kind
        if "question" in row:
            question, template = _text(row, "question"), base.GIVEN
        else:
            fields = {key: _text(row, key) for key in ("event", "object", "name") if key in row}
            if any(name not in fields for name in _asked_with(kind)):
                needed = " or ".join(dict.fromkeys(("question", *_asked_with(kind))))
                raise BadRow(f"no {needed} in the row; add one.")
            if kind == "box" and "label_at" in row:
                fields["time"] = base.in_seconds(cells.seconds(row["label_at"], "label_at"))
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
        name = _text({"video": value}, "video")
        folder = self.data / self.source.videos
        try:
            # A full path, as `datasets` keeps it, is one inside of the folder or none of ours.
            path = (folder / name).resolve() if Path(name).is_absolute() else None
            tail = path.relative_to(folder.resolve()).as_posix() if path else name
        except base.UNUSABLE as error:
            raise base.unusable_path(name, error) from error
        relative = (PurePosixPath(self.source.videos) / tail).as_posix()
        found = self.first_file([relative, *(relative + suffix for suffix in base.SUFFIXES)])
        if found is None and "/" not in tail:
            found = self._below(tail)
        if found is None and embedded:
            raise EmbeddedVideo(f"{cut(relative)} is inside of the table only; save it as a file.")
        if found is None:
            raise MissingVideo(f"{cut(relative)} is not in the data folder.")
        return found

    def _below(self, name: str) -> str | None:
        """The file of that name or stem in some folder below; BadRow where there are several."""
        places = self._named_files.get(name, [])
        if len(places) > 1:
            first = " and ".join(map(cut, places[:2]))
            raise BadRow(f"video {excerpt(name)} may be {first}; name its folder too.")
        return next(iter(places), None)

    @cached_property
    def _named_files(self) -> dict[str, list[str]]:
        """All video files below the folder, by name and by name without suffix."""
        found: dict[str, list[str]] = {}
        for stem, path in self.video_files():
            for name in (PurePosixPath(path).name, stem):
                found.setdefault(name, []).append(path)
        return found

    def _own_id(self, video: str, row: Mapping[str, Any]) -> str:
        """An id for a row without one: the video's path, its times, and what else differs."""
        times = [_plain(cells.seconds(row[n], n)) for n in ("start_s", "end_s") if n in row]
        # One video may be asked about several events or objects; equal questions are duplicates.
        names = ["question", "event", "object", "name"]
        names += ["label_at"] if self.source.kind == "box" else []
        asked = [f"{name}={row[name]}" for name in names if name in row]
        parts = [f"{stable_hash(*asked):016x}"[:8]] if asked else []
        # The suffix is kept, but for the most usual one: a.mp4 and a.webm are two videos.
        return "_".join([self._short(video).removesuffix(".mp4"), *times, *parts])

    def _short(self, video: str) -> str:
        """A video by its path below data/, or of one elsewhere below the folder of videos."""
        path = PurePosixPath(video)
        return (path.relative_to(self.source.videos) if path.is_absolute() else path).as_posix()


class HuggingFace(Table):
    """A folder that `save_to_disk` wrote, a data set or a dict of them.

    `split` chooses the parts of a dict that are of that split; null takes all parts by their names.
    """

    def rows(self) -> Iterator[Row]:
        source = self.source
        for name, folder in splits_of(self.inside(source.annotations)).items():
            split = source.split
            if "split" not in source.columns:
                own = SPLITS.get((name or "").lower())
                split = split or own
                if split is None:
                    raise UsageError(f"ingest.sources ({source.dataset}): {NO_SPLIT}.")
                if own is not None and own != split:
                    continue
            table = arrow_rows(folder, self._columns())
            yield from self._samples(folder.relative_to(self.data).as_posix(), table, split)


def _asked_with(kind: str) -> list[str]:
    """The columns that a row without a question of its own is asked with, by a template."""
    return sorted(FIELDS.get(kind, ("question",)))


def _plain(time: float) -> str:
    """A time as ids have it, all of its digits."""
    return f"{time:g}" if float(f"{time:g}") == time else repr(time)


def _text(row: Mapping[str, Any], name: str) -> str:
    """A field that is a text or a number."""
    value = row[name]
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise BadRow(f"{name} is {excerpt(value)}, not a text; correct the row.")
    return str(value)


def _split(row: Mapping[str, Any]) -> Split:
    value = str(row.get("split", "")).strip().lower()
    if value not in SPLITS:
        raise BadRow(f"split is {excerpt(row.get('split', ''))}; write train or test.")
    return SPLITS[value]
