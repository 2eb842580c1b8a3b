"""The FineDiving reader on small folders in the public layout, in each way videos come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import finediving_files as files
import pytest
import tiny
from finediving_files import WORLD_CUP, dive, write_pickles
from frame_images import write_frames
from outcomes import failure, one, reasons, samples, steps_shown
from outcomes import touch as touch_in

from video_star.core.errors import DataError
from video_star.core.labels import ClassLabel, ScoreLabel, SequenceLabel
from video_star.core.records import Failure, VideoSample
from video_star.data.readers.base import Row
from video_star.data.readers.finediving import spelled_out

KEY = ("01", 3)
DIVE = dive([4] * 20 + [19] * 30 + [36] * 14)


def touch(data: Path, *videos: str) -> None:
    touch_in(data / "videos", *videos)


def read(data: Path, fine: dict[Any, Any], *questions: str) -> list[Row]:
    """Rows of these dives, all in the train split."""
    write_pickles(data / "Annotations", fine, list(fine), [])
    (data / "videos").mkdir(exist_ok=True)
    return files.read(data, *questions)


def test_a_dive_becomes_one_sample_per_question_type(tmp_path: Path) -> None:
    touch(tmp_path, "01_3.mp4")
    kinds = ("sequence", "after_first", "before_last", "assessment", "score")
    found = samples(read(tmp_path, {KEY: DIVE}, *kinds))
    assert list(found) == [f"finediving/01_3/{kind}" for kind in kinds]
    for kind, sample in zip(kinds, found.values(), strict=True):
        assert (sample.video, sample.start_s, sample.end_s) == ("videos/01_3.mp4", None, None)
        assert (sample.source_id, sample.split) == ("finediving/01_3", "train")
        assert sample.question_template.startswith(f"{kind}/")
    steps = SequenceLabel(names=("Inward", "3.5 Soms.Pike", "Entry"))
    score = ScoreLabel(name="score", value=65.6, low=0.0)
    middle = ClassLabel(name="3.5 Soms.Pike", synonyms=("3.5 somersaults pike",))
    assert [sample.labels for sample in found.values()] == [
        (steps,),
        (middle,),
        (middle,),
        (steps, ScoreLabel(name="difficulty", value=3.2), score),
        (score,),
    ]
    assert '"Inward"' in found["finediving/01_3/after_first"].question
    assert '"Entry"' in found["finediving/01_3/before_last"].question


NAMELESS = dive([1] * 9 + [22] * 9 + [36] * 9)
NAMELESS["sub-action_types"] = {n: s for n, s in NAMELESS["sub-action_types"].items() if n != 22}


@pytest.mark.parametrize(
    ("row", "names"),
    [
        # The authors of Video-STaR take the sorted unique ids: a quarter of the dives is wrong.
        (
            dive([5] * 9 + [29] * 9 + [23] * 9 + [36] * 9),
            ("Arm.Forward", "0.5 Twist", "1.5 Soms.Tuck", "Entry"),
        ),
        (
            dive([2] * 9 + [23] * 5 + [29] * 5 + [23] * 5 + [36] * 9),
            ("Back", "1.5 Soms.Tuck", "0.5 Twist", "1.5 Soms.Tuck", "Entry"),
        ),
        (DIVE | {"steps_transit_frames": [-1, 900]}, ("Inward", "3.5 Soms.Pike", "Entry")),
        # The authors' fallback renames id 22 to the name of 23.
        (NAMELESS, ("Forward", "1 Som.Tuck", "Entry")),
    ],
)
def test_steps_are_the_runs_of_the_frames_labels_by_their_own_names(
    tmp_path: Path, row: dict[str, Any], names: tuple[str, ...]
) -> None:
    touch(tmp_path, "01_3.mp4")
    assert one(read(tmp_path, {KEY: row})).labels == (SequenceLabel(names=names),)


def test_a_dive_scored_zero_is_a_sample(tmp_path: Path) -> None:
    touch(tmp_path, "01_3.mp4")
    label = one(read(tmp_path, {KEY: dive([1, 36], score=0.0)}, "score")).labels[0]
    assert label == ScoreLabel(name="score", value=0.0, low=0.0)


def test_both_official_splits_are_read_and_a_competition_may_be_in_both(tmp_path: Path) -> None:
    touch(tmp_path, f"{WORLD_CUP}_0.mp4", f"{WORLD_CUP}_11.mp4")
    fine = {(WORLD_CUP, 0): DIVE, (WORLD_CUP, 11): DIVE}
    write_pickles(tmp_path / "Annotations", fine, [(WORLD_CUP, 0)], [(WORLD_CUP, 11)])
    rows = files.read(tmp_path)
    found = [(row.source_id, row.split) for row in rows if isinstance(row, VideoSample)]
    assert found == [
        (f"finediving/{WORLD_CUP}_0", "train"),
        (f"finediving/{WORLD_CUP}_11", "test"),
    ]


@pytest.mark.parametrize("protocol", range(6))
def test_every_pickle_protocol_is_read(tmp_path: Path, protocol: int) -> None:
    touch(tmp_path, "01_3.mp4")
    write_pickles(tmp_path / "Annotations", {KEY: DIVE}, [KEY], [], protocol=protocol)
    label = one(files.read(tmp_path)).labels[0]
    assert label == SequenceLabel(names=("Inward", "3.5 Soms.Pike", "Entry"))


def test_the_splits_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path, "01_3.mp4")
    folder = tmp_path / "Annotations"
    write_pickles(folder, {KEY: DIVE}, [KEY], [])
    (folder / "train_test_split").mkdir()
    for name in ("train_split.pkl", "test_split.pkl"):
        (folder / name).rename(folder / "train_test_split" / name)
    assert one(files.read(tmp_path)).split == "train"


def test_the_aqa_pickle_of_lists_serves_as_well(tmp_path: Path) -> None:
    touch(tmp_path, "01_3.mp4")
    folder = tmp_path / "Annotations"
    write_pickles(folder, {KEY: DIVE}, [KEY], [])
    (folder / "FineDiving_fine-grained_annotation.pkl").unlink()
    sample = one(files.read(tmp_path, "assessment"))
    assert sample.labels[0] == SequenceLabel(names=("Inward", "3.5 Soms.Pike", "Entry"))
    assert [label.value for label in sample.labels[1:]] == [3.2, 65.6]  # type: ignore[union-attr]


@pytest.mark.parametrize("video", ["01_3.mp4", "01/3.mp4", "01_3.webm", "01/3.avi"])
def test_a_dive_may_be_a_file_of_either_name(tmp_path: Path, video: str) -> None:
    touch(tmp_path, video)
    assert one(read(tmp_path, {KEY: DIVE})).video == f"videos/{video}"


def test_a_dive_may_be_a_folder_of_frames_with_any_zero_padding(tmp_path: Path) -> None:
    names = ["98.jpg", "099.jpg", "00100.jpg", "101.jpg", "1000.jpg"]
    write_frames(tmp_path / "videos" / "01" / "3", names)
    sample = one(read(tmp_path, {KEY: DIVE}))
    assert sample.video == "videos/01/3"
    assert steps_shown(tmp_path, sample, 5) == [0, 1, 2, 3, 4]


def test_an_untrimmed_recording_is_cut_by_the_coarse_annotation(tmp_path: Path) -> None:
    touch(tmp_path, f"{WORLD_CUP}.mp4")
    key = (WORLD_CUP, 0)
    starts = {key: files.coarse(501, 100)}
    write_pickles(tmp_path / "Annotations", {key: DIVE}, [key], [], starts)
    sample = one(files.read(tmp_path))
    assert (sample.video, sample.start_s, sample.end_s) == (f"videos/{WORLD_CUP}.mp4", 20.0, 24.0)


def test_a_cut_dive_begins_with_its_first_frame(tmp_path: Path) -> None:
    tiny.write_clip(tmp_path / "videos" / "01.mp4", tiny.grey_steps(16, 32, 32), fps=8)
    write_pickles(tmp_path / "Annotations", {KEY: DIVE}, [KEY], [], {KEY: files.coarse(5, 4)})
    sample = one(files.read(tmp_path, fps=8))
    assert steps_shown(tmp_path, sample, 4) == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        (None, "EmptyLabel", "no fine-grained annotation"),
        ({"frames_labels": None}, "EmptyLabel", "frames_labels"),
        ({"frames_labels": []}, "EmptyLabel", "frames_labels"),
        ({"frames_labels": ["Entry"]}, "BadRow", "frames_labels"),
        ({"frames_labels": 7}, "BadRow", "frames_labels"),
        ({"frames_labels": [99]}, "BadRow", "step 99 has no name"),
        ({"dive_score": None}, "EmptyLabel", "dive_score"),
        ({"dive_score": float("nan")}, "BadRow", "dive_score"),
        ({"difficulty": "hard"}, "BadRow", "difficulty"),
        ("nonsense", "BadRow", "neither a dict nor a list"),
    ],
)
def test_an_unusable_annotation_is_counted_by_reason(
    tmp_path: Path, change: Any, reason: str, words: str
) -> None:
    touch(tmp_path, "01_3.mp4")
    fine = {} if change is None else {KEY: DIVE | change if isinstance(change, dict) else change}
    write_pickles(tmp_path / "Annotations", fine, [KEY], [])
    found = failure(files.read(tmp_path))
    assert (found.error, words in found.message) == (reason, True), found.message


@pytest.mark.parametrize("key", ["01_3", ("01",), ("01", "x"), ("../../etc", 1), ("..", 1), None])
def test_a_split_entry_that_names_no_dive_is_a_bad_row_with_its_place(
    tmp_path: Path, key: Any
) -> None:
    touch(tmp_path, "01_3.mp4")
    write_pickles(tmp_path / "Annotations", {KEY: DIVE}, [KEY, key], [])
    rows = files.read(tmp_path)
    assert isinstance(rows[1], Failure)
    assert (rows[1].sample_id, rows[1].error) == ("Annotations/train_split.pkl:2", "BadRow")


def test_a_missing_video_and_an_empty_folder_are_counted(tmp_path: Path) -> None:
    (tmp_path / "videos" / "01" / "3").mkdir(parents=True)
    rows = read(tmp_path, {KEY: DIVE, ("01", 4): DIVE})
    assert reasons(rows) == ["MissingVideo"] * 2


def test_a_dive_of_one_step_has_none_after_the_first(tmp_path: Path) -> None:
    touch(tmp_path, "01_3.mp4")
    rows = read(tmp_path, {KEY: dive([36] * 5)}, "after_first", "before_last", "sequence")
    assert reasons(rows) == ["EmptyLabel"] * 2
    assert isinstance(rows[2], VideoSample)


@pytest.mark.parametrize("name", ["FineDiving_fine-grained_annotation.pkl", "train_split.pkl"])
def test_a_pickle_of_something_else_is_refused_by_name(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "01_3.mp4")
    folder = tmp_path / "Annotations"
    write_pickles(folder, {KEY: DIVE}, [KEY], [])
    (folder / name).write_bytes((folder / "Sub_action_Types_Table.pkl").read_bytes()[:-20])
    with pytest.raises(DataError, match=name):
        files.read(tmp_path)


def test_a_missing_pickle_or_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="videos"):
        files.read(tmp_path)
    touch(tmp_path, "01_3.mp4")
    with pytest.raises(DataError, match="FineDiving_fine-grained_annotation"):
        files.read(tmp_path)
    write_pickles(tmp_path / "Annotations", {KEY: DIVE}, [KEY], [])
    (tmp_path / "Annotations" / "test_split.pkl").unlink()
    with pytest.raises(DataError, match="test_split"):
        files.read(tmp_path)


@pytest.mark.parametrize(
    ("step", "plain"),
    [
        ("3.5 Soms.Tuck", ("3.5 somersaults tuck",)),
        ("0.5 Som.Pike", ("0.5 somersaults pike",)),
        ("Arm.Forward", ("armstand forward",)),
        ("0.5 Twist", ()),
        ("Entry", ()),
    ],
)
def test_short_forms_are_spelled_out(step: str, plain: tuple[str, ...]) -> None:
    assert spelled_out(step) == plain
