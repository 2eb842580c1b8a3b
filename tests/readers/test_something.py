"""Something-Something v2: slots of every kind, rows without a label."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from outcomes import one, reasons, rows_of, touch

from video_star.core.labels import SetLabel, TextLabel
from video_star.core.records import VideoSample
from video_star.data.readers import json_files
from video_star.data.readers.base import Row
from video_star.data.readers.something import with_blanks

ROW = {
    "id": "78687",
    "label": "holding potato next to vicks vaporub bottle",
    "template": "Holding [something] next to [something]",
    "placeholders": ["potato", "vicks vaporub bottle"],
}


def read(data: Path, rows: Any, questions: tuple[str, ...] = ("objects", "sentence")) -> list[Row]:
    (data / "labels").mkdir(parents=True, exist_ok=True)
    (data / "videos").mkdir(exist_ok=True)
    (data / "labels" / "train.json").write_text(json.dumps(rows), encoding="utf-8")
    section = {"annotations": "labels/train.json", "videos": "videos", "split": "train"}
    return rows_of("something", data, dataset="ssv2", questions=questions, **section)


def test_a_row_becomes_a_blank_to_fill_and_a_sentence_to_say(tmp_path: Path) -> None:
    touch(tmp_path / "videos", "78687.webm")
    objects, sentence = read(tmp_path, [ROW])
    assert isinstance(objects, VideoSample)
    assert isinstance(sentence, VideoSample)
    assert (objects.id, objects.video) == ("ssv2/78687/objects", "videos/78687.webm")
    assert (objects.source_id, objects.split) == ("ssv2/78687", "train")
    assert objects.labels == (SetLabel(names=("potato", "vicks vaporub bottle")),)
    assert "Holding ___ next to ___" in objects.question
    assert objects.question_template.startswith("objects/")
    assert sentence.labels == (TextLabel(text=ROW["label"]),)
    assert sentence.question_template.startswith("sentence/")


def test_slots_that_are_not_the_literal_something_are_with_blanks_too(tmp_path: Path) -> None:
    """The authors blank "[something]" only, so "[something soft]" stays as a hint."""
    touch(tmp_path / "videos", "5.webm")
    row = {
        "id": "5",
        "label": "squeezing a sponge",
        "template": "Squeezing [something soft]",
        "placeholders": ["a sponge"],
    }
    found = one(read(tmp_path, [row], ("objects",)))
    assert "Squeezing ___" in found.question
    assert "soft" not in found.question
    assert found.labels == (SetLabel(names=("a sponge",)),)
    assert with_blanks("[Something] falling like [a feather or paper]") == (
        "___ falling like ___",
        2,
    )
    assert with_blanks("Pulling [part] of [something]") == ("Pulling ___ of ___", 2)


def test_two_slots_with_the_same_thing_ask_for_one_thing(tmp_path: Path) -> None:
    touch(tmp_path / "videos", "78687.webm")
    found = one(read(tmp_path, [ROW | {"placeholders": ["a pen", "a pen"]}], ("objects",)))
    assert found.labels == (SetLabel(names=("a pen",)),)


def test_converted_files_are_found_and_the_published_one_comes_first(tmp_path: Path) -> None:
    touch(tmp_path / "videos", "78687.mp4")
    found = one(read(tmp_path, [ROW], ("sentence",)))
    assert found.video == "videos/78687.mp4"
    touch(tmp_path / "videos", "78687.webm")
    found = one(read(tmp_path, [ROW], ("sentence",)))
    assert found.video == "videos/78687.webm"


def test_test_rows_without_a_label_are_counted_once_each(tmp_path: Path) -> None:
    touch(tmp_path / "videos", "1420.webm")
    assert reasons(read(tmp_path, [{"id": "1420"}, {"id": "1421"}])) == ["EmptyLabel"] * 2


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({**ROW, "id": "1"}, ["MissingVideo"]),
        ({**ROW, "id": "../../78687"}, ["BadRow"]),
        ({"label": "x"}, ["BadRow"]),
        ("78687", ["BadRow"]),
        ({**ROW, "placeholders": []}, ["EmptyLabel"]),
        ({**ROW, "placeholders": ["potato", " "]}, ["EmptyLabel"]),
        ({**ROW, "placeholders": ["potato"]}, ["BadRow"]),
        ({**ROW, "placeholders": "potato"}, ["BadRow"]),
        ({**ROW, "template": None}, ["BadRow"]),
    ],
)
def test_a_row_that_cannot_be_used_is_counted_by_reason(
    tmp_path: Path, row: Any, expected: list[str]
) -> None:
    touch(tmp_path / "videos", "78687.webm")
    rows = read(tmp_path, [row, ROW])
    assert reasons(rows) == expected
    assert sum(isinstance(item, VideoSample) for item in rows) >= 2, "the next row is still read"


@pytest.mark.parametrize("chunk", range(1, 12))
def test_long_lists_are_read_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """Pieces of a few characters cut names, numbers and white space in two."""
    monkeypatch.setattr(json_files, "_CHUNK", chunk)
    values = [1234567890123, {"a": ["x" * 40, -1.5e-7]}, -1.5e-7, [], "é]", None, True, 42]
    for indent in (None, 4):
        path = tmp_path / f"{indent}.json"
        path.write_text(json.dumps(values, indent=indent, ensure_ascii=False), encoding="utf-8")
        assert list(json_files.json_items(path)) == list(enumerate(values, start=1))
