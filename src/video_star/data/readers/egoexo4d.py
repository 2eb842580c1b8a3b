"""Ego-Exo4D: takes.json, the annotation files of one part, and the frame-aligned videos.

Question types, each on a stretch of `window` seconds around the annotated time:
- atomic_descriptions: `text` (what happens at a time) and `time` (when something happens);
- expert_commentary: `commentary`;
- proficiency_demonstration: `good_execution` and `tips`;
- proficiency_demonstrator: `proficiency` (one of four levels), anywhere in the take.

With `view: best_exo` an event is shown by the camera that its description calls best, or else by
the take's best one; where none is named, and with `view: ego`, by the glasses' camera.

The files come as {"annotations": ...} or bare. Flags are booleans, or the texts "0" and "1"; a
list of remarks is a list, or the text of a Python list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeAlias

from pydantic import Field

from video_star.core.errors import DataError
from video_star.core.excerpt import excerpt
from video_star.core.hashing import stable_index
from video_star.core.labels import ClassLabel, Label, TextLabel, TimeLabel, cells
from video_star.core.labels.cells import BadRow, EmptyLabel, RowError
from video_star.core.records import Failure
from video_star.data.readers import base
from video_star.data.readers.base import Reader, Row, Segment
from video_star.data.readers.json_files import json_items, json_value

FILES = {
    "atomic_descriptions": ("text", "time"),
    "expert_commentary": ("commentary",),
    "proficiency_demonstration": ("good_execution", "tips"),
    "proficiency_demonstrator": ("proficiency",),
}
"""Annotation files (before "_{part}.json") and the question types that come from each."""
LEVELS = ("Novice", "Early Expert", "Intermediate Expert", "Late Expert")
SMALL = "downscaled/448"
"""Folder of the files with a shorter side of 448; preferred, as they decode faster."""
_NO_CAMERAS = ("collage", "best_exo")
"""Entries of frame_aligned_videos that are pictures of several cameras side by side."""
_MARGIN = 0.1
"""An event never lies in the first or last tenth of its window, unless the take ends there."""
_STEPS = 1000
_WEARER = re.compile(r"(?<![\w\-°])C(?![\w\-])")
"""The letter as a word of its own: not "C-clamp", not "20 °C", not "Cuts"."""
_NO = ("", "0", "0.0", "false", "no", "none", "null")


class RejectedAnnotation(RowError):
    """The annotator's whole work on the take was rejected."""


class UnsureDescription(RowError):
    """The annotator was not sure what the description names."""


class FaultyCommentary(RowError):
    """The commentary is marked as an error."""


class NotVisible(RowError):
    """No camera of the chosen view shows what is described."""


class EgoExo4DSource(base.SourceOfOneSplit):
    """`annotations`: the folder with atomic_descriptions_{part}.json and the other files;
    `videos`: the download folder, or the folder `takes` in it."""

    takes: str
    """takes.json"""
    part: Literal["train", "val", "test"]
    """Which files of the folder."""
    questions: tuple[
        Literal["text", "time", "commentary", "good_execution", "tips", "proficiency"], ...
    ] = Field(min_length=1)
    window: float = Field(gt=0)
    """Seconds of the take that are cut around an event."""
    view: Literal["best_exo", "ego"] = "best_exo"
    """The best view from outside (ego where no camera is named for it), or always the ego one."""


@dataclass(frozen=True)
class Take:
    """One take of takes.json; times in seconds."""

    uid: str
    folder: str
    """Where it lies in the download folder ("takes/<take_name>")."""
    duration: float
    best_exo: str | None
    cameras: Mapping[str, str]
    """Camera to file, relative to `folder`; of several streams the picture in colour."""
    ego: str | None = None
    """The first of the worn cameras, glasses before others; without metadata the glasses."""


@dataclass(frozen=True)
class Window:
    """A stretch of a take, and the event's time in it; all in seconds."""

    start: float
    end: float
    at: float

    @property
    def duration(self) -> float:
        return round(self.end - self.start, 3)


