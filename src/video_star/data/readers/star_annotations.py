"""The `star_annotations` JSON of the authors of Video-STaR: train.json and test.json, both ways.

A list of {video_id, question_id, question, label {label_type: value}, label_type [...],
verifier_type [...], video_path, duration, id}; `label_type` and `verifier_type` belong together
item by item, and an answer must pass all of them. `video_path` is relative to `videos`; some of the
authors' generators leave the name of their own folder before it ("data/").

A clip is a file of its own in this format. A part of a file gets "start" and "end" in seconds here,
which the authors' code ignores.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from video_star.core.errors import DataError
from video_star.core.jsonl import write_text
from video_star.core.labels import Label
from video_star.core.records import VideoSample
from video_star.core.sources import StarAnnotationsSource
from video_star.data.readers import rows
from video_star.data.readers.json_files import (
    folder_in,
    items_of,
    json_items,
    mapping,
    text_of,
    video_in,
)
from video_star.data.readers.rows import BadRow, EmptyLabel, Row, RowError
from video_star.data.readers.star_labels import label_from, labels_to
from video_star.video.decode import probe

TEMPLATE = "given"
"""Questions come from the file."""
_OWN_FOLDER = "data/"


def read_star_annotations(source: StarAnnotationsSource, data: Path, seed: int) -> Iterator[Row]:
    """Samples of one file in its order; an item that cannot be used becomes a Failure."""
    path = rows.annotation_path(data, source.annotations)
    folder_in(data, source.videos)
    for number, item in json_items(path):
        try:
            yield _sample(source, mapping(item, "the item"), data)
        except RowError as error:
            yield rows.failure(f"{source.annotations}:{number}", error)


def _sample(source: StarAnnotationsSource, item: Mapping[str, Any], data: Path) -> VideoSample:
    name = text_of(item, "question_id").removeprefix(f"{source.dataset}/")
    path = text_of(item, "video_path")
    places = dict.fromkeys([path, path.removeprefix(_OWN_FOLDER)])
    video = video_in(data, [(PurePosixPath(source.videos) / p).as_posix() for p in places], path)
    start_s, end_s = (
        None if item.get(key) is None else rows.number(item[key], key) for key in ("start", "end")
    )
    return rows.sample_of(
        id=f"{source.dataset}/{name}",
        dataset=source.dataset,
        video=video,
        start_s=start_s,
        end_s=end_s,
        source_id=f"{source.dataset}/{text_of(item, 'video_id')}",
        split=source.split,
        question=text_of(item, "question"),
        question_template=TEMPLATE,
        labels=_labels(item),
    )


def _labels(item: Mapping[str, Any]) -> tuple[Label, ...]:
    values = mapping(item.get("label"), "label")
    names, verifiers = (items_of(item, key) for key in ("label_type", "verifier_type"))
    if len(names) != len(verifiers):
        raise BadRow(
            f"{len(names)} label_type for {len(verifiers)} verifier_type; make them pairs."
        )
    if not names:
        raise EmptyLabel("label_type is empty; name the labels or take the item out.")
    missing = [name for name in names if name not in values]
    if missing:
        raise EmptyLabel(f"label has no {missing[0]!r}, which label_type names.")
    return tuple(
        label_from(str(name), str(verifier), values[name], item.get("duration"))
        for name, verifier in zip(names, verifiers, strict=True)
    )


def write_star_annotations(samples: Iterable[VideoSample], data: Path, path: Path) -> int:
    """Write samples in this format, in their order, whole or not at all; returns their number.

    `data` is the folder that video paths are relative to; each file is probed once for its length.
    Raises VideoError when a file without a known end cannot be read, DataError when a label cannot
    be told in this format.
    """
    lengths: dict[str, float] = {}
    items = [_item(number, s, data, lengths) for number, s in enumerate(samples)]
    write_text(path, json.dumps(items, indent=4, ensure_ascii=False) + "\n")
    return len(items)


def _item(
    number: int, sample: VideoSample, data: Path, lengths: dict[str, float]
) -> dict[str, object]:
    end = sample.end_s
    if end is None:
        if sample.video not in lengths:
            lengths[sample.video] = probe(data / sample.video).duration_s
        end = lengths[sample.video]
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
