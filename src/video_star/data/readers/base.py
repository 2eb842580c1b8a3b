"""What all readers share: their contract, text files, the fields of a row, finding videos."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TextIO, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from video_star.core.errors import DataError, VideoError
from video_star.core.excerpt import cut, excerpt
from video_star.core.labels import Label, say_box, say_seconds
from video_star.core.labels.cells import BadRow, RowError, number
from video_star.core.paths import inside
from video_star.core.records import Failure, Split, VideoSample
from video_star.data import questions
from video_star.video.decode import VideoInfo
from video_star.video.isolated import LIMITS, Limits, probe_apart

STEP = "ingest"
SUFFIXES = (".mp4", ".webm", ".mkv", ".avi", ".mov")
"""Of video files."""
GIVEN = "given"
"""Template name of questions that come from the annotations."""
Row: TypeAlias = VideoSample | Failure
UNUSABLE = (DataError, ValueError, OSError, RuntimeError)
"""What a path raises that leads out of the data folder, holds a NUL, is too long, or is a loop of
links (a RuntimeError before Python 3.13)."""
NO_TEXT = {b"PK\x03\x04": "an Excel or zip file", b"PAR1": "Parquet under another suffix"}
"""First bytes of files that people take for tables of text."""
_MESSAGE = 500
"""Characters of a message about a row."""
T = TypeVar("T")


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
    """The folder of the videos; an absolute path lies below one of settings.video_roots."""
    checksums: str | None = None
    """What `sha256sum` says of the videos, which DVC tracks in the place of those elsewhere."""


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
    limits: Limits = LIMITS
    """Of reading a video's length and size."""
    video_roots: tuple[Path, ...] = ()
    """Folders outside of the data folder that videos may be in."""

    def rows(self) -> Iterator[Row]:
        """The samples in the order of the annotations, and a Failure for each that is left out.

        DataError where a file is missing, unreadable or of another layout.
        """
        raise NotImplementedError

    def annotation_file(self, relative: str | None = None) -> Path:
        """A file inside the data folder (`annotations` by default); DataError if there is none."""
        path = self.inside(self.source.annotations if relative is None else relative)
        if not path.is_file():
            raise DataError(
                f"{path}: there is no such annotation file; "
                "correct `annotations` under ingest.sources."
            )
        return path

    def inside(self, name: str) -> Path:
        """A path below the data folder or a video root; DataError when it leads elsewhere."""
        try:
            return inside(self.data, name, self.video_roots)
        except DataError:
            raise
        except UNUSABLE as error:
            raise DataError(f"{name}: not a usable path ({error}); correct it.") from error

    def check_videos(self) -> None:
        """DataError when the folder of videos is not there."""
        if not self.inside(self.source.videos).is_dir():
            raise DataError(
                f"{self.data / self.source.videos}: there is no such folder; "
                "correct `videos` under ingest.sources."
            )

    def video_files(self) -> Iterator[tuple[str, str]]:
        """Stem and path of all files below the folder of videos, in the order of the paths."""
        self.check_videos()
        for path in sorted(p for p in self._walk() if p.suffix.lower() in SUFFIXES):
            yield path.stem, self._named(path)

    def _walk(self) -> Iterator[Path]:
        """All files below the folder of videos, also behind links to folders, each folder once."""
        seen: set[tuple[int, int]] = set()
        for top, below, names in os.walk(self.data / self.source.videos, followlinks=True):
            folder = Path(top)
            state = folder.stat()
            if (state.st_dev, state.st_ino) in seen:
                below.clear()
                continue
            seen.add((state.st_dev, state.st_ino))
            for link in (folder / name for name in below):
                if link.is_symlink():
                    self.inside(self._named(link))
            yield from (folder / name for name in names)

    def _named(self, path: Path) -> str:
        """A path as samples have it: relative to the data folder, or absolute."""
        own = path.is_relative_to(self.data)
        return (path.relative_to(self.data) if own else path).as_posix()

    def first_file(self, candidates: Iterable[str]) -> str | None:
        """The first of the paths that is a file; BadRow for one outside of the data folder."""
        for relative in candidates:
            try:
                if self.inside(relative).is_file():
                    return relative
            except UNUSABLE as error:
                raise unusable_path(relative, error) from error
        return None

    def find_video(self, candidates: list[str], name: str) -> str:
        """As `first_file`, with MissingVideo when none of the paths is a file."""
        found = self.first_file(candidates)
        if found is None:
            places = cut(" or ".join(candidates), _MESSAGE)
            raise MissingVideo(f"{cut(name)} is not in the data folder as {places}.")
        return found

    @cached_property
    def info(self) -> Callable[[str], VideoInfo]:
        """Duration, rate and size of a video, probed once; VideoError."""
        return lru_cache(maxsize=1 << 16)(lambda video: probe_apart(self.data / video, self.limits))

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
        """The sample `name` of a recording (both unique in the data set).

        ValidationError for fields that no sample has, BadRow for a video behind a link that leads
        out, MissingVideo for one whose link leads nowhere.
        """
        dataset = self.source.dataset
        try:
            path = self.inside(shown.video)
        except DataError as error:
            raise BadRow(str(error)) from error
        if not path.exists():
            raise MissingVideo(f"{cut(shown.video)} is a link to a file that is not there.")
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