@dataclass(frozen=True)
class Event:
    """Something that was annotated at one time of a take."""

    key: str
    """Unique within its take and file."""
    take: Take
    kinds: tuple[str, ...]
    """The question types that it can be asked with."""
    time: float
    text: str
    exo: str | None
    """The camera that shows it best from outside, where one is named."""
    ego_visible: bool = True


class EgoExo4D(Reader[EgoExo4DSource]):
    """Samples file by file, in the order of each."""

    Section = EgoExo4DSource

    def rows(self) -> Iterator[Row]:
        source = self.source
        takes_path = self.annotation_file(source.takes)
        self.check_videos()
        files = [
            (file, name, self.annotation_file(name))
            for file, kinds in FILES.items()
            if not {*kinds}.isdisjoint(source.questions)
            for name in [f"{source.annotations}/{file}_{source.part}.json"]
        ]
        takes: dict[str, Take] = {}
        for number, item in json_items(takes_path):
            try:
                take = _take(item)
                takes[take.uid] = take
            except RowError as error:
                yield base.failure(f"{source.takes}:{number}", error)
        for file, name, path in files:
            found = list(self._events(file, path, takes, name))
            times: dict[tuple[str, str], list[float]] = {}
            for event in found:
                if isinstance(event, Event):
                    times.setdefault((event.take.uid, event.text), []).append(event.time)
            for event in found:
                if isinstance(event, Event):
                    place = f"{name}:{event.take.uid}:{event.key}"
                    same = times[event.take.uid, event.text]
                    yield from base.counted(place, self._samples(event, same))
                else:
                    yield event

    def _samples(self, event: Event, times: list[float]) -> Iterator[Row]:
        """The samples of one event; `times` are all times of its take with the same text."""
        take, source = event.take, self.source
        video = self._file(take, camera_of(event, source.view))
        window = window_of(take, event.time, source.window, self.seed, f"{take.uid}/{event.key}")
        for kind in event.kinds:
            if kind not in source.questions:
                continue
            if kind == "time" and sum(window.start <= time <= window.end for time in times) > 1:
                # The window shows it more than once: there would be several right answers.
                continue
            name = f"{take.uid}/{kind}/{event.key}"
            fields: dict[str, str] = {}
            label: Label = TextLabel(text=event.text)
            if kind == "text":
                fields = {"time": base.in_seconds(window.at)}
            elif kind == "time":
                fields = {"event": event.text.rstrip(". ")}
                label = TimeLabel(at=window.at, duration=window.duration)
            elif kind == "proficiency":
                label = ClassLabel(name=event.text)
            question = self.ask("at_time" if kind == "text" else kind, name, **fields)
            shown = Segment(video, window.start, window.end)
            yield self.sample(name, take.uid, source.split, shown, question, label)

    def _file(self, take: Take, camera: str) -> str:
        """The file of a camera, relative to the data folder; MissingVideo when it is not there."""
        relative = PurePosixPath(take.cameras[camera])
        files = (relative.parent / SMALL / relative.name, relative)
        folders = (PurePosixPath(take.folder), PurePosixPath(PurePosixPath(take.folder).name))
        videos = PurePosixPath(self.source.videos)
        candidates = [(videos / folder / file).as_posix() for folder in folders for file in files]
        return self.find_video(candidates, f"take {take.uid}, camera {camera},")

    def _events(
        self, file: str, path: Path, takes: Mapping[str, Take], place: str
    ) -> Iterator[Event | Failure]:
        """The events of one file, in its order; DataError when it has neither known layout."""
        counts: dict[str, int] = {}
        content = json_value(path)
        for number, (uid, item) in enumerate(_entries(content, path), start=1):
            where = uid or f"entry {number}"
            try:
                row = base.mapping(item, "the annotation")
                uid = uid or base.text_of(row, "take_uid")
                counts[uid] = counts.get(uid, 0) + 1
                where = f"{uid}/{counts[uid]}"
                if uid not in takes:
                    raise BadRow(f"take {uid} is not in takes.json; add it or take this out.")
                if file == "proficiency_demonstrator":
                    yield self._proficiency(row, takes[uid], where)
                else:
                    yield from self._remarks(LISTS[file], row, takes[uid], where, place)
            except RowError as error:
                yield base.failure(f"{place}:{where}", error)

    def _remarks(
        self, lists: Lists, row: Mapping[str, Any], take: Take, where: str, place: str
    ) -> Iterator[Event | Failure]:
        """The events of one annotation."""
        for name, kinds, make in lists:
            if {*kinds}.isdisjoint(self.source.questions):
                continue
            for number, item in enumerate(base.items_of(row, name), start=1):
                key = f"{where}-{number}"
                try:
                    yield Event(_inner(key), take, kinds, *make(item, row, take, key))
                except RowError as error:
                    ending = f":{kinds[0]}" if len(lists) > 1 else ""
                    yield base.failure(f"{place}:{key}{ending}", error)

    def _proficiency(self, row: Mapping[str, Any], take: Take, where: str) -> Event:
        score = str(row.get("proficiency_score") or "").strip()
        if not score:
            raise EmptyLabel(f"{where} has no proficiency_score; the test part has none.")
        levels = {level.lower(): level for level in LEVELS}
        if score.lower() not in levels:
            raise BadRow(f"proficiency_score is {excerpt(score)}, not one of {', '.join(LEVELS)}.")
        share = stable_index(_STEPS + 1, self.seed, "proficiency", take.uid, where) / _STEPS
        time = round(share * take.duration, 2)
        level = levels[score.lower()]
        return Event(_inner(where), take, ("proficiency",), time, level, take.best_exo)


