"""STAR's situations: class codes to words, and what the keyframes of a segment show.

A keyframe's id is the number of its frame, counted from 1: id n is shown at (n - 1) / fps seconds,
which is how the owners' own tools choose the keyframes of a segment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from video_star.core.errors import DataError
from video_star.data.readers import rows
from video_star.data.readers.json_files import items_of, mapping
from video_star.data.readers.pickles import load_pickle
from video_star.data.readers.rows import BadRow

CLASS_FILES = (
    *("action_classes.txt", "object_classes.txt", "relationship_classes.txt", "verb_classes.txt"),
)
"""Lines of a code and its words: "a000 hold some clothes", "o000 person", "v000 close"."""
FPS_FILES = ("video_fps", "video_fps.pkl")
"""A pickle of video file names to frames per second."""
PERSON = "o000"
OUTSIDE = 0.05
"""How far a box may leave the picture, as a share of its side; further, and it was drawn on a video
of another size."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Classes:
    """The words of all class codes."""

    words: Mapping[str, str]

    def name(self, code: object) -> str:
        """The words of a code; BadRow for an unknown one, which never gets a made-up name."""
        if not isinstance(code, str) or code not in self.words:
            raise BadRow(f"{code!r} is in none of the class files; correct the situation.")
        return self.words[code]


@dataclass(frozen=True)
class Sighting:
    """A thing in a keyframe, at seconds of the recording."""

    at: float
    code: str
    box: Box
    """Pixels x1, y1, x2, y2."""


def read_classes(folder: Path) -> Classes:
    """All four class files; DataError when one is missing or has a line without words."""
    words: dict[str, str] = {}
    for name in CLASS_FILES:
        path = folder / name
        if not path.is_file():
            raise DataError(f"{path}: there is no such file; correct `classes` under the source.")
        for number, line in enumerate(rows.open_text(path), start=1):
            code, _, text = line.strip().partition(" ")
            if code and not text.strip():
                raise DataError(f"{path}:{number}: {code} has no words; restore that line.")
            if code:
                words[code] = text.strip()
    return Classes(words)


def read_rates(folder: Path) -> dict[str, float]:
    """Frames per second by video id, from the pickle in the classes folder; empty without it."""
    path = next((folder / name for name in FPS_FILES if (folder / name).is_file()), None)
    if path is None:
        return {}
    content = load_pickle(path)
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds no dict of rates; get the file from its publisher.")
    rates: dict[str, float] = {}
    for name, rate in content.items():
        try:
            value = float(rate)
        except (TypeError, ValueError) as error:
            raise DataError(f"{path}: the rate of {name} is {rate!r}; correct it.") from error
        # A file that its publisher's tool could not open has the rate 0 there.
        if value > 0:
            rates[str(name).removesuffix(".mp4")] = value
    return rates


def frames_by_time(situations: Mapping[str, Any], fps: float) -> list[tuple[float, Any]]:
    """Seconds of the recording and situation of each keyframe, in order of time; BadRow."""
    timed = []
    for name, situation in situations.items():
        if not str(name).isdecimal():
            raise BadRow(f"{name!r} is no keyframe number; correct the situations.")
        timed.append((int(name), mapping(situation, f"situation {name}")))
    timed.sort(key=lambda item: item[0])
    return [((number - 1) / fps, situation) for number, situation in timed]


def actions_in(
    frames: Sequence[tuple[float, Any]], start: float, end: float, classes: Classes
) -> tuple[list[str], list[str]]:
    """Actions of the keyframes from start to end (excluded) in order of appearance; and of these
    the ones that no other keyframe of the recording shows."""
    inner: dict[str, None] = {}
    outer: set[str] = set()
    for at, situation in frames:
        names = [say_action(classes.name(code)) for code in items_of(situation, "actions")]
        if start <= at < end:
            inner.update(dict.fromkeys(names))
        else:
            outer.update(names)
    return list(inner), [name for name in inner if name not in outer]


def things_in(frames: Sequence[tuple[float, Any]], start: float, end: float) -> list[Sighting]:
    """All boxes of things (not persons) in the keyframes from start to end (excluded)."""
    found = []
    for at, situation in frames:
        if not start <= at < end:
            continue
        codes, boxes = items_of(situation, "bbox_labels"), items_of(situation, "bbox")
        if len(codes) != len(boxes):
            raise BadRow(f"{len(boxes)} boxes have {len(codes)} labels; correct the situation.")
        for code, box in zip(codes, boxes, strict=True):
            if box is not None and code != PERSON:
                found.append(Sighting(at, code, _box(box)))
    return found


def _box(value: object) -> Box:
    if not isinstance(value, list) or len(value) != 4:
        raise BadRow(f"bbox {value!r} is not x1, y1, x2, y2; correct the situation.")
    x1, y1, x2, y2 = (rows.number(part, "bbox") for part in value)
    return x1, y1, x2, y2


def fractions(box: Box, width: int, height: int) -> Box | None:
    """The box as fractions of the picture, clipped to it; None when it does not belong to it."""
    sides = (width, height, width, height)
    parts = [part / side for part, side in zip(box, sides, strict=True)]
    if min(parts) < -OUTSIDE or max(parts) > 1 + OUTSIDE:
        return None
    x1, y1, x2, y2 = (min(max(part, 0.0), 1.0) for part in parts)
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def say_action(words: str) -> str:
    """An action class as a plain phrase: "put a towel/s somewhere" is "put a towel".

    Of alternatives ("cup/glass/bottle") the first one stands, of a verb's ("watch/read/look at")
    the last one, to which the rest of the phrase belongs; "some" and "somewhere" say nothing.
    """
    first, *rest = words.removesuffix(" from somewhere").removesuffix(" somewhere").split(" ")
    kept = [first.rpartition("/")[2], *(word.partition("/")[0] for word in rest)]
    return " ".join(word for word in kept if word != "some")


def alternatives(words: str) -> tuple[str, tuple[str, ...]]:
    """An object class as a name and its other names: "cup/glass/bottle"."""
    name, *others = [part.strip() for part in words.split("/") if part.strip()] or [words]
    return name, tuple(others)
