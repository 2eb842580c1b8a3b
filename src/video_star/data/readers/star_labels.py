"""Labels of the `star_annotations` format, to and from ours: one table in each direction.

A label is a name (`label_type`), a way to verify it (`verifier_type`) and a value. Times are
fractions of the clip, boxes corners as fractions, as the authors' generators write them (MOMA's are
fractions of the frame padded to a square, in the questions too, and stay so).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from video_star.core.errors import DataError
from video_star.core.labels import (
    BoxLabel,
    ChoiceLabel,
    ClassLabel,
    Label,
    SameLabel,
    ScoreLabel,
    SequenceLabel,
    SetLabel,
    SpanLabel,
    TextLabel,
    TimeLabel,
)
from video_star.data.readers import rows
from video_star.data.readers.rows import BadRow, EmptyLabel

Value: TypeAlias = str | float | bool | list[Any]
_DECIMALS = 6
"""Of a time in seconds: undoes the rounding of a fraction."""
_NUMBERED = re.compile(r"_\d+$")
_DENIAL = re.compile(r"\bnot\b|n't\b|\bdifferent\b", re.IGNORECASE)
_SCORE_TYPES = {"final_score": "score", "action_difficulty": "difficulty"}
SAME = {True: "The objects are the same.", False: "The objects are NOT the same."}
"""The authors tell them apart by the word "not"."""


def label_from(name: str, verifier: str, value: object, duration: object) -> Label:
    """One label; `duration` is the clip's, in seconds, and only needed for times.

    Raises BadRow for an unknown verifier type or a value that does not fit it, EmptyLabel for an
    empty value.
    """
    if verifier not in _FROM:
        raise BadRow(f"verifier_type {verifier!r} is none of {', '.join(_FROM)}.")
    if value is None or value in ("", []):
        raise EmptyLabel(f"label {name} is empty; add a value or take it out.")
    kind = _NUMBERED.sub("", name)
    if kind == "same_or_not" and verifier == "sentence":
        # So the authors' generators write it; "the same" and "NOT the same" are alike as sentences.
        verifier = "same_or_not"
    return _FROM[verifier](kind, value, duration)


def plain(value: object) -> str:
    """A value as text; underscores are spaces, as in the authors' prompts."""
    text = " ".join(str(value).replace("_", " ").split())
    if not text or isinstance(value, list | dict | bool):
        raise BadRow(f"{value!r} is not a text; correct the label.")
    return text


def _texts(value: object) -> tuple[str, ...]:
    return tuple(plain(part) for part in (value if isinstance(value, list) else [value]))


def _numbers(value: object, n: int) -> list[float]:
    if not isinstance(value, list) or len(value) != n:
        raise BadRow(f"{value!r} is not a list of {n} numbers; correct the label.")
    return [rows.number(part, "the value") for part in value]


def _seconds(duration: object) -> float:
    length = rows.number(duration, "duration")
    if length <= 0:
        raise BadRow(f"duration is {length:g}; a time needs the clip's length in seconds.")
    return length


def _words(name: str, value: object, duration: object) -> Label:
    """Names to be found in the answer; a number among them is a score."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _score(name, value, duration)
    if isinstance(value, list):
        return SetLabel(names=_texts(value))
    return ClassLabel(name=plain(value))


def _text(name: str, value: object, duration: object) -> Label:
    """Sentences; of a list each must be met, so each becomes a sentence of its own."""
    parts = _texts(value)
    if len(parts) == 1:
        return TextLabel(text=parts[0])
    return TextLabel(text=" ".join(p if p[-1] in ".!?" else f"{p}." for p in parts))


def _sequence(name: str, value: object, duration: object) -> Label:
    return SequenceLabel(names=_texts(value))


def _span(name: str, value: object, duration: object) -> Label:
    length = _seconds(duration)
    start, end = (round(part * length, _DECIMALS) for part in _numbers(value, 2))
    if not 0 <= start < end:
        raise BadRow(f"temporal range {value!r} does not run forward; correct the label.")
    return SpanLabel(start=start, end=end, duration=length)


def _time(name: str, value: object, duration: object) -> Label:
    length = _seconds(duration)
    at = round(rows.number(value, name) * length, _DECIMALS)
    if at < 0:
        raise BadRow(f"timestamp {value!r} is before the start; correct the label.")
    return TimeLabel(at=at, duration=length)


def _score(name: str, value: object, duration: object) -> Label:
    return ScoreLabel(value=rows.number(value, name), name=_score_name(name))


def _box(name: str, value: object, duration: object) -> Label:
    x1, y1, x2, y2 = (min(max(part, 0.0), 1.0) for part in _numbers(value, 4))
    if x1 >= x2 or y1 >= y2:
        raise BadRow(f"box {value!r} is not x1 y1 x2 y2 with an area; correct the label.")
    return BoxLabel(xyxy=(x1, y1, x2, y2))


def _same(name: str, value: object, duration: object) -> Label:
    if isinstance(value, bool):
        return SameLabel(same=value)
    return SameLabel(same=not _DENIAL.search(plain(value)))


_FROM: dict[str, Callable[[str, object, object], Label]] = {
    "simple": _words,
    "obj_compare": _words,
    "obj_identify": _words,
    "sentence": _text,
    "sentence_sequence": _sequence,
    "temporal_range": _span,
    "timestamp": _time,
    "float": _score,
    "bbox": _box,
    "same_or_not": _same,
    "llm": _text,
}


def labels_to(labels: Sequence[Label], duration: float) -> list[tuple[str, str, Value]]:
    """(label_type, verifier_type, value) of each label; `duration` is the clip's, in seconds.

    A choice becomes the text of its right option, as the authors treat STAR's choices. What the
    format cannot say is left out: synonyms, the ends of a scale, the time of a box. Raises
    DataError for a score whose name the format would change.
    """
    found: list[tuple[str, str, Value]] = []
    names: dict[str, int] = {}
    for label in labels:
        name, verifier, value = _label_to(label, duration)
        names[name] = count = names.get(name, 0) + 1
        found.append((name if count == 1 else f"{name}_{count}", verifier, value))
    return found


def _label_to(label: Label, duration: float) -> tuple[str, str, Value]:
    match label:
        case ClassLabel():
            return "class", "simple", label.name
        case SetLabel():
            return "objects", "simple", list(label.names)
        case SequenceLabel():
            return "action_sequence", "sentence_sequence", list(label.names)
        case SpanLabel():
            span = [label.start / duration, label.end / duration]
            return "temporal_range", "temporal_range", span
        case TimeLabel():
            return "normalized_time", "timestamp", label.at / duration
        case ScoreLabel():
            return _score_type(label.name), "float", label.value
        case BoxLabel():
            return "location", "bbox", list(label.xyxy)
        case TextLabel():
            return "description", "sentence", label.text
        case ChoiceLabel():
            return "answer_question", "sentence", label.options[label.answer]
        case SameLabel():
            return "same_or_not", "same_or_not", SAME[label.same]


def _score_type(name: str) -> str:
    types = {said: label_type for label_type, said in _SCORE_TYPES.items()}
    label_type = types.get(name, name.replace(" ", "_"))
    if _score_name(_NUMBERED.sub("", label_type)) != name:
        raise DataError(
            f"A score named {name!r} would be read back from star_annotations under another name; "
            "rename it."
        )
    return label_type


def _score_name(label_type: str) -> str:
    return _SCORE_TYPES.get(label_type, label_type.replace("_", " "))
