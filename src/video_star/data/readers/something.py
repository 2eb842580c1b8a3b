"""Something-Something v2: labels/train.json or labels/validation.json, and a folder of webm files.

Question types:
- `objects`: the template with a blank for every slot in brackets; the answer is the placeholders;
- `sentence`: what is done, in one sentence; the answer is the label.

A slot is anything in brackets: "[something]" as well as "[something soft]" or "[part]".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Literal

from pydantic import Field

from video_star.core.labels import Label, SetLabel, TextLabel
from video_star.core.labels.cells import BadRow, EmptyLabel
from video_star.data.readers import base
from video_star.data.readers.base import Reader, Row, Segment
from video_star.data.readers.json_files import rows_of_items

BLANK = "___"
SUFFIXES = (".webm", ".mp4")
"""As published, and as many people convert them."""
_SLOT = re.compile(r"\[[^\[\]]*\]")


class SomethingSource(base.SourceOfOneSplit):
    """`annotations`: train.json or validation.json; `videos`: the folder of webm files."""

    questions: tuple[Literal["objects", "sentence"], ...] = Field(min_length=1)


class Something(Reader[SomethingSource]):
    """A clip without a label (the rows of test.json) or without a file is one Failure."""

    Section = SomethingSource

    def rows(self) -> Iterator[Row]:
        return rows_of_items(self, self._clip)

    def _clip(self, item: object, where: str) -> Iterator[Row]:
        row = base.mapping(item, "the row")
        clip = base.text_of(row, "id")
        if not str(row.get("label") or "").strip():
            raise EmptyLabel(f"{clip} has no label; the rows of test.json have none.")
        stem = (PurePosixPath(self.source.videos) / clip).as_posix()
        shown = Segment(self.find_video([stem + suffix for suffix in SUFFIXES], clip))
        for kind in self.source.questions:
            yield from base.counted(f"{where}:{kind}", self._sample(kind, clip, shown, row))

    def _sample(
        self, kind: str, clip: str, shown: Segment, row: Mapping[str, Any]
    ) -> Iterator[Row]:
        label: Label
        if kind == "objects":
            template, label = _objects(row)
            fields = {"template": template}
        else:
            fields, label = {}, TextLabel(text=base.text_of(row, "label"))
        name = f"{clip}/{kind}"
        question = self.ask(kind, name, **fields)
        yield self.sample(name, clip, self.source.split, shown, question, label)


def with_blanks(template: str) -> tuple[str, int]:
    """The template with a blank for each slot, and the number of slots."""
    return _SLOT.subn(BLANK, template)


def _objects(row: Mapping[str, Any]) -> tuple[str, SetLabel]:
    """The template with its blanks, and what fills them."""
    names = [str(name).strip() for name in base.items_of(row, "placeholders")]
    if not names or not all(names):
        raise EmptyLabel("placeholders are missing; nothing fills the slots of the template.")
    template, slots = with_blanks(base.text_of(row, "template"))
    if slots != len(names):
        raise BadRow(f"template has {slots} slots for {len(names)} placeholders; correct the row.")
    # A set, also of one: free words are no classes, so naming another clip's thing is no hedge.
    return template, SetLabel(names=tuple(dict.fromkeys(names)))
