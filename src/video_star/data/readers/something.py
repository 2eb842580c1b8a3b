"""Something-Something v2: labels/train.json or labels/validation.json, and a folder of webm files.

Question types:
- `objects`: the template with every slot in brackets blanked; the answer is the placeholders;
- `sentence`: what is done, in one sentence; the answer is the label.

A slot is anything in brackets: "[something]" as well as "[something soft]" or "[part]".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from video_star.core.labels import Label, SetLabel, TextLabel
from video_star.core.records import VideoSample
from video_star.core.sources import SomethingSource
from video_star.data.questions import ask
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

BLANK = "___"
SUFFIXES = (".webm", ".mp4")
"""As published, and as many people convert them."""
_SLOT = re.compile(r"\[[^\[\]]*\]")


def read_something(source: SomethingSource, data: Path, seed: int) -> Iterator[Row]:
    """Samples of one annotation file in its order, `source.questions` for each clip.

    A clip without a label (the rows of test.json) or without a file is one Failure.
    """
    path = rows.annotation_path(data, source.annotations)
    folder_in(data, source.videos)
    for number, item in json_items(path):
        try:
            row = mapping(item, "the row")
            clip = text_of(row, "id")
            if not str(row.get("label") or "").strip():
                raise EmptyLabel(f"{clip} has no label; the rows of test.json have none.")
            stem = (PurePosixPath(source.videos) / clip).as_posix()
            video = video_in(data, [stem + suffix for suffix in SUFFIXES], clip)
        except RowError as error:
            yield rows.failure(f"{source.annotations}:{number}", error)
            continue
        for kind in source.questions:
            try:
                yield _sample(source, kind, clip, video, row, seed)
            except RowError as error:
                yield rows.failure(f"{source.annotations}:{number}:{kind}", error)


def _sample(
    source: SomethingSource, kind: str, clip: str, video: str, row: Mapping[str, Any], seed: int
) -> VideoSample:
    fields, label = _ASKED[kind](row)
    sample_id = f"{source.dataset}/{clip}/{kind}"
    question, template = ask(kind, sample_id, seed, **fields)
    return rows.sample_of(
        id=sample_id,
        dataset=source.dataset,
        video=video,
        source_id=f"{source.dataset}/{clip}",
        split=source.split,
        question=question,
        question_template=template,
        labels=(label,),
    )


def blanked(template: str) -> tuple[str, int]:
    """The template with a blank for each slot, and the number of slots."""
    return _SLOT.subn(BLANK, template)


def _objects(row: Mapping[str, Any]) -> tuple[dict[str, str], Label]:
    names = [str(name).strip() for name in items_of(row, "placeholders")]
    if not names or not all(names):
        raise EmptyLabel("placeholders are missing; nothing fills the slots of the template.")
    template, slots = blanked(text_of(row, "template"))
    if slots != len(names):
        raise BadRow(f"template has {slots} slots for {len(names)} placeholders; correct the row.")
    distinct = tuple(dict.fromkeys(names))
    # A set, also of one: free words are no classes, so naming another clip's thing is no hedge.
    return {"template": template}, SetLabel(names=distinct)


def _sentence(row: Mapping[str, Any]) -> tuple[dict[str, str], Label]:
    return {}, TextLabel(text=text_of(row, "label"))


_ASKED: dict[str, Callable[[Mapping[str, Any]], tuple[dict[str, str], Label]]] = {
    "objects": _objects,
    "sentence": _sentence,
}
