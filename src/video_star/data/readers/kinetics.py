"""Kinetics-400/600/700: a CSV with (or without) a label column, or JSON, and a folder of clips.

Clips are found by their 11-character YouTube id and their times, whatever folder they lie in: flat,
by class, or by class with underscores. Formats: ActivityNet's and CVDF's CSV files, DeepMind's CSV
and JSON ({id: {"annotations": {"label", "segment": [start, end]}, ...}}), CVDF's clips. A clip that
lies there twice is taken from the first path in sorted order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from video_star.core.errors import DataError
from video_star.core.excerpt import cut, excerpt
from video_star.core.labels import ClassLabel
from video_star.core.labels.cells import BadRow, EmptyLabel
from video_star.data.readers import base
from video_star.data.readers.base import MissingVideo, Reader, Row, Segment
from video_star.data.readers.csv_files import csv_rows
from video_star.data.readers.json_files import json_value

COLUMNS = ("label", "youtube_id", "time_start", "time_end")
_STEM = re.compile(r"([\w-]{11})(?:_(\d{1,6})_(\d{1,6}))?", re.ASCII)
_ID = re.compile(r"[\w-]{11}", re.ASCII)
Clip: TypeAlias = tuple[str, int, int]
"""YouTube id, start and end in whole seconds, as in file names."""


class KineticsSource(base.SourceOfOneSplit):
    """`annotations`: a CSV or DeepMind's JSON; `videos`: the folder of clips."""


class Kinetics(Reader[KineticsSource]):
    Section = KineticsSource

    def rows(self) -> Iterator[Row]:
        path = self.annotation_file()
        self.check_videos()
        table = _json_rows(path) if path.suffix.lower() == ".json" else _csv_rows(path)
        for place, row in table:
            yield from base.counted(f"{self.source.annotations}:{place}", self._row(row))

    def _row(self, row: dict[str, str] | BadRow) -> Iterator[Row]:
        if isinstance(row, BadRow):
            raise row
        label = row.get("label", "").strip("\"'").strip()
        if not label:
            raise EmptyLabel(
                f"{cut(row.get('youtube_id', ''))} has no label; add one or take the row out."
            )
        clip = clip_of(row)
        name = f"{clip[0]}_{clip[1]:06d}_{clip[2]:06d}"
        shown, question = self._find(clip), self.ask("class", name)
        named = ClassLabel(name=label)
        yield self.sample(name, clip[0], self.source.split, shown, question, named)

    @cached_property
    def _files(self) -> dict[Clip | str, str]:
        """Video files by clip, and whole recordings by their bare id."""
        files: dict[Clip | str, str] = {}
        for stem, path in self.video_files():
            if match := _STEM.fullmatch(stem):
                clip = (match[1], int(match[2]), int(match[3])) if match[2] else match[1]
                files.setdefault(clip, path)
        return files

    def _find(self, clip: Clip) -> Segment:
        """The file of a clip, or the part of the whole recording that it is."""
        name, start, end = clip
        if clip in self._files:
            return Segment(self._files[clip])
        if name in self._files:
            return Segment(self._files[name], float(start), float(end))
        raise MissingVideo(f"{name} ({start} to {end} s) is not among the videos.")


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, str] | BadRow]]:
    remedy = (
        "a Kinetics CSV has the header label,youtube_id,time_start,time_end,split (the published "
        "lists of the test split have no labels, so nothing can be learned or measured with them)"
    )
    for line, row in csv_rows(path, COLUMNS, remedy):
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


def clip_of(row: dict[str, str]) -> Clip:
    """The clip of a row; BadRow if its id or its times cannot be."""
    video = row.get("youtube_id", "")
    if not _ID.fullmatch(video):
        raise BadRow(f"youtube_id is {excerpt(video)}, not 11 characters of A-Z a-z 0-9 - _.")
    times = {"time_start": "", "time_end": "", **row}
    start, end = base.interval(video, times, "time_start", "time_end")
    return video, int(start), int(end)
