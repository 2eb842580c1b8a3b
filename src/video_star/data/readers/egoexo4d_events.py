"""What the annotation files of Ego-Exo4D say, as events: a take, a time, a text.

The files come as {"annotations": ...} or bare. Flags are booleans, or the texts "0" and "1"; a
list of remarks is a list, or the text of a Python list.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from video_star.core.errors import DataError
from video_star.core.hashing import stable_index
from video_star.data.readers import rows
from video_star.data.readers.egoexo4d_takes import Take
from video_star.data.readers.json_files import items_of, json_value, mapping, text_of
from video_star.data.readers.rows import BadRow, EmptyLabel, RowError

LEVELS = ("Novice", "Early Expert", "Intermediate Expert", "Late Expert")
_WEARER = re.compile(r"(?<![\w\-°])C(?![\w\-])")
"""The letter as a word of its own: not "C-clamp", not "20 °C", not "Cuts"."""
_NO = ("", "0", "0.0", "false", "no", "none", "null")
_STEPS = 1000
"""Places in a take that a question about the whole of it may be asked at."""


class RejectedAnnotation(RowError):
    """The annotator's whole work on the take was rejected."""


class UnsureDescription(RowError):
    """The annotator was not sure what the description names."""


class FaultyCommentary(RowError):
    """The commentary is marked as an error."""


@dataclass(frozen=True)
class Event:
    """Something that was annotated at one time of a take."""

    key: str
    """What tells it apart within its take and file."""
    take: Take
    time: float
    text: str
    kinds: tuple[str, ...]
    """The question types that it can be asked with."""
    exo: str | None
    """The camera that shows it best from outside, where one is named."""
    ego_visible: bool = True


Found: TypeAlias = Event | tuple[str, RowError]
"""An event, or what cannot be used (take, number) and why."""
Takes: TypeAlias = Mapping[str, Take]


def events_of(
    kinds: tuple[str, ...], path: Path, takes: Takes, asked: frozenset[str], seed: int
) -> Iterator[Found]:
    """The events of one file, in its order; DataError when it has neither known layout."""
    read = _READ[kinds]
    counts: dict[str, int] = {}
    for number, (uid, item) in enumerate(_entries(json_value(path), path), start=1):
        where = uid or f"entry {number}"
        try:
            row = mapping(item, "the annotation")
            uid = uid or text_of(row, "take_uid")
            pass_number = counts[uid] = counts.get(uid, 0) + 1
            where = f"{uid}/{pass_number}"
            if uid not in takes:
                raise BadRow(f"take {uid} is not in takes.json; add it or take this out.")
            yield from read(row, takes[uid], where, asked, seed)
        except RowError as error:
            yield where, error


def _entries(content: object, path: Path) -> Iterator[tuple[str | None, Any]]:
    """(take uid or None, annotation): x or {"annotations": x}, with x a list or a dict by take."""
    if isinstance(content, dict) and "annotations" in content:
        content = content["annotations"]
    if isinstance(content, list):
        yield from ((None, item) for item in content)
    elif isinstance(content, dict):
        for uid, items in content.items():
            yield from (
                (str(uid), item) for item in (items if isinstance(items, list) else [items])
            )
    else:
        raise DataError(f"{path}: holds no annotations; it must be a list, or a dict by take.")


def _descriptions(
    row: Mapping[str, Any], take: Take, where: str, asked: frozenset[str], seed: int
) -> Iterator[Found]:
    rejected = flag(row.get("rejected"))
    for number, item in enumerate(items_of(row, "descriptions"), start=1):
        key = f"{where}-{number}"
        try:
            if rejected:
                raise RejectedAnnotation(f"{key} belongs to a rejected annotation.")
            said = mapping(item, "the description")
            if flag(said.get("unsure")):
                raise UnsureDescription(f"{key} is marked as unsure.")
            best = said.get("best_exo")
            camera = best.get("cam_id") if isinstance(best, dict) else None
            yield Event(
                _inner(key),
                take,
                rows.number(said.get("timestamp"), "timestamp"),
                without_letter(text_of(said, "text")),
                ("text", "time"),
                str(camera) if camera else None,
                flag(said.get("ego_visible")),
            )
        except RowError as error:
            yield key, error


def _commentaries(
    row: Mapping[str, Any], take: Take, where: str, asked: frozenset[str], seed: int
) -> Iterator[Found]:
    for number, item in enumerate(items_of(row, "commentary_data"), start=1):
        key = f"{where}-{number}"
        try:
            said = mapping(item, "the commentary")
            if flag(said.get("error")):
                raise FaultyCommentary(f"{key} is marked as an error.")
            time = rows.number(said.get("video_time"), "video_time")
            text = " ".join(text_of(said, "text").split())
            yield Event(_inner(key), take, time, text, ("commentary",), take.best_exo)
        except RowError as error:
            yield key, error


def _demonstrations(
    row: Mapping[str, Any], take: Take, where: str, asked: frozenset[str], seed: int
) -> Iterator[Found]:
    """Each remark with its own text: what was done well, and what to do better."""
    for kind, name in (("good_execution", "good_executions"), ("tips", "tips_for_improvement")):
        if kind not in asked:
            continue
        for number, item in enumerate(items_of(row, name), start=1):
            key = f"{where}-{number}"
            try:
                said = mapping(item, name)
                time = rows.number(said.get("video_time"), "video_time")
                text = sentences(said.get("list"), f"list of {name}")
                yield Event(_inner(key), take, time, text, (kind,), take.best_exo)
            except RowError as error:
                yield f"{key}:{kind}", error


def _demonstrators(
    row: Mapping[str, Any], take: Take, where: str, asked: frozenset[str], seed: int
) -> Iterator[Found]:
    score = str(row.get("proficiency_score") or "").strip()
    if not score:
        raise EmptyLabel(f"{where} has no proficiency_score; the test part has none.")
    levels = {level.lower(): level for level in LEVELS}
    if score.lower() not in levels:
        raise BadRow(f"proficiency_score is {score!r}, not one of {', '.join(LEVELS)}.")
    share = stable_index(_STEPS + 1, seed, "proficiency", take.uid, where) / _STEPS
    time = round(share * take.duration, 2)
    level = levels[score.lower()]
    yield Event(_inner(where), take, time, level, ("proficiency",), take.best_exo)


def _inner(where: str) -> str:
    return where.rpartition("/")[2]


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
        try:
            value = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
            raise BadRow(
                f"{name} is no Python list ({type(error).__name__}); correct it."
            ) from error
    if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
        raise BadRow(f"{name} is not a list of texts; correct the annotation.")
    parts = [part for part in (" ".join(part.split()) for part in value) if part]
    if not parts:
        raise EmptyLabel(f"{name} is empty; nothing was said.")
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in parts)


_Read: TypeAlias = Callable[[Mapping[str, Any], Take, str, frozenset[str], int], Iterator[Found]]
_READ: dict[tuple[str, ...], _Read] = {
    ("text", "time"): _descriptions,
    ("commentary",): _commentaries,
    ("good_execution", "tips"): _demonstrations,
    ("proficiency",): _demonstrators,
}
