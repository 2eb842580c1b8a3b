"""MOMA-LRG: anns/anns.json, anns/splits/standard.json, and the videos.

Question types, each on a clip that is cut out of the file by its times:
- of an activity: `sequence` (its sub-activities in time order), `after` and `before` (the next and
  the previous sub-activity);
- of a sub-activity: `box` (where something is), `same` (whether two boxes hold the same one) and
  `relation` (how two of them are related).

`videos` is the folder of raw videos, named by activity id or by `file_name`, or the folder that
holds `raw/`, `activity_fr/` or `activity/`. Files in the latter two start with their activity, so
times are moved by its start.

Boxes are published as top-left corner and size in pixels; here they are corners as fractions of
the frame, clipped to it. Times are seconds of the clip.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby, pairwise
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeAlias

from pydantic import Field

from video_star.core.errors import DataError
from video_star.core.excerpt import cut, excerpt
from video_star.core.hashing import stable_hash, stable_index
from video_star.core.labels import (
    BoxLabel,
    ClassLabel,
    Label,
    SameLabel,
    SequenceLabel,
    TextLabel,
    cells,
    say_box,
)
from video_star.core.labels.cells import BadRow, EmptyLabel, RowError
from video_star.core.records import Failure, Split
from video_star.data.readers import base
from video_star.data.readers.base import Box, Reader, Row, Segment
from video_star.data.readers.json_files import json_value, rows_of_items

SPLITS: dict[str, Split] = {"train": "train", "val": "test", "test": "test"}
"""The official "val" is held out too."""
TRIMMED = ("activity_fr", "activity")
"""Folders of files that were cut to the activity."""
_UNCLEAR = ("unsure", "unclassified")
"""Class names with these words name nothing."""
_DECIMALS = 4
"""Of a box, for readable manifests: a hundredth of a pixel in a frame of 100."""


class MomaSource(base.Source):
    """`annotations`: anns.json; `videos`: the raw videos."""

    splits: str
    """splits/standard.json"""
    questions: tuple[Literal["sequence", "after", "before", "box", "same", "relation"], ...] = (
        Field(min_length=1)
    )
    per_activity: int = Field(ge=1)
    """At most so many questions of one type per sub-activity (box, same, relation) or activity."""


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
    activity: str
    size: tuple[float, float]
    """Width and height of the frame that the boxes are given in."""


@dataclass(frozen=True)
class Entity:
    """An actor or object at one time; the same `id` is the same one within a sub-activity."""

    id: str
    name: str
    xyxy: Box


@dataclass(frozen=True)
class Moment:
    """A higher-order interaction: everything that is annotated at one time."""

    id: str
    time: float
    entities: tuple[Entity, ...]
    relations: tuple[tuple[str, str, str], ...]
    """Source id, target id, and the name with "[src]" and "[trg]" in it."""
    boxless: tuple[str, ...] = ()
    """Classes of those whose box cannot be used: they are there all the same."""

    def clear(self) -> dict[str, Entity]:
        """Entities by id, without those whose class is unsure."""
        return {entity.id: entity for entity in self.entities if is_clear(entity.name)}


@dataclass(frozen=True)
class Asked:
    """A question to ask: fields of its template, the right answer, and a key within the clip."""

    key: str
    fields: dict[str, str]
    label: Label


class Moma(Reader[MomaSource]):
    """Samples activity by activity, in the file's order."""

    Section = MomaSource

    def rows(self) -> Iterator[Row]:
        _ = self.splits  # a missing file is found before anything is read
        return rows_of_items(self, self._entry)

    def _entry(self, item: object, place: str) -> Iterator[Row]:
        entry = base.mapping(item, "the entry")
        activity = _part(entry.get("activity"), "activity")
        place = f"{self.source.annotations}:{activity.id}"
        yield from base.counted(place, self._activity(entry, activity, place))

    def _activity(self, entry: Mapping[str, Any], activity: Part, place: str) -> Iterator[Row]:
        """All questions of one activity and of its sub-activities."""
        video = self._video(entry, activity)
        subs = []
        for item in base.items_of(activity.row, "sub_activities"):
            try:
                subs.append(_sub(item, video))
            except RowError as error:
                yield base.failure(place, error)
        if not subs:
            raise EmptyLabel(f"{activity.id} has no sub-activities.")
        subs.sort(key=lambda sub: (sub.start, sub.end, sub.id))
        # A sub-activity that goes on as itself is one step.
        steps = [name for name, _ in groupby(sub.name for sub in subs)]
        for kind in ("sequence", "after", "before"):
            if kind in self.source.questions:
                asked = self._pick(_of_steps(kind, steps), kind, activity)
                yield from self._samples(kind, activity, video, asked)
        if not _OF_SUB_ACTIVITY.keys().isdisjoint(self.source.questions):
            for sub in subs:
                inner = f"{place}:{sub.id}"
                yield from base.counted(inner, self._sub_activity(sub, video, inner))

    def _sub_activity(self, sub: Part, video: Video, place: str) -> Iterator[Row]:
        moments, failures = moments_of(sub, video.size, place)
        yield from failures
        for kind, make in _OF_SUB_ACTIVITY.items():
            if kind in self.source.questions:
                asked = list(make(moments, self.seed, sub.id))
                if kind == "same":  # "yes" and "no" alternate, and must go on doing so
                    asked = asked[: self.source.per_activity]
                else:
                    asked = self._pick(asked, kind, sub)
                yield from self._samples(kind, sub, video, asked)

    def _pick(self, asked: Sequence[Asked], kind: str, part: Part) -> list[Asked]:
        return pick(asked, self.source.per_activity, self.seed, kind, part.id)

    def _samples(
        self, kind: str, part: Part, video: Video, asked: Sequence[Asked]
    ) -> Iterator[Row]:
        start, end = (round(time - video.starts, 3) for time in (part.start, part.end))
        for one in sorted(asked, key=lambda found: found.key):
            name = "/".join([part.id, kind, *([one.key] if one.key else [])])
            question = self.ask(kind, name, **one.fields)
            shown = Segment(video.path, start, end)
            yield self.sample(name, video.activity, video.split, shown, question, one.label)

    @cached_property
    def splits(self) -> dict[str, Split]:
        return _read_splits(self.annotation_file(self.source.splits))

    def _video(self, entry: Mapping[str, Any], activity: Part) -> Video:
        if activity.id not in self.splits:
            raise BadRow(
                f"{activity.id} is not in {self.source.splits}; add it or take the entry out."
            )
        width, height = (cells.number(entry.get(name), name) for name in ("width", "height"))
        if min(width, height) <= 0:
            raise BadRow(f"{activity.id} has a frame of {width:g} x {height:g} pixels.")
        top = PurePosixPath(self.source.videos)
        own = f"{activity.id}.mp4"
        raw = [(top / name).as_posix() for name in (f"raw/{own}", own)]
        if entry.get("file_name"):
            raw += [(top / folder / str(entry["file_name"])).as_posix() for folder in ("raw", "")]
        cut = [(top / folder / own).as_posix() for folder in TRIMMED]
        if top.name in TRIMMED:
            raw, cut = [], [(top / own).as_posix()]
        path = self.find_video([*raw, *cut], activity.id)
        starts = activity.start if path in cut else 0.0
        return Video(path, starts, self.splits[activity.id], activity.id, (width, height))


