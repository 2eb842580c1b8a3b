"""Sections of `ingest.sources`: each is checked by its reader, all before anything is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
from outcomes import errors, touch

from video_star.core.errors import UsageError
from video_star.core.labels import ClassLabel
from video_star.core.params import load_params
from video_star.core.records import VideoSample
from video_star.data.readers import READERS, base, open_readers, reader_class
from video_star.data.readers.base import Reader, Row, Segment, Source

SHIPPED = load_params(tiny.ROOT / "params.yaml").ingest.sources
KINETICS = {
    "reader": "kinetics",
    "dataset": "k",
    "annotations": "a.csv",
    "videos": "v",
    "split": "train",
}


def test_every_name_of_the_table_is_a_reader_with_a_section_of_its_own() -> None:
    sections = [reader_class(name).Section for name in READERS]
    assert Source not in sections
    assert len(set(sections)) == len(sections) - 1, "table and huggingface share one"


def test_the_shipped_sections_are_opened_in_their_order(tmp_path: Path) -> None:
    readers = open_readers(SHIPPED, tmp_path, 17)
    assert [reader.source.reader for reader in readers] == [raw["reader"] for raw in SHIPPED]
    assert [reader.source.annotations for reader in readers] == [
        raw["annotations"] for raw in SHIPPED
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"reader": "cinetics"}, "ingest.sources.1.reader: there is no reader 'cinetics'"),
        ({"reader": ["kinetics"]}, "ingest.sources.1.reader"),
        ({"split": "val"}, "ingest.sources.1.kinetics.split: Input should be 'train' or 'test'"),
        ({"fps": 8}, "ingest.sources.1.kinetics.fps: unknown parameter"),
        ({"videos": None}, "ingest.sources.1.kinetics.videos"),
        ({"reader": "finediving"}, "ingest.sources.1.finediving.questions: missing"),
    ],
)
def test_a_wrong_section_is_refused_with_its_key(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        open_readers([KINETICS, {**KINETICS, **changes}], tmp_path, 17)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


class LinesSource(base.SourceOfOneSplit):
    suffix: str


class Lines(Reader[LinesSource]):
    """A text file of "name label" lines: what a module of a new reader has to have."""

    Section = LinesSource

    def rows(self) -> Iterator[Row]:
        for number, line in enumerate(base.open_text(self.annotation_file()), start=1):
            yield from base.counted(f"{self.source.annotations}:{number}", self._row(line))

    def _row(self, line: str) -> Iterator[Row]:
        name, _, label = line.strip().partition(" ")
        video = self.find_video([f"{self.source.videos}/{name}{self.source.suffix}"], name)
        question = self.ask("class", name)
        named = ClassLabel(name=label)
        yield self.sample(name, name, self.source.split, Segment(video), question, named)


def test_a_new_reader_needs_a_module_and_a_line_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(READERS, "lines", f"{__name__}:Lines")
    touch(tmp_path / "v", "a.mp4")
    (tmp_path / "a.txt").write_text("a diving\nb skiing\n", encoding="utf-8")
    raw = {**KINETICS, "reader": "lines", "annotations": "a.txt", "suffix": ".mp4"}
    (reader,) = open_readers([raw], tmp_path, 17)
    sample, *rest = reader.rows()
    assert isinstance(sample, VideoSample)
    assert (sample.id, sample.video, sample.labels[0].kind) == ("k/a", "v/a.mp4", "class")
    assert errors(rest) == [("a.txt:2", "MissingVideo")]
    with pytest.raises(UsageError, match=r"ingest\.sources\.0\.lines\.suffix: missing"):
        open_readers([{**KINETICS, "reader": "lines"}], tmp_path, 17)
