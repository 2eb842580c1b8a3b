"""What MOMA-LRG says of one sub-activity: boxes, who is who, and relations; and what to ask of it.

Boxes are published as top-left corner and size in pixels; here they are corners as fractions of
the frame, clipped to it. Times are seconds of the sub-activity's clip.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

from video_star.core.hashing import stable_hash, stable_index
from video_star.core.labels import BoxLabel, Label, SameLabel, TextLabel, say_box, say_seconds
from video_star.data.readers import rows
from video_star.data.readers.json_files import items_of, mapping, text_of
from video_star.data.readers.rows import BadRow, RowError

Box = tuple[float, float, float, float]
_UNCLEAR = ("unsure", "unclassified")
"""Class names with these words name nothing."""
_DECIMALS = 4
"""Of a box, for readable manifests: a hundredth of a pixel in a frame of 100."""


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

    @property
    def said_time(self) -> str:
        return f"{say_seconds(self.time)} seconds"

    def clear(self) -> dict[str, Entity]:
        """Entities by id, without those whose class is unsure."""
        return {entity.id: entity for entity in self.entities if is_clear(entity.name)}


@dataclass(frozen=True)
class Asked:
    """A question to ask: fields of its template, the right answer, and a key within the clip."""

    key: str
    fields: dict[str, str]
    label: Label


def is_clear(name: str) -> bool:
    """Whether a class name names something."""
    return not any(word in name.lower() for word in _UNCLEAR)


def corners(bbox: object, width: float, height: float) -> Box:
    """Fraction corners x1 y1 x2 y2 of [x, y, width, height] in pixels, clipped to the frame.

    Raises BadRow for anything but four numbers, and for a box with no part in the frame.
    """
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise BadRow(f"bbox is {bbox!r}, not [x, y, width, height]; correct the annotation.")
    x, y, w, h = (rows.number(value, "bbox") for value in bbox)
    across = [round(min(max(value / width, 0.0), 1.0), _DECIMALS) for value in (x, x + w)]
    down = [round(min(max(value / height, 0.0), 1.0), _DECIMALS) for value in (y, y + h)]
    if across[0] >= across[1] or down[0] >= down[1]:
        raise BadRow(f"bbox {bbox} has no part in the {width:g} x {height:g} frame.")
    return across[0], down[0], across[1], down[1]


def moments_of(
    sub: Mapping[str, Any], start: float, end: float, size: tuple[float, float]
) -> Iterator[Moment | tuple[str, RowError]]:
    """The moments of a sub-activity in time order; what cannot be used as (where, error).

    `start` and `end` are the sub-activity's times in the annotation, `size` width and height.
    """
    moments = []
    for number, item in enumerate(items_of(sub, "higher_order_interactions"), start=1):
        where = f"interaction {number}"
        try:
            row = mapping(item, where)
            where = text_of(row, "id")
            time = rows.number(row.get("time"), "time")
            if not start <= time <= end:
                raise BadRow(f"time {time:g} is outside of the sub-activity ({start:g}-{end:g} s).")
            found: list[Entity] = []
            boxless: list[str] = []
            for what in chain(items_of(row, "actors"), items_of(row, "objects")):
                try:
                    found.append(_entity(what, size))
                except RowError as error:
                    yield where, error
                    boxless.append(str(what.get("class_name")) if isinstance(what, dict) else "")
            links = tuple(_relation(link) for link in _links(row))
            at = round(time - start, 3)
            moments.append(Moment(where, at, tuple(found), links, tuple(boxless)))
        except RowError as error:
            yield where, error
    yield from sorted(moments, key=lambda moment: (moment.time, moment.id))


def _entity(item: object, size: tuple[float, float]) -> Entity:
    row = mapping(item, "an actor or object")
    box = corners(row.get("bbox"), *size)
    return Entity(text_of(row, "id"), text_of(row, "class_name"), box)


def _links(row: Mapping[str, Any]) -> Iterator[Any]:
    return chain(items_of(row, "relationships"), items_of(row, "transitive_actions"))


def _relation(item: object) -> tuple[str, str, str]:
    row = mapping(item, "a relationship")
    return text_of(row, "source_id"), text_of(row, "target_id"), text_of(row, "class_name")


def boxes(moments: Sequence[Moment], seed: int, key: str) -> Iterator[Asked]:
    """Where something is: only for things that are the only ones of their class at that time."""
    for moment in moments:
        count = Counter([*(entity.name for entity in moment.entities), *moment.boxless])
        for entity in moment.clear().values():
            if count[entity.name] == 1:
                yield Asked(
                    f"{moment.id}-{entity.id}",
                    {"object": entity.name, "time": moment.said_time},
                    BoxLabel(xyxy=entity.xyxy, at=moment.time),
                )


View: TypeAlias = tuple[Moment, Entity]


def pairs(moments: Sequence[Moment], seed: int, key: str) -> Iterator[Asked]:
    """Whether two boxes of different times hold the same one: "yes" and "no" in turn, as often.

    Identity is told by id, never by class: two children are not the same child.
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
        {
            "first": say_box(first[1].xyxy),
            "first_time": first[0].said_time,
            "second": say_box(second[1].xyxy),
            "second_time": second[0].said_time,
        },
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
                second = f"{two.name} in {say_box(two.xyxy)} at {moment.said_time}"
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