def _read_splits(path: Path) -> dict[str, Split]:
    """Activity id to split."""
    content = json_value(path)
    if not isinstance(content, dict) or not content.keys() <= SPLITS.keys():
        raise DataError(f'{path}: not {{"train": [ids], "val": [ids], "test": [ids]}}.')
    found: dict[str, Split] = {}
    for name, ids in content.items():
        if not isinstance(ids, list):
            raise DataError(f"{path}: {cut(name)} is not a list of activity ids; correct it.")
        for activity in map(str, ids):
            if found.setdefault(activity, SPLITS[name]) != SPLITS[name]:
                raise DataError(
                    f"{path}: {cut(activity)} is in train and held out; keep it in one."
                )
    return found


def _part(value: object, what: str) -> Part:
    row = base.mapping(value, what)
    name = base.text_of(row, "id")
    start, end = base.interval(name, row, "start_time", "end_time")
    return Part(name, base.text_of(row, "class_name"), start, end, row)


def _sub(value: object, video: Video) -> Part:
    sub = _part(value, "a sub-activity")
    if sub.start < video.starts:
        raise BadRow(f"{sub.id} starts before its activity, which is all that {video.path} shows.")
    return sub


def _of_steps(kind: str, steps: Sequence[str]) -> list[Asked]:
    """The whole sequence, or what follows (leads to) a step, where that step comes only once."""
    if kind == "sequence":
        return [Asked("", {}, SequenceLabel(names=tuple(steps)))]
    count = Counter(steps)
    neighbours = [pair if kind == "after" else pair[::-1] for pair in pairwise(steps)]
    return [
        Asked(f"{number:03d}", {"action": step}, ClassLabel(name=neighbour))
        for number, (step, neighbour) in enumerate(neighbours)
        if count[step] == 1
    ]


