"""The `star_annotations` JSON of the authors of Video-STaR: train.json and test.json, both ways.

A list of {video_id, question_id, question, label {label_type: value}, label_type [...],
verifier_type [...], video_path, duration, id}; `label_type` and `verifier_type` belong together
item by item, and an answer must pass all of them. `video_path` is relative to `videos`; some of the
authors' generators leave the name of their own folder before it ("data/").

Times are fractions of the clip, boxes corners as fractions, as the authors' generators write them
(MOMA's are fractions of the frame padded to a square, in the questions too, and stay so).

A clip is a file of its own in this format. A part of a file gets "start" and "end" in seconds here,
which the authors' code ignores.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from video_star.core.errors import DataError
from video_star.core.excerpt import excerpt
from video_star.core.jsonl import write_text
from video_star.core.labels import (
    BoxLabel,
    ClassLabel,
    Label,
    SameLabel,
    ScoreLabel,
    SequenceLabel,
    SetLabel,
    SpanLabel,
    TextLabel,
    TimeLabel,
    cells,
)
from video_star.core.labels.cells import BadRow, EmptyLabel
from video_star.core.records import VideoSample
from video_star.data.readers import base
from video_star.data.readers.base import Reader, Row, Segment
from video_star.data.readers.json_files import rows_of_items
from video_star.video.isolated import probe_apart

Value: TypeAlias = str | float | bool | list[Any]
_DECIMALS = 6
"""Of a time in seconds: undoes the rounding of a fraction."""
_NUMBERED = re.compile(r"_\d+$")
_DENIAL = re.compile(r"\bnot\b|n't\b|\bdifferent\b", re.IGNORECASE)
_SCORE_TYPES = {"final_score": "score", "action_difficulty": "difficulty"}
SAME = {True: "The objects are the same.", False: "The objects are NOT the same."}
"""The authors' code looks for the word "not"."""
VERIFIERS = (
    *("simple", "obj_compare", "obj_identify", "sentence", "sentence_sequence", "temporal_range"),
    *("timestamp", "float", "bbox", "same_or_not", "llm"),
)
"""All verifier types of the format."""
_OWN_FOLDER = "data/"


class StarAnnotationsSource(base.SourceOfOneSplit):
    """`annotations`: train.json or test.json; `videos`: the folder of its paths."""


class StarAnnotations(Reader[StarAnnotationsSource]):
    Section = StarAnnotationsSource

    def rows(self) -> Iterator[Row]:
        return rows_of_items(self, self._sample)

    def _sample(self, raw: object, place: str) -> Iterator[Row]:
        item, videos = base.mapping(raw, "the item"), PurePosixPath(self.source.videos)
        name = base.text_of(item, "question_id").removeprefix(f"{self.source.dataset}/")
        path = base.text_of(item, "video_path")
        places = dict.fromkeys([path, path.removeprefix(_OWN_FOLDER)])
        video = self.find_video([(videos / place).as_posix() for place in places], path)
        start_s, end_s = (
            None if item.get(key) is None else cells.number(item[key], key)
            for key in ("start", "end")
        )
        yield self.sample(
            name,
            base.text_of(item, "video_id"),
            self.source.split,
            Segment(video, start_s, end_s),
            (base.text_of(item, "question"), base.GIVEN),
            *_labels(item),
        )


def _labels(item: Mapping[str, Any]) -> tuple[Label, ...]:
    values = base.mapping(item.get("label"), "label")
    names, verifiers = (base.items_of(item, key) for key in ("label_type", "verifier_type"))
    if len(names) != len(verifiers):
        raise BadRow(
            f"{len(names)} label_type for {len(verifiers)} verifier_type; make them pairs."
        )
    if not names:
        raise EmptyLabel("label_type is empty; name the labels or take the item out.")
    missing = [name for name in names if name not in values]
    if missing:
        raise EmptyLabel(f"label has no {excerpt(missing[0])}, which label_type names.")
    return tuple(
        label_from(str(name), str(verifier), values[name], item.get("duration"))
        for name, verifier in zip(names, verifiers, strict=True)
    )


def label_from(name: str, verifier: str, value: object, duration: object) -> Label:
    """One label; `duration` is the clip's, in seconds, and only needed for times.

    Raises BadRow for an unknown verifier type or a value that does not fit it, EmptyLabel for an
    empty value.
    """
    if verifier not in VERIFIERS:
        raise BadRow(f"verifier_type {excerpt(verifier)} is none of {', '.join(VERIFIERS)}.")
    if value is None or value in ("", []):
        raise EmptyLabel(f"label {name} is empty; add a value or take it out.")
    name = _NUMBERED.sub("", name)
    if name == "same_or_not" and verifier == "sentence":
        # So the authors' generators write it; "the same" and "NOT the same" are alike as sentences.
        verifier = "same_or_not"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match verifier:
        case "simple" | "obj_compare" | "obj_identify" if not is_number:
            if isinstance(value, list):
                return SetLabel(names=_texts(value))
            return ClassLabel(name=plain(value))
        case "simple" | "obj_compare" | "obj_identify" | "float":
            return ScoreLabel(value=cells.number(value, name), name=_score_name(name))
        case "sentence" | "llm":
            parts = _texts(value)  # of a list each must be met, so each becomes a sentence
            return TextLabel(text=parts[0] if len(parts) == 1 else base.as_sentences(parts))
        case "sentence_sequence":
            return SequenceLabel(names=_texts(value))
        case "temporal_range":
            length = _seconds(duration)
            start, end = (round(part * length, _DECIMALS) for part in _numbers(value, 2))
            if not 0 <= start < end:
                raise BadRow(
                    f"temporal range {excerpt(value)} does not run forward; correct the label."
                )
            return SpanLabel(start=start, end=end, duration=length)
        case "timestamp":
            length = _seconds(duration)
            at = round(cells.number(value, name) * length, _DECIMALS)
            if at < 0:
                raise BadRow(f"timestamp {excerpt(value)} is before the start; correct the label.")
            return TimeLabel(at=at, duration=length)
        case "bbox":
            x1, y1, x2, y2 = (min(max(part, 0.0), 1.0) for part in _numbers(value, 4))
            if x1 >= x2 or y1 >= y2:
                raise BadRow(
                    f"box {excerpt(value)} is not x1 y1 x2 y2 with an area; correct the label."
                )
            return BoxLabel(xyxy=(x1, y1, x2, y2))
        case _:
            same = value if isinstance(value, bool) else not _DENIAL.search(plain(value))
            return SameLabel(same=same)


