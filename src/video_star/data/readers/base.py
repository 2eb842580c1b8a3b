"""What all readers share: their contract, annotation files and their fields, finding videos.

CSV is read by the csv module and a JSON list item by item by the json module. On 1,000,000 rows
pyarrow.csv takes 0.7 to 1.0 of the time and 2.4 times the memory, and it refuses a whole file for
one short row; on 169 MB of JSON ijson takes 1.0 to 1.1 of the time and refuses a whole file for one
NaN.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from video_star.core.errors import DataError, VideoError, VideoStarError
from video_star.core.labels import Label, say_box, say_seconds
from video_star.core.paths import inside
from video_star.core.records import Failure, Split, VideoSample
from video_star.data import questions
from video_star.video.decode import VideoInfo, probe

STEP = "ingest"
SUFFIXES = (".mp4", ".webm", ".mkv", ".avi", ".mov")
"""Of video files."""
GIVEN = "given"
"""Template name of questions that come from the annotations."""
Row: TypeAlias = VideoSample | Failure
T = TypeVar("T")


class RowError(VideoStarError):
    """One row cannot be used; becomes a counted Failure named after the subclass."""


class EmptyLabel(RowError):
    """The row has no label, or the file has no label column."""


class BadRow(RowError):
    """A field of the row is missing or not what it should be."""


class MissingVideo(RowError):
    """The row's video is not in the data folder."""


class DuplicateId(RowError):
    """An earlier row has the same sample id."""


class Source(BaseModel):
    """Base of a reader's section of `ingest.sources`; paths are relative to data/."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reader: str
    dataset: str
    """Short name; becomes the first part of every sample id."""
    annotations: str
    videos: str


class SourceOfOneSplit(Source):
    """A source whose samples are all of one split, whatever its files call it."""

    split: Literal["train", "test"]


S = TypeVar("S", bound=Source)


@dataclass(frozen=True)
class Segment:
    """A video relative to the data folder, or a part of it in seconds."""

    video: str
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True)
class Reader(Generic[S]):
    """Makes samples of one source; `Section` is the class of its section in params.yaml."""

    Section: ClassVar[type[Source]]
    source: S
    data: Path
    """The data folder."""
    seed: int

    def rows(self) -> Iterator[Row]:
        """The samples in the order of the annotations, and a Failure for each that is left out.

        DataError where a file is missing, unreadable or of another layout.
        """
        raise NotImplementedError

    def annotation_file(self, relative: str | None = None) -> Path:
        """A file inside the data folder (`annotations` by default); DataError if there is none."""
        path = inside(self.data, self.source.annotations if relative is None else relative)
        if not path.is_file():
            raise DataError(
                f"{path}: there is no such annotation file; "
                "correct `annotations` under ingest.sources."
            )
        return path

    def check_videos(self) -> None:
        """DataError when the folder of videos is not there."""
        if not inside(self.data, self.source.videos).is_dir():
            raise DataError(
                f"{self.data / self.source.videos}: there is no such folder; "
                "correct `videos` under ingest.sources."
            )

    def video_files(self) -> Iterator[tuple[str, str]]:
        """Stem and path of all files below the folder of videos, in the order of the paths."""
        self.check_videos()
        tree = os.walk(self.data / self.source.videos)
        paths = (Path(top) / name for top, _, names in tree for name in names)
        for path in sorted(p for p in paths if p.suffix.lower() in SUFFIXES):
            yield path.stem, path.relative_to(self.data).as_posix()

    def first_file(self, candidates: Iterable[str]) -> str | None:
        """The first of the paths that is a file; BadRow for one outside of the data folder."""
        for relative in candidates:
            try:
                if inside(self.data, relative).is_file():
                    return relative
            except (DataError, ValueError, OSError) as error:
                raise BadRow(f"video {relative!r} is not a usable path ({error}).") from error
        return None

    def find_video(self, candidates: list[str], name: str) -> str:
        """As `first_file`, with MissingVideo when none of the paths is a file."""
        found = self.first_file(candidates)
        if found is None:
            raise MissingVideo(f"{name} is not in the data folder as {' or '.join(candidates)}.")
        return found

    @cached_property
    def info(self) -> Callable[[str], VideoInfo]:
        """Duration, rate and size of a video, probed once; VideoError."""
        return lru_cache(maxsize=1 << 16)(lambda video: probe(self.data / video))

    def ask(self, kind: str, name: str, /, **fields: str) -> tuple[str, str]:
        """The question for the sample `name`, and the name of its template."""
        return questions.ask(kind, f"{self.source.dataset}/{name}", self.seed, **fields)

    def sample(
        self,
        name: str,
        recording: str,
        split: Split,
        shown: Segment,
        question: tuple[str, str],
        *labels: Label,
    ) -> VideoSample:
        """The sample `name` of a recording (both unique in the data set); BadRow if it is none."""
        dataset = self.source.dataset
        try:
            return VideoSample(
                id=f"{dataset}/{name}",
                dataset=dataset,
                video=shown.video,
                start_s=shown.start_s,
                end_s=shown.end_s,
                source_id=f"{dataset}/{recording}",
                split=split,
                question=question[0],
                question_template=question[1],
                labels=labels,
            )
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "row"
            raise BadRow(f"{where}: {first['msg']}; correct the row.") from error


def failure(where: str, error: Exception) -> Failure:
    """A row's error as the Failure that is counted and written down."""
    return Failure(sample_id=where, step=STEP, error=type(error).__name__, message=str(error))