def failure(where: str, error: Exception) -> Failure:
    """A row's error as the Failure that is counted and written down, of bounded length."""
    message = str(error).encode("utf-8", "backslashreplace").decode("utf-8")
    where = where.encode("utf-8", "backslashreplace").decode("utf-8")
    name = type(error).__name__
    return Failure(
        sample_id=cut(where, _MESSAGE), step=STEP, error=name, message=cut(message, _MESSAGE)
    )


def counted(where: str, found: Iterable[T]) -> Iterator[T | Failure]:
    """What an iterable yields; a row or video that cannot be used ends it as a Failure.

    So does a label or sample whose fields are not what their record allows: a BadRow.
    """
    try:
        yield from found
    except (RowError, VideoError) as error:
        yield failure(where, error)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "row"
        problem = first["msg"].removeprefix("Value error, ")
        yield failure(where, BadRow(f"{field}: {problem}; correct the row."))


def unusable_path(path: str, error: Exception) -> BadRow:
    """The BadRow of a path that raised one of UNUSABLE."""
    if isinstance(error, DataError):
        return BadRow(f"video {cut(str(error), _MESSAGE)}")
    problem = cut(str(error), _MESSAGE)
    return BadRow(f"video {excerpt(path)} is not a usable path ({problem}); correct it.")


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """A text file in UTF-8, UTF-16 or UTF-32, told by its first bytes; line ends are kept.

    DataError when it cannot be read, with the line of a byte that is no UTF-8.
    """
    try:
        with path.open("rb") as raw:
            start = raw.read(4)
        encoding = json.detect_encoding(start)
        if start in NO_TEXT:
            raise DataError(f"{path}: {NO_TEXT[start]}; save its table as CSV.")
        with path.open(encoding=encoding, newline="") as file:
            yield file
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); replace the file.") from error
    except UnicodeError as error:
        where = _first_that_is_not_utf8(path) if encoding.startswith("utf-8") else f" ({error})"
        raise DataError(
            f"{path}{where}: neither UTF-8 nor UTF-16 text; save the file as UTF-8."
        ) from error


def _first_that_is_not_utf8(path: Path) -> str:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return f":{number} (byte 0x{line[error.start]:02x})"
    return ""


def column_of(name: str, present: Container[str]) -> str:
    """The column that a name or a path ("segment.0") is about, among those that are present."""
    return name if name in present else name.partition(".")[0]


def open_text(path: Path) -> Iterator[str]:
    """Lines of a text file as `opened` reads it, with or without byte order mark."""
    with opened(path) as file:
        yield from file


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
        raise BadRow(f"{name} is {excerpt(value)}, not a text; correct the annotation.")
    return str(value).strip()


def interval(name: str, row: Mapping[str, Any], start: str, end: str) -> tuple[float, float]:
    """Start and end in seconds from two fields of a row; BadRow when they are not in order."""
    first, last = number(row.get(start), start), number(row.get(end), end)
    if not 0 <= first < last:
        raise BadRow(f"{cut(name)} runs from {first:g} to {last:g} seconds; the end must be later.")
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
