"""The `datasets` folder reader, on folders that the datasets library itself wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from outcomes import one, reasons, rows_of, touch

from video_star.core.errors import DataError, UsageError
from video_star.core.labels import ClassLabel, SequenceLabel
from video_star.core.records import VideoSample
from video_star.data.readers.base import Row

datasets = pytest.importorskip("datasets")

COLUMNS = {"video": "video", "label": "label"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    touch(tmp_path / "v", *(f"{number}.mp4" for number in range(6)))
    return tmp_path


def read(data: Path, split: Any = "train", kind: Any = "class", **columns: str) -> list[Row]:
    named = {name.rstrip("_"): theirs for name, theirs in (columns or COLUMNS).items()}
    section = {"annotations": "set", "videos": "v", "kind": kind, "columns": named, "split": split}
    return rows_of("huggingface", data, dataset="h", **section)


def table(*numbers: int, label: str = "diving") -> Any:
    return datasets.Dataset.from_dict(
        {"video": [f"{n}.mp4" for n in numbers], "label": [label for _ in numbers]}
    )


def videos(rows: list[Row]) -> list[tuple[str, str]]:
    assert all(isinstance(row, VideoSample) for row in rows), rows
    return [(row.video, row.split) for row in rows if isinstance(row, VideoSample)]


def test_all_shards_are_read_in_order(data: Path) -> None:
    table(*range(6)).save_to_disk(data / "set", num_shards=3)
    assert len(list((data / "set").glob("*.arrow"))) == 3
    assert videos(read(data)) == [(f"v/{n}.mp4", "train") for n in range(6)]


def test_chosen_and_sorted_rows_are_read_as_they_were_saved(data: Path) -> None:
    table(*range(6)).select([4, 1]).save_to_disk(data / "set")
    assert [video for video, _ in videos(read(data))] == ["v/4.mp4", "v/1.mp4"]


def test_a_dict_gives_its_parts_their_splits(data: Path) -> None:
    parts = {"train": table(0, 1), "validation": table(2)}
    datasets.DatasetDict(parts).save_to_disk(data / "set")
    everything = [("v/0.mp4", "train"), ("v/1.mp4", "train"), ("v/2.mp4", "test")]
    assert videos(read(data, split=None)) == everything
    assert videos(read(data, split="train")) == everything[:2]
    assert videos(read(data, split="test")) == everything[2:]


def test_a_single_set_needs_a_split_unless_it_was_saved_with_one(data: Path) -> None:
    table(0).save_to_disk(data / "set")
    with pytest.raises(UsageError, match="no split"):
        read(data, split=None)
    named = datasets.Dataset.from_dict({"video": ["0.mp4"], "label": ["x"]}, split="test")
    named.save_to_disk(data / "set")
    assert videos(read(data, split=None)) == [("v/0.mp4", "test")]


def test_a_column_may_say_the_split_of_each_row(data: Path) -> None:
    rows = {"video": ["0.mp4", "1.mp4"], "label": ["x", "y"], "part": ["train", "val"]}
    datasets.Dataset.from_dict(rows).save_to_disk(data / "set")
    found = read(data, split=None, video="video", label="label", split_="part")
    assert videos(found) == [("v/0.mp4", "train"), ("v/1.mp4", "test")]


def test_numbers_of_classes_become_their_names(data: Path) -> None:
    features = datasets.Features(
        {"video": datasets.Value("string"), "label": datasets.ClassLabel(names=["run", "jump"])}
    )
    rows = {"video": ["0.mp4", "1.mp4", "2.mp4"], "label": [1, 0, -1]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(data / "set")
    found = read(data)
    labels = [row.labels[0] for row in found if isinstance(row, VideoSample)]
    assert labels == [ClassLabel(name="jump"), ClassLabel(name="run")]
    assert reasons(found) == ["EmptyLabel"]


def test_lists_of_class_numbers_become_sequences(data: Path) -> None:
    names = datasets.ClassLabel(names=["run", "jump"])
    features = datasets.Features(
        {"video": datasets.Value("string"), "label": datasets.Sequence(names)}
    )
    rows = {"video": ["0.mp4"], "label": [[1, 0, 1]]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(data / "set")
    assert one(read(data, kind="sequence")).labels == (
        SequenceLabel(names=("jump", "run", "jump")),
    )


def test_a_video_column_is_read_by_its_path_and_bytes_are_counted(data: Path) -> None:
    full = (data / "v" / "1.mp4").resolve()
    rows = [
        {"path": "0.mp4", "bytes": None},
        {"path": str(full), "bytes": None},
        {"path": None, "bytes": b"..."},
        {"path": "elsewhere.mp4", "bytes": b"..."},
        {"path": "/somewhere/else.mp4", "bytes": None},
        {"path": "9.mp4", "bytes": None},
        {"path": None, "bytes": None},
    ]
    made = datasets.Dataset.from_dict({"video": rows, "label": ["x"] * len(rows)})
    made.save_to_disk(data / "set")
    found = read(data)
    assert videos(found[:2]) == [("v/0.mp4", "train"), ("v/1.mp4", "train")]
    assert reasons(found) == ["EmbeddedVideo", "EmbeddedVideo", "BadRow", "MissingVideo", "BadRow"]


def test_the_video_feature_is_read_where_its_file_lies_among_the_videos(
    data: Path, clips: Path
) -> None:
    full = str(clips / "train-0.mp4")
    made = datasets.Dataset.from_dict({"video": [full], "label": ["x"]})
    made.cast_column("video", datasets.Video(decode=False)).save_to_disk(data / "set")
    assert reasons(read(data)) == ["EmbeddedVideo"]
    (data / "v" / "train-0.mp4").write_bytes((clips / "train-0.mp4").read_bytes())
    assert videos(read(data)) == [("v/train-0.mp4", "train")]


def test_a_missing_column_or_folder_is_refused_by_name(data: Path) -> None:
    with pytest.raises(DataError, match="save_to_disk"):
        read(data)
    table(0).save_to_disk(data / "set")
    with pytest.raises(DataError, match="no column what"):
        read(data, video="video", label="what")


def test_files_may_not_lead_out_of_the_folder(data: Path) -> None:
    table(0).save_to_disk(data / "set")
    state = data / "set" / "state.json"
    changed = json.loads(state.read_text())
    changed["_data_files"] = [{"filename": "../../secret.arrow"}]
    state.write_text(json.dumps(changed))
    with pytest.raises(DataError, match="leads out"):
        read(data)


def test_a_broken_shard_is_refused_by_name(data: Path) -> None:
    table(0).save_to_disk(data / "set")
    (shard,) = (data / "set").glob("*.arrow")
    shard.write_bytes(b"broken")
    with pytest.raises(DataError, match=shard.name):
        read(data)