def plain(value: object) -> str:
    """A value as text; underscores are spaces, as in the authors' prompts."""
    text = " ".join(str(value).replace("_", " ").split())
    if not text or isinstance(value, list | dict | bool):
        raise BadRow(f"{excerpt(value)} is not a text; correct the label.")
    return text


def _texts(value: object) -> tuple[str, ...]:
    return tuple(plain(part) for part in (value if isinstance(value, list) else [value]))


def _numbers(value: object, n: int) -> list[float]:
    if not isinstance(value, list) or len(value) != n:
        raise BadRow(f"{excerpt(value)} is not a list of {n} numbers; correct the label.")
    return [cells.number(part, "the value") for part in value]


def _seconds(duration: object) -> float:
    length = cells.number(duration, "duration")
    if length <= 0:
        raise BadRow(f"duration is {length:g}; a time needs the clip's length in seconds.")
    return length


def labels_to(labels: Sequence[Label], duration: float) -> list[tuple[str, str, Value]]:
    """(label_type, verifier_type, value) of each label; `duration` is the clip's, in seconds.

    A choice becomes the text of its right option, as the authors treat STAR's choices. What the
    format cannot hold is left out: synonyms, the ends of a scale, the time of a box. Raises
    DataError for a score whose name the format would change.
    """
    found: list[tuple[str, str, Value]] = []
    names: dict[str, int] = {}
    for label in labels:
        name, verifier, value = _TO.get(label.kind, (label.kind, "sentence", _sentence))
        name = _score_type(label.name) if isinstance(label, ScoreLabel) else name
        names[name] = count = names.get(name, 0) + 1
        ending = "" if count == 1 else f"_{count}"
        found.append((name + ending, verifier, value(label, duration)))
    return found


_TO: dict[str, tuple[str, str, Callable[[Any, float], Value]]] = {
    "class": ("class", "simple", lambda label, _: label.name),
    "set": ("objects", "simple", lambda label, _: list(label.names)),
    "sequence": ("action_sequence", "sentence_sequence", lambda label, _: list(label.names)),
    "span": (
        *("temporal_range", "temporal_range"),
        lambda label, duration: [label.start / duration, label.end / duration],
    ),
    "time": ("normalized_time", "timestamp", lambda label, duration: label.at / duration),
    "score": ("", "float", lambda label, _: label.value),
    "box": ("location", "bbox", lambda label, _: list(label.xyxy)),
    "text": ("description", "sentence", lambda label, _: label.text),
    "choice": ("answer_question", "sentence", lambda label, _: label.options[label.answer]),
    "same": ("same_or_not", "same_or_not", lambda label, _: SAME[label.same]),
}
"""Kind to label_type (of a score: its name), verifier_type, and the value by the clip's length."""


def _sentence(label: Label, _: float) -> Value:
    """The value of a kind that the format does not know."""
    return label.say()


def _score_type(name: str) -> str:
    types = {score: label_type for label_type, score in _SCORE_TYPES.items()}
    label_type = types.get(name, name.replace(" ", "_"))
    if _score_name(_NUMBERED.sub("", label_type)) != name:
        raise DataError(
            f"A score named {excerpt(name)} would be read back from star_annotations under another "
            "name; rename it."
        )
    return label_type


def _score_name(label_type: str) -> str:
    return _SCORE_TYPES.get(label_type, label_type.replace("_", " "))


def write_star_annotations(samples: Iterable[VideoSample], data: Path, path: Path) -> int:
    """Write samples in this format, in their order, whole or not at all; returns their number.

    `data` is the folder that video paths are relative to; each file is probed once for its length.
    Raises VideoError when a file without a known end cannot be read, DataError when a label cannot
    be written in this format.
    """
    length = lru_cache(maxsize=None)(lambda video: probe_apart(data / video).duration_s)
    items = [_item(number, sample, length) for number, sample in enumerate(samples)]
    write_text(path, json.dumps(items, indent=4, ensure_ascii=False) + "\n")
    return len(items)


def _item(number: int, sample: VideoSample, length: Callable[[str], float]) -> dict[str, object]:
    end = length(sample.video) if sample.end_s is None else sample.end_s
    duration = end - (sample.start_s or 0.0)
    if duration <= 0:
        raise DataError(
            f"{sample.id}: {sample.video} ends before the part starts; correct start_s."
        )
    labels = labels_to(sample.labels, duration)
    part = {"start": sample.start_s, "end": sample.end_s}
    return {
        "video_id": sample.source_id.removeprefix(f"{sample.dataset}/"),
        "question_id": sample.id,
        "question": sample.question,
        "label": {name: value for name, _, value in labels},
        "video_path": sample.video,
        "duration": duration,
        "label_type": [name for name, _, _ in labels],
        "verifier_type": [verifier for _, verifier, _ in labels],
        "id": number,
        **{key: value for key, value in part.items() if value is not None},
    }