def is_clear(name: str) -> bool:
    """Whether a class name names something."""
    return not any(word in name.lower() for word in _UNCLEAR)


def corners(bbox: object, width: float, height: float) -> Box:
    """Fraction corners x1 y1 x2 y2 of [x, y, width, height] in pixels, clipped to the frame.

    Raises BadRow for anything but four numbers, and for a box with no part in the frame.
    """
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise BadRow(f"bbox is {excerpt(bbox)}, not [x, y, width, height]; correct the annotation.")
    x, y, w, h = (cells.number(value, "bbox") for value in bbox)
    across = [round(min(max(value / width, 0.0), 1.0), _DECIMALS) for value in (x, x + w)]
    down = [round(min(max(value / height, 0.0), 1.0), _DECIMALS) for value in (y, y + h)]
    if across[0] >= across[1] or down[0] >= down[1]:
        raise BadRow(f"bbox {bbox} has no part in the {width:g} x {height:g} frame.")
    return across[0], down[0], across[1], down[1]


def moments_of(
    sub: Part, size: tuple[float, float], place: str
) -> tuple[list[Moment], list[Failure]]:
    """The moments of a sub-activity in time order, and what of them cannot be used.

    `size` is width and height of the frame. BadRow when there is no list of moments.
    """
    moments: list[Moment] = []
    failures: list[Failure] = []
    for number, item in enumerate(base.items_of(sub.row, "higher_order_interactions"), start=1):
        name = f"interaction {number}"
        try:
            row = base.mapping(item, name)
            name = base.text_of(row, "id")
            time = cells.number(row.get("time"), "time")
            if not sub.start <= time <= sub.end:
                raise BadRow(
                    f"time {time:g} is outside of the sub-activity ({sub.start:g}-{sub.end:g} s)."
                )
            found: list[Entity] = []
            boxless: list[str] = []
            for one in chain(base.items_of(row, "actors"), base.items_of(row, "objects")):
                try:
                    found.append(_entity(one, size))
                except RowError as error:
                    failures.append(base.failure(f"{place}:{name}", error))
                    boxless.append(str(one.get("class_name")) if isinstance(one, dict) else "")
            links = (base.items_of(row, key) for key in ("relationships", "transitive_actions"))
            relations = tuple(_relation(link) for link in chain.from_iterable(links))
            at = round(time - sub.start, 3)
            moments.append(Moment(name, at, tuple(found), relations, tuple(boxless)))
        except RowError as error:
            failures.append(base.failure(f"{place}:{name}", error))
    return sorted(moments, key=lambda moment: (moment.time, moment.id)), failures


