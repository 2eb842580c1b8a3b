"""Something-Something v2: slots of every kind, rows without a label, webm files."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import tiny
from outcomes import one, reasons, touch

from video_star.core.engine import Clip
from video_star.core.errors import DataError
from video_star.core.labels import SetLabel, TextLabel
from video_star.core.params import VideoParams
from video_star.core.records import VideoSample
from video_star.data.readers import json_files
from video_star.data.readers.base import Row
from video_star.data.readers.something import Something, SomethingSource, with_blanks
from video_star.video.decode import probe, read_frames

ROW = {
    "id": "78687",
    "label": "holding potato next to vicks vaporub bottle",
    "template": "Holding [something] next to [something]",
    "placeholders": ["potato", "vicks vaporub bottle"],
}


def write_webm(path: Path, frames: np.ndarray, fps: int = 12) -> Path:
    """Encode uint8 [T, H, W, 3] as VP9 in webm, as the data set's files are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=fps)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "4", "b": "0", "cpu-used": "8"}
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def read(data: Path, rows: Any, questions: tuple[str, ...] = ("objects", "sentence")) -> list[Row]:
    (data / "labels").mkdir(parents=True, exist_ok=True)
    (data / "videos").mkdir(exist_ok=True)
    (data / "labels" / "train.json").write_text(json.dumps(rows), encoding="utf-8")
    source = SomethingSource(
        reader="something",
        dataset="ssv2",
        annotations="labels/train.json",
        videos="videos",
        split="train",
        questions=questions,  # type: ignore[arg-type]
    )
    return list(Something(source, data, 17).rows())


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


def test_only_the_asked_questions_are_made(tmp_path: Path) -> None:
    touch(tmp_path / "videos", "78687.webm")
    assert [
        row.id for row in read(tmp_path, [ROW], ("sentence",)) if isinstance(row, VideoSample)
    ] == ["ssv2/78687/sentence"]


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


@pytest.mark.parametrize("text", ['{"id": "1"}', '[{"id": "1"}', '[{"id": "1"} {"id": "2"}]', ""])
def test_a_file_that_is_no_whole_list_is_named(tmp_path: Path, text: str) -> None:
    read(tmp_path, [])
    (tmp_path / "labels" / "train.json").write_text(text, encoding="utf-8")
    source = SomethingSource(
        reader="something",
        dataset="s",
        annotations="labels/train.json",
        videos="videos",
        split="train",
        questions=("sentence",),
    )
    with pytest.raises(DataError, match=r"train\.json"):
        list(Something(source, tmp_path, 17).rows())


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


def test_webm_files_are_decoded_in_the_right_order(tmp_path: Path) -> None:
    path = write_webm(tmp_path / "a.webm", tiny.grey_steps(12, 64, 48))
    info = probe(path)
    assert (info.n_frames, info.width, info.height) == (12, 64, 48)
    assert info.duration_s == pytest.approx(1.0, abs=0.01)
    frames = read_frames(
        Clip(path, None, None),
        VideoParams(sampling="uniform", frames=12, fps=None, short_side=None),
    )
    levels = frames.pixels.mean(axis=(1, 2, 3))
    assert levels == pytest.approx(16 + 12 * np.arange(12), abs=6)
