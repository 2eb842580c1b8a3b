"""The Kinetics reader on small folders in every public layout, and on the real annotation files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from outcomes import error, failure, one, reasons, rows_of, samples, touch

from video_star.core.errors import DataError
from video_star.core.labels import ClassLabel
from video_star.data.readers.base import Row

HEADER = "label,youtube_id,time_start,time_end,split,is_cc\n"


def read(data: Path, text: str, *videos: str, annotations: str = "a.csv") -> list[Row]:
    (data / "videos").mkdir(parents=True, exist_ok=True)
    (data / annotations).write_text(text, encoding="utf-8")
    touch(data / "videos", *videos)
    section = {"annotations": annotations, "videos": "videos", "split": "train"}
    return rows_of("kinetics", data, dataset="k", **section)


@pytest.mark.parametrize(
    "video",
    [
        "-wR5jVB-WPk_000417_000427.mp4",
        "air drumming/-wR5jVB-WPk_000417_000427.mp4",
        "air_drumming/-wR5jVB-WPk_000417_000427.webm",
        "val/deep/-wR5jVB-WPk_000417_000427.MKV",
        "-wR5jVB-WPk_417_427.avi",
    ],
)
def test_a_clip_is_found_in_any_folder_and_format(tmp_path: Path, video: str) -> None:
    sample = one(read(tmp_path, HEADER + '"air drumming",-wR5jVB-WPk,417,427,val,0\n', video))
    assert sample.video == f"videos/{video}"
    assert sample.id == "k/-wR5jVB-WPk_000417_000427"
    assert sample.source_id == "k/-wR5jVB-WPk"
    assert sample.labels == (ClassLabel(name="air drumming"),)
    assert (sample.start_s, sample.end_s) == (None, None)
    assert sample.question_template.startswith("class/")


@pytest.mark.parametrize("name", ["__________-", "_a_b_c_d_e_", "-0123456789"])
def test_ids_may_hold_underscores_and_hyphens_anywhere(tmp_path: Path, name: str) -> None:
    rows = read(tmp_path, HEADER + f"x,{name},1,2,val,0\n", f"{name}_000001_000002.mp4")
    assert one(rows).source_id == f"k/{name}"


def test_two_clips_of_one_recording_are_told_apart_by_time(tmp_path: Path) -> None:
    text = HEADER + "x,aaaaaaaaaaa,1,11,val,0\ny,aaaaaaaaaaa,20,30,val,0\n"
    videos = ("aaaaaaaaaaa_000001_000011.mp4", "aaaaaaaaaaa_000020_000030.mp4")
    rows = read(tmp_path, text, *videos)
    assert [row.video for row in samples(rows).values()] == [f"videos/{name}" for name in videos]


def test_times_may_be_written_as_floats(tmp_path: Path) -> None:
    rows = read(
        tmp_path, HEADER + "x,aaaaaaaaaaa,1.0,11.0,val,0\n", "aaaaaaaaaaa_000001_000011.mp4"
    )
    assert one(rows).id.endswith("_000001_000011")


def test_a_whole_recording_is_cut_by_the_rows_times(tmp_path: Path) -> None:
    sample = one(read(tmp_path, HEADER + "x,aaaaaaaaaaa,3,13,val,0\n", "aaaaaaaaaaa.mp4"))
    assert (sample.start_s, sample.end_s) == (3.0, 13.0)


def test_columns_are_found_by_the_header_not_by_position(tmp_path: Path) -> None:
    text = "\ufeffsplit, time_end,youtube_id,label,time_start\nval,2,aaaaaaaaaaa,x,1\n"
    assert one(read(tmp_path, text, "aaaaaaaaaaa_000001_000002.mp4")).labels[0].name == "x"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",aaaaaaaaaaa,1,2,val,0", "EmptyLabel"),
        ('"  ",aaaaaaaaaaa,1,2,val,0', "EmptyLabel"),
        ("x,bbbbbbbbbbb,1,2,val,0", "MissingVideo"),
        ("x,aaaaaaaaaaa,9,19,val,0", "MissingVideo"),
        ("x,short,1,2,val,0", "BadRow"),
        ("x,../../../a,1,2,val,0", "BadRow"),
        ("x,aaaaaaaaaaa,one,2,val,0", "BadRow"),
        ("x,aaaaaaaaaaa,2,1,val,0", "BadRow"),
        ("x,aaaaaaaaaaa,nan,2,val,0", "BadRow"),
        ("x,aaaaaaaaaaa", "BadRow"),
    ],
)
def test_a_row_that_cannot_be_used_is_counted_by_reason(
    tmp_path: Path, row: str, reason: str
) -> None:
    assert error(read(tmp_path, HEADER + row + "\n", "aaaaaaaaaaa_000001_000002.mp4")) == reason


def test_a_list_without_labels_is_refused_and_says_so(tmp_path: Path) -> None:
    text = "youtube_id,time_start,time_end,split\naaaaaaaaaaa,1,2,test\n"
    with pytest.raises(DataError, match=r"no column label.*test split have no labels"):
        read(tmp_path, text, "aaaaaaaaaaa_000001_000002.mp4")


def test_a_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="youtube_id"):
        read(tmp_path, "name,file\nx,y\n")


def entry(label: str | None = "diving", segment: object = (1.0, 11.0)) -> dict[str, Any]:
    notes = {"segment": segment} | ({} if label is None else {"label": label})
    return {
        "annotations": notes,
        "duration": 10.0,
        "subset": "validate",
        "url": "https://www.youtube.com/watch?v=",
    }


def read_json(data: Path, value: object, *videos: str) -> list[Row]:
    return read(data, json.dumps(value), *videos, annotations="a.json")


def test_deepminds_json_gives_the_same_samples_as_the_csv(tmp_path: Path) -> None:
    video = "-wR5jVB-WPk_000001_000011.mp4"
    from_json = one(read_json(tmp_path, {"-wR5jVB-WPk": entry()}, video))
    assert from_json == one(read(tmp_path, HEADER + "diving,-wR5jVB-WPk,1,11,val,0\n", video))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("aaaaaaaaaaa", entry(label=None), "EmptyLabel"),
        ("aaaaaaaaaaa", {"subset": "test", "duration": 10.0}, "EmptyLabel"),
        ("aaaaaaaaaaa", entry(label=""), "EmptyLabel"),
        ("aaaaaaaaaaa", entry(segment=[1.0]), "BadRow"),
        ("aaaaaaaaaaa", entry(segment=[11.0, 1.0]), "BadRow"),
        ("short", entry(), "BadRow"),
        ("bbbbbbbbbbb", entry(), "MissingVideo"),
    ],
)
def test_an_entry_that_cannot_be_used_is_counted_and_named(
    tmp_path: Path, name: str, value: object, reason: str
) -> None:
    rows = read_json(tmp_path, {name: value}, "aaaaaaaaaaa_000001_000011.mp4")
    found = failure(rows)
    assert (found.error, found.sample_id) == (reason, f"a.json:{name}")


def test_json_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="DeepMind"):
        read_json(tmp_path, [entry()])


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("kinetics-400_val.csv", 19906),
        ("kinetics-600_val.csv", None),
    ],
)
def test_the_real_files_are_read_row_by_row(
    tmp_path: Path, real_data: Path, name: str, rows: int | None
) -> None:
    path = real_data / "kinetics" / name
    if not path.is_file():
        pytest.skip(f"{name} absent")
    found = read(tmp_path, path.read_text(encoding="utf-8"))
    # No videos lie beside the file, so a row that reaches the look-up was understood.
    assert Counter(reasons(found)) == {"MissingVideo": len(found)}
    lines = path.read_text(encoding="utf-8").strip().splitlines()
    assert len(found) == (rows or len(lines) - 1)