def _entity(item: object, size: tuple[float, float]) -> Entity:
    row = base.mapping(item, "an actor or object")
    box = corners(row.get("bbox"), *size)
    return Entity(base.text_of(row, "id"), base.text_of(row, "class_name"), box)


def _relation(item: object) -> tuple[str, str, str]:
    row = base.mapping(item, "a relationship")
    source, target, name = (
        base.text_of(row, key) for key in ("source_id", "target_id", "class_name")
    )
    return source, target, name


def boxes(moments: Sequence[Moment], seed: int, key: str) -> Iterator[Asked]:
    """Where something is: only for things that are the only ones of their class at that time."""
    for moment in moments:
        count = Counter([*(entity.name for entity in moment.entities), *moment.boxless])
        for entity in moment.clear().values():
            if count[entity.name] == 1:
                yield Asked(
                    f"{moment.id}-{entity.id}",
                    {"object": entity.name, "time": base.in_seconds(moment.time)},
                    BoxLabel(xyxy=entity.xyxy, at=moment.time),
                )


View: TypeAlias = tuple[Moment, Entity]


def pairs(moments: Sequence[Moment], seed: int, key: str) -> Iterator[Asked]:
    """Whether two boxes of different times hold the same one: "yes" and "no" in turn, as often.

    Things are compared by id, never by class: two children are not the same child.
    """
    seen: dict[str, list[View]] = {}
    for moment in moments:
        for entity in moment.clear().values():
            seen.setdefault(entity.id, []).append((moment, entity))
    same: list[Asked] = []
    other: list[Asked] = []
    for name, views in seen.items():
        first = views[stable_index(len(views), seed, key, "first", name)]
        rest = [view for views in seen.values() for view in views if view[0].time != first[0].time]
        for is_same, found in ((True, same), (False, other)):
            chosen = [view for view in rest if (view[1].id == name) is is_same]
            if chosen:
                index = stable_index(len(chosen), seed, key, "second", name, is_same)
                found.append(_pair(first, chosen[index]))
    turn = [pick(found, len(found), seed, key) for found in (same, other)]
    if stable_index(2, seed, key, "turn"):
        turn.reverse()
    yield from chain.from_iterable(zip(*turn, strict=False))


def _pair(first: View, second: View) -> Asked:
    return Asked(
        "-".join([first[0].id, first[1].id, second[0].id, second[1].id]),
        base.compared(*((entity.xyxy, moment.time) for moment, entity in (first, second))),
        SameLabel(same=first[1].id == second[1].id),
    )


def relations(moments: Sequence[Moment], seed: int, key: str) -> Iterator[Asked]:
    """How one thing relates to another, where exactly one relation of the two is annotated."""
    for moment in moments:
        clear = moment.clear()
        count = Counter((source, target) for source, target, _ in moment.relations)
        for source, target, name in moment.relations:
            if count[source, target] > 1 or not is_clear(name):
                continue
            if source in clear and target in clear:
                one, two = clear[source], clear[target]
                second = f"{two.name} in {say_box(two.xyxy)} at {base.in_seconds(moment.time)}"
                yield Asked(
                    f"{moment.id}-{source}-{target}",
                    {"first": f"{one.name} in {say_box(one.xyxy)}", "second": second},
                    TextLabel(text=filled(name, one.name, two.name)),
                )


def filled(name: str, source: str, target: str) -> str:
    """A relation's name with both of its parts in place ("the player touching the ball")."""
    whole = name if "[src]" in name or "[trg]" in name else f"[src] {name} [trg]"
    return whole.replace("[src]", f"the {source}").replace("[trg]", f"the {target}")


def pick(found: Sequence[Asked], n: int, *parts: object) -> list[Asked]:
    """At most n of the questions, chosen by a stable hash of their keys, in the hash's order."""
    return sorted(found, key=lambda asked: (stable_hash(*parts, asked.key), asked.key))[:n]


_OF_SUB_ACTIVITY: dict[str, Callable[[Sequence[Moment], int, str], Iterator[Asked]]] = {
    "box": boxes,
    "same": pairs,
    "relation": relations,
}