def counted(where: str, found: Iterable[T]) -> Iterator[T | Failure]:
    """What an iterable yields; a row or video that cannot be used ends it as a Failure."""
    try:
        yield from found
    except (RowError, VideoError) as error:
        yield failure(where, error)


def open_text(path: Path) -> Iterator[str]:
    """Lines of a UTF-8 file, with or without byte order mark; DataError when it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from file
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: cannot be read as UTF-8 text ({error}); save it as UTF-8."
        ) from error


def csv_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line numbers and rows of a CSV file by its header; names and values stripped.

    A field that a short row lacks is absent from its dict. DataError for a file that is no CSV.
    """
    rows = csv.reader(open_text(path))
    try:
        header = [name.strip() for name in next(rows, [])]
        for row in rows:
            if row:
                yield rows.line_num, {n: v.strip() for n, v in zip(header, row, strict=False)}
    except csv.Error as error:
        raise DataError(f"{path}:{rows.line_num}: not CSV ({error}); correct that line.") from error


def csv_header(path: Path) -> tuple[str, ...]:
    """The column names of a CSV file."""
    return tuple(name.strip() for name in next(csv.reader(open_text(path)), []))


def json_value(path: Path) -> Any:
    """The whole content of a JSON file; DataError when it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error


def json_items(path: Path) -> Iterator[tuple[int, Any]]:
    """Number (from 1) and value of each item of a file that holds one JSON list.

    Only one item is in memory at a time, as such a file may be larger than memory (MOMA-LRG's has
    1 GB). DataError when the file is no list, or breaks off.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from enumerate(_list_items(file.read), start=1)
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: cannot be read as JSON ({error}); save it again as UTF-8 JSON.")


_CHUNK = 1 << 20
"""Characters read at once; an item that does not fit is tried again with twice as many."""
_MARK = re.compile(r"[ \t\r\n]*(\S?)[ \t\r\n]*")
"""The bracket or comma before an item."""


def _list_items(read: Callable[[int], str]) -> Iterator[Any]:
    """The items of a JSON list that is read in pieces; ValueError for anything else."""
    decode = json.JSONDecoder().raw_decode
    text, at, before, ended = "", 0, "[", False
    while True:
        found = _MARK.match(text, at)
        mark, start = (found[1], found.end()) if found else ("", at)
        if mark == "]" and before == ",":
            return
        if mark and mark != before:
            raise ValueError(f"{mark!r} in place of {before!r}")
        if before == "[" and text[start : start + 1] == "]":
            return
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


def number(value: object, name: str) -> float:
    """A finite number from a field, or BadRow."""
    try:
        result = float(str(value))
    except ValueError:
        raise BadRow(f"{name} is {value!r}, not a number; correct the row.") from None
    if not abs(result) < float("inf"):
        raise BadRow(f"{name} is {value!r}; it must be finite.")
    return result


def interval(name: str, row: Mapping[str, Any], start: str, end: str) -> tuple[float, float]:
    """Start and end in seconds from two fields of a row; BadRow when they are not in order."""
    first, last = number(row.get(start), start), number(row.get(end), end)
    if not 0 <= first < last:
        raise BadRow(f"{name} runs from {first:g} to {last:g} seconds; the end must be later.")
    return first, last


def in_seconds(time: float) -> str:
    """A time with its unit, as questions give it."""
    return f"{say_seconds(time)} seconds"


Box: TypeAlias = tuple[float, float, float, float]


def compared(first: tuple[Box, float], second: tuple[Box, float]) -> dict[str, str]:
    """The fields of a "same_at" question about two boxes, each with its time in seconds."""
    return {
        "first": say_box(first[0]),
        "first_time": in_seconds(first[1]),
        "second": say_box(second[0]),
        "second_time": in_seconds(second[1]),
    }


def as_sentences(parts: Iterable[str]) -> str:
    """Remarks as one text, each with a mark at its end."""
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in parts)