def _inner(where: str) -> str:
    return where.rpartition("/")[2]


def _take(item: object) -> Take:
    row = base.mapping(item, "the take")
    uid = base.text_of(row, "take_uid")
    folder = str(row.get("root_dir") or "").strip() or f"takes/{base.text_of(row, 'take_name')}"
    duration = cells.number(row.get("duration_sec"), "duration_sec")
    if duration <= 0:
        raise BadRow(f"take {uid} lasts {duration:g} seconds; correct duration_sec.")
    cameras = {}
    videos = base.mapping(row.get("frame_aligned_videos"), "frame_aligned_videos")
    for name, streams in videos.items():
        if name in _NO_CAMERAS or not isinstance(streams, dict):
            continue
        stream = streams.get("rgb") or streams.get("0")
        relative = stream.get("relative_path") if isinstance(stream, dict) else None
        if isinstance(relative, str) and relative:
            cameras[str(name)] = relative
    best = row.get("best_exo")
    exo = best if isinstance(best, str) and best else None
    glasses, worn = [name for name in cameras if name.lower().startswith("aria")], _worn(row)
    ego = [name for name in (*glasses, *cameras) if name in worn] if worn else glasses
    return Take(uid, folder, duration, exo, cameras, next(iter(ego), None))


def _worn(row: Mapping[str, Any]) -> set[str]:
    """The cameras with `is_ego` in `capture` (or in the take itself)."""
    listed = [own.get("cameras") for own in (row.get("capture"), row) if isinstance(own, dict)]
    entries = chain.from_iterable(part for part in listed if isinstance(part, list))
    owns = (entry for entry in entries if isinstance(entry, dict))
    return {str(entry.get("cam_id")) for entry in owns if flag(entry.get("is_ego"))}


def _entries(content: object, path: Path) -> Iterator[tuple[str | None, Any]]:
    """(take uid or None, annotation): x or {"annotations": x}, with x a list or a dict by take."""
    if isinstance(content, dict) and "annotations" in content:
        content = content["annotations"]
    if isinstance(content, list):
        yield from ((None, item) for item in content)
    elif isinstance(content, dict):
        for uid, items in content.items():
            for item in items if isinstance(items, list) else [items]:
                yield str(uid), item
    else:
        raise DataError(f"{path}: holds no annotations; it must be a list, or a dict by take.")


Remark: TypeAlias = tuple[float, str, str | None, bool]
"""`time`, `text`, `exo` and `ego_visible` of an event."""


