"""MOMA-LRG: anns/anns.json, anns/splits/standard.json, and the videos.

Question types, each on a clip that is cut out of the file by its times:
- of an activity: `sequence` (its sub-activities in time order), `after` and `before` (the next and
  the previous sub-activity);
- of a sub-activity: `box`, `same`, `relation` (see moma_scene.py).

`videos` is the folder of raw videos, named by activity id or by `file_name`, or the folder that
holds `raw/`, `activity_fr/` or `activity/`. Files in the latter two start with their activity, so
times are moved by its start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeAlias

from video_star.core.errors import DataError
from video_star.core.labels import ClassLabel, SequenceLabel
from video_star.core.sources import MomaSource
from video_star.data.questions import ask
from video_star.data.readers import moma_scene as scene
from video_star.data.readers import rows
from video_star.data.readers.json_files import (
    folder_in,
    items_of,
    json_items,
    json_value,
    mapping,
    text_of,
    video_in,
)
from video_star.data.readers.moma_scene import Asked
from video_star.data.readers.rows import BadRow, EmptyLabel, Row, RowError

Split: TypeAlias = Literal["train", "test"]
SPLITS: dict[str, Split] = {"train": "train", "val": "test", "test": "test"}
TRIMMED = ("activity_fr", "activity")
"""Folders of files that were cut to the activity."""
_ASK_AS = {"box": "box_at", "same": "same_at"}


@dataclass(frozen=True)
class Part:
    """An activity or sub-activity; times are the annotation's, in seconds of the raw video."""

    id: str
    name: str
    start: float
    end: float
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Video:
    """A file, and the time of the raw video at which it starts."""

    path: str
    starts: float
    split: Split
    source_id: str
    size: tuple[float, float]
    """Width and height of the frame that the boxes are given in."""


def read_moma(source: MomaSource, data: Path, seed: int) -> Iterator[Row]:
    """Samples activity by activity, in the file's order; what cannot be used becomes a Failure.

    Raises DataError when a file is missing or has another shape.
    """
    path = rows.annotation_path(data, source.annotations)
    splits = _read_splits(rows.annotation_path(data, source.splits))
    folder_in(data, source.videos)
    for number, item in json_items(path):
        where = f"{source.annotations}:{number}"
        try:
            entry = mapping(item, "the entry")
            activity = _part(entry.get("activity"), "activity")
            where = f"{source.annotations}:{activity.id}"
            video = _video(source, data, entry, activity, splits)
        except RowError as error:
            yield rows.failure(where, error)
            continue
        yield from _activity(source, activity, video, where, seed)


def _read_splits(path: Path) -> dict[str, Split]:
    """Activity id to split; the official "val" is held out, so it is "test"."""
    content = json_value(path)
    if not isinstance(content, dict) or not content.keys() <= SPLITS.keys():
        raise DataError(f'{path}: not {{"train": [ids], "val": [ids], "test": [ids]}}.')
    found: dict[str, Split] = {}
    for name, ids in content.items():
        if not isinstance(ids, list):
            raise DataError(f"{path}: {name} is not a list of activity ids; correct it.")
        for activity in map(str, ids):
            if found.setdefault(activity, SPLITS[name]) != SPLITS[name]:
                raise DataError(f"{path}: {activity} is in train and held out; keep it in one.")
    return found


def _part(value: object, what: str) -> Part:
    row = mapping(value, what)
    start, end = (rows.number(row.get(name), name) for name in ("start_time", "end_time"))
    part = Part(text_of(row, "id"), text_of(row, "class_name"), start, end, row)
    if not 0 <= start < end:
        raise BadRow(f"{part.id} runs from {start:g} to {end:g} seconds; the end must be later.")
    return part


def _sub(value: object, video: Video) -> Part:
    sub = _part(value, "a sub-activity")
    if sub.start < video.starts:
        raise BadRow(f"{sub.id} starts before its activity, which is all that {video.path} shows.")
    return sub


def _video(
    source: MomaSource,
    data: Path,
    entry: Mapping[str, Any],
    activity: Part,
    splits: Mapping[str, Split],
) -> Video:
    if activity.id not in splits:
        raise BadRow(f"{activity.id} is not in {source.splits}; add it or take the entry out.")
    size = (rows.number(entry.get("width"), "width"), rows.number(entry.get("height"), "height"))
    if min(size) <= 0:
        raise BadRow(f"{activity.id} has a frame of {size[0]:g} x {size[1]:g} pixels.")
    top = PurePosixPath(source.videos)
    own = f"{activity.id}.mp4"
    raw = [(top / name).as_posix() for name in (f"raw/{own}", own)]
    if entry.get("file_name"):
        raw += [(top / folder / str(entry["file_name"])).as_posix() for folder in ("raw", "")]
    cut = [(top / folder / own).as_posix() for folder in TRIMMED]
    if top.name in TRIMMED:
        raw, cut = [], [(top / own).as_posix()]
    path = video_in(data, [*raw, *cut], activity.id)
    starts = activity.start if path in cut else 0.0
    source_id = f"{source.dataset}/{activity.id}"
    return Video(path, starts, splits[activity.id], source_id, size)


