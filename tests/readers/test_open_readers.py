"""Sections of `ingest.sources`: each is checked by its reader, all before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny

from video_star.core.errors import UsageError
from video_star.core.params import load_params
from video_star.data.readers import READERS, open_readers, reader_class
from video_star.data.readers.base import Source

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
