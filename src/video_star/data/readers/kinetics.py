"""Kinetics-400/600/700: a CSV with (or without) a label column, or JSON, and a folder of clips.

Clips are found by their 11-character YouTube id and their times, whatever folder they lie in: flat,
by class, or by class with underscores. Formats: ActivityNet's and CVDF's CSV files, DeepMind's CSV
and JSON ({id: {"annotations": {"label", "segment": [start, end]}, ...}}), CVDF's clips.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from video_star.core.errors import DataError
from video_star.core.labels import ClassLabel
from video_star.core.paths import inside
from video_star.core.records import VideoSample
from video_star.core.sources import KineticsSource
from video_star.data.questions import ask
from video_star.data.readers import rows
from video_star.data.readers.json_files import json_value
from video_star.data.readers.rows import BadRow, EmptyLabel, MissingVideo, Row, RowError

SUFFIXES = (".mp4", ".webm", ".mkv", ".avi", ".mov")
_STEM = re.compile(r"([\w-]{11})(?:_(\d{1,6})_(\d{1,6}))?", re.ASCII)
_ID = re.compile(r"[\w-]{11}", re.ASCII)


@dataclass(frozen=True)
class ClipIndex:
    """Video files below a folder, by YouTube id and times; paths relative to the data folder."""

    clips: dict[tuple[str, int, int], str]
    whole: dict[str, str]
    """Files named by the bare id: whole recordings, out of which a clip is cut by its times."""


def index_clips(data: Path, folder: Path) -> ClipIndex:
    """Index a folder tree; of a clip that lies there twice the first path in sorted order."""
    if not folder.is_dir():
        raise DataError(
            f"{folder}: there is no such folder; correct `videos` under ingest.sources."
        )
    clips: dict[tuple[str, int, int], str] = {}
    whole: dict[str, str] = {}
    paths = (Path(top) / name for top, _, names in os.walk(folder) for name in names)
    for path in sorted(p for p in paths if p.suffix.lower() in SUFFIXES):
        match = _STEM.fullmatch(path.stem)
        relative = path.relative_to(data).as_posix()
        if match and match[2]:
            clips.setdefault((match[1], int(match[2]), int(match[3])), relative)
        elif match:
            whole.setdefault(match[1], relative)
    return ClipIndex(clips, whole)


def read_kinetics(source: KineticsSource, data: Path, seed: int) -> Iterator[Row]:
    """Samples of one annotation file in its order; a row that cannot be used becomes a Failure.

    The split is the source's, not the file's: Kinetics' own "val" may serve as either.
    """
    path = rows.annotation_path(data, source.annotations)
    table = _json_rows(path) if path.suffix.lower() == ".json" else _csv_rows(path)
    index = index_clips(data, inside(data, source.videos))
    for place, row in table:
        try:
            yield _sample(source, row, index, seed)
        except RowError as error:
            yield rows.failure(f"{source.annotations}:{place}", error)


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    missing = {"youtube_id", "time_start", "time_end"} - set(rows.csv_header(path))
    if missing:
        raise DataError(
            f"{path}: no column {', '.join(sorted(missing))}; a Kinetics CSV has the header "
            "label,youtube_id,time_start,time_end,split."
        )
    for line, row in rows.csv_rows(path):
        yield str(line), row


def _json_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """DeepMind's entries as rows of the CSV; what an entry lacks its row lacks."""
    value = json_value(path)
    if not isinstance(value, dict):
        raise DataError(f"{path}: not a mapping of YouTube ids; name one of DeepMind's JSON files.")
    for video, entry in value.items():
        row = {"youtube_id": video}
        notes = entry.get("annotations") if isinstance(entry, dict) else None
        if isinstance(notes, dict):
            if isinstance(notes.get("label"), str):
                row["label"] = notes["label"]
            segment = notes.get("segment")
            if isinstance(segment, list) and len(segment) == 2:
                row["time_start"], row["time_end"] = map(str, segment)
        yield video, row


def _sample(
    source: KineticsSource, row: dict[str, str], index: ClipIndex, seed: int
) -> VideoSample:
    label = row.get("label", "").strip("\"'").strip()
    if not label:
        raise EmptyLabel(f"{row.get('youtube_id')} has no label; add one or take the row out.")
    key = clip_key(row)
    video, start_s, end_s = _locate(key, index)
    name = f"{key[0]}_{key[1]:06d}_{key[2]:06d}"
    sample_id = f"{source.dataset}/{name}"
    question, template = ask("class", sample_id, seed)
    return rows.sample_of(
        id=sample_id,
        dataset=source.dataset,
        video=video,
        start_s=start_s,
        end_s=end_s,
        source_id=f"{source.dataset}/{key[0]}",
        split=source.split,
        question=question,
        question_template=template,
        labels=(ClassLabel(name=label),),
    )


def clip_key(row: dict[str, str]) -> tuple[str, int, int]:
    """YouTube id, start and end (whole seconds, as in the file names) of a row; BadRow if unfit."""
    video = row.get("youtube_id", "")
    if not _ID.fullmatch(video):
        raise BadRow(f"youtube_id is {video!r}, not 11 characters of A-Z a-z 0-9 - _.")
    start = rows.number(row.get("time_start", ""), "time_start")
    end = rows.number(row.get("time_end", ""), "time_end")
    if not 0 <= start < end:
        raise BadRow(f"{video} runs from {start:g} to {end:g} seconds; the end must be later.")
    return video, int(start), int(end)


def _locate(key: tuple[str, int, int], index: ClipIndex) -> tuple[str, float | None, float | None]:
    if key in index.clips:
        return index.clips[key], None, None
    if key[0] in index.whole:
        return index.whole[key[0]], float(key[1]), float(key[2])
    raise MissingVideo(f"{key[0]} ({key[1]} to {key[2]} s) is not among the videos.")