def _activity(
    source: MomaSource, activity: Part, video: Video, where: str, seed: int
) -> Iterator[Row]:
    """All questions of one activity and of its sub-activities."""
    subs = []
    try:
        for item in items_of(activity.row, "sub_activities"):
            try:
                subs.append(_sub(item, video))
            except RowError as error:
                yield rows.failure(where, error)
        if not subs:
            raise EmptyLabel(f"{activity.id} has no sub-activities.")
    except RowError as error:
        yield rows.failure(where, error)
        return
    subs.sort(key=lambda sub: (sub.start, sub.end, sub.id))
    for kind, make in _OF_ACTIVITY.items():
        if kind in source.questions:
            asked = scene.pick(make(_steps(subs)), source.per_activity, seed, kind, activity.id)
            yield from _samples(source, kind, activity, video, asked, seed)
    if any(kind in source.questions for kind in _OF_SUB_ACTIVITY):
        for sub in subs:
            yield from _sub_activity(source, sub, video, f"{where}:{sub.id}", seed)


def _sub_activity(
    source: MomaSource, sub: Part, video: Video, where: str, seed: int
) -> Iterator[Row]:
    moments = []
    try:
        for found in scene.moments_of(sub.row, sub.start, sub.end, video.size):
            if isinstance(found, scene.Moment):
                moments.append(found)
            else:
                yield rows.failure(f"{where}:{found[0]}", found[1])
    except RowError as error:
        yield rows.failure(where, error)
    for kind, make in _OF_SUB_ACTIVITY.items():
        if kind in source.questions:
            candidates = list(make(moments, seed, sub.id))
            if kind != "same":
                candidates = scene.pick(candidates, source.per_activity, seed, kind, sub.id)
            asked = candidates[: source.per_activity]
            yield from _samples(source, kind, sub, video, asked, seed)


def _samples(
    source: MomaSource, kind: str, part: Part, video: Video, asked: Sequence[Asked], seed: int
) -> Iterator[Row]:
    for one in sorted(asked, key=lambda found: found.key):
        sample_id = "/".join([source.dataset, part.id, kind, *([one.key] if one.key else [])])
        question, template = ask(_ASK_AS.get(kind, kind), sample_id, seed, **one.fields)
        yield rows.sample_of(
            id=sample_id,
            dataset=source.dataset,
            video=video.path,
            start_s=round(part.start - video.starts, 3),
            end_s=round(part.end - video.starts, 3),
            source_id=video.source_id,
            split=video.split,
            question=question,
            question_template=template,
            labels=(one.label,),
        )


def _steps(subs: Sequence[Part]) -> list[str]:
    """Names of sub-activities in time order; one that goes on as itself is one step."""
    return [name for name, _ in groupby(sub.name for sub in subs)]


def _sequence(steps: Sequence[str]) -> list[Asked]:
    return [Asked("", {}, SequenceLabel(names=tuple(steps)))]


def _after(steps: Sequence[str]) -> list[Asked]:
    """What follows a step, where that step comes only once."""
    count = Counter(steps)
    return [
        Asked(f"{number:03d}", {"action": step}, ClassLabel(name=following))
        for number, (step, following) in enumerate(pairwise(steps))
        if count[step] == 1
    ]


def _before(steps: Sequence[str]) -> list[Asked]:
    """What leads to a step, where that step comes only once."""
    count = Counter(steps)
    return [
        Asked(f"{number:03d}", {"action": step}, ClassLabel(name=leading))
        for number, (leading, step) in enumerate(pairwise(steps))
        if count[step] == 1
    ]


_OF_ACTIVITY: dict[str, Callable[[Sequence[str]], list[Asked]]] = {
    "sequence": _sequence,
    "after": _after,
    "before": _before,
}
_OF_SUB_ACTIVITY: dict[str, Callable[[Sequence[scene.Moment], int, str], Iterator[Asked]]] = {
    "box": scene.boxes,
    "same": scene.pairs,
    "relation": scene.relations,
}