def _description(item: object, row: Mapping[str, Any], take: Take, key: str) -> Remark:
    if flag(row.get("rejected")):
        raise RejectedAnnotation(f"{key} belongs to a rejected annotation.")
    description = base.mapping(item, "the description")
    if flag(description.get("unsure")):
        raise UnsureDescription(f"{key} is marked as unsure.")
    best = description.get("best_exo")
    camera = best.get("cam_id") if isinstance(best, dict) else None
    time = cells.number(description.get("timestamp"), "timestamp")
    text = without_letter(base.text_of(description, "text"))
    return time, text, str(camera) if camera else None, flag(description.get("ego_visible"))


def _commentary(item: object, row: Mapping[str, Any], take: Take, key: str) -> Remark:
    commentary = base.mapping(item, "the commentary")
    if flag(commentary.get("error")):
        raise FaultyCommentary(f"{key} is marked as an error.")
    time = cells.number(commentary.get("video_time"), "video_time")
    return time, " ".join(base.text_of(commentary, "text").split()), take.best_exo, True


def _demonstration(name: str, item: object, row: Mapping[str, Any], take: Take, key: str) -> Remark:
    """What was done well, or what to do better."""
    remark = base.mapping(item, name)
    time = cells.number(remark.get("video_time"), "video_time")
    return time, sentences(remark.get("list"), f"list of {name}"), take.best_exo, True


Lists: TypeAlias = tuple[
    tuple[str, tuple[str, ...], Callable[[object, Mapping[str, Any], Take, str], Remark]], ...
]
LISTS: dict[str, Lists] = {
    "atomic_descriptions": (("descriptions", ("text", "time"), _description),),
    "expert_commentary": (("commentary_data", ("commentary",), _commentary),),
    "proficiency_demonstration": (
        ("good_executions", ("good_execution",), partial(_demonstration, "good_executions")),
        ("tips_for_improvement", ("tips",), partial(_demonstration, "tips_for_improvement")),
    ),
}
"""Annotation file to its lists, the question types of each, and what reads an item of it."""


def camera_of(event: Event, view: Literal["best_exo", "ego"]) -> str:
    """The camera to show an event with: the best from outside where the view allows, else the ego.

    Raises NotVisible when only the other view shows the event, BadRow when there is no such camera.
    """
    take = event.take
    if view == "best_exo" and event.exo is not None:
        if event.exo not in take.cameras:
            raise BadRow(f"take {take.uid} has no camera {event.exo}; correct takes.json.")
        return event.exo
    if not event.ego_visible:
        raise NotVisible(f"take {take.uid}: no camera of the view {view} shows this.")
    if take.ego is None:
        raise BadRow(f"take {take.uid} has no ego camera; correct takes.json.")
    return take.ego


def window_of(take: Take, time: float, width: float, seed: int, key: str) -> Window:
    """A stretch of `width` seconds around a time, placed by a stable hash and kept in the take.

    Raises BadRow for a time outside of the take.
    """
    if not 0 <= time <= take.duration:
        raise BadRow(f"time {time:g} is outside of take {take.uid} ({take.duration:g} s).")
    if width >= take.duration:
        return Window(0.0, take.duration, round(time, 3))
    share = _MARGIN + (1 - 2 * _MARGIN) * stable_index(_STEPS + 1, seed, "window", key) / _STEPS
    start = round(min(max(time - share * width, 0.0), take.duration - width), 2)
    end = round(min(start + width, take.duration), 3)
    return Window(start, end, round(min(max(time - start, 0.0), end - start), 3))


def flag(value: object) -> bool:
    """A flag of these files: a boolean, a number, or a text such as "0" (which means no)."""
    return str("" if value is None else value).strip().lower() not in _NO


def without_letter(text: str) -> str:
    """A description with the camera wearer's letter C written out."""
    words = _WEARER.sub("the camera wearer", " ".join(text.split()))
    return words[:1].upper() + words[1:]


def sentences(value: object, name: str) -> str:
    """A list of remarks, or the text of a Python list of them, as sentences; BadRow otherwise."""
    if isinstance(value, str):
        value = cells.written_list(value.strip(), name)
    if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
        raise BadRow(f"{name} is not a list of texts; correct the annotation.")
    parts = [part for part in (" ".join(part.split()) for part in value) if part]
    if not parts:
        raise EmptyLabel(f"{name} is empty; nothing was said.")
    return base.as_sentences(parts)
