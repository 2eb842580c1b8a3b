"""Ego-Exo4D: both layouts, flags as texts, lists as texts, views, and windows around events."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import tiny
from outcomes import errors, reasons, rows_of, samples, steps_shown, touch

from video_star.core.errors import DataError
from video_star.core.labels import ClassLabel, TextLabel, TimeLabel
from video_star.core.labels.cells import BadRow, EmptyLabel
from video_star.core.records import VideoSample
from video_star.data.readers.base import Row
from video_star.data.readers.egoexo4d import (
    Take,
    flag,
    sentences,
    window_of,
    without_letter,
)

UID = "13f01c79-5bfd-42f5-90ce-ee350aa1c3ad"
FRAMES = "takes/cmu_bike01_1/frame_aligned_videos"


def stream(path: str | None) -> dict[str, Any]:
    return {"relative_path": path}


TAKE: dict[str, Any] = {
    "root_dir": "takes/cmu_bike01_1",
    "take_name": "cmu_bike01_1",
    "take_uid": UID,
    "task_name": "Remove a Wheel",
    "duration_sec": 60.0,
    "best_exo": "cam02",
    "frame_aligned_videos": {
        "collage": {"0": stream("ego_preview.mp4")},
        "best_exo": {"0": stream(None)},
        "aria01": {
            "slam-left": stream("frame_aligned_videos/aria01_1201-1.mp4"),
            "rgb": stream("frame_aligned_videos/aria01_214-1.mp4"),
        },
        "cam01": {"0": stream("frame_aligned_videos/cam01.mp4")},
        "cam02": {"0": stream("frame_aligned_videos/cam02.mp4")},
    },
}


def said(text: str, at: float, **more: Any) -> dict[str, Any]:
    return {
        "text": text,
        "timestamp": at,
        "subject": "C",
        "ego_visible": "1",
        "best_exo": {"raw_cam_id": "1", "cam_id": "cam01"},
        "unsure": "0",
        **more,
    }


DESCRIPTIONS = {
    UID: [
        {
            "rejected": False,
            "descriptions": [
                said("C touches the screw with his right hand.", 18.5),
                said("The Man X walks towards C.", 40.0),
            ],
        }
    ]
}
COMMENTARY = {
    UID: [
        {
            "take_name": "cmu_bike01_1",
            "task_name": "Remove a Wheel",
            "commentary": "c1",
            "commentary_data": [{"video_time": 12.0, "text": "Nice  grip there.", "error": False}],
        }
    ]
}
DEMONSTRATION = [
    {
        "take_uid": UID,
        "task_name": "Remove a Wheel",
        "scenario_name": "Bike Repair",
        "video_paths": {"ego": f"{FRAMES}/aria01_214-1.mp4", "exo1": f"{FRAMES}/cam01.mp4"},
        "good_executions": [
            {"video_time": 1.0, "list": "['Bending his legs', 'Good balance.']"},
            {"video_time": 2.0, "list": ["Quick hands"]},
        ],
        "tips_for_improvement": [{"video_time": 50.0, "list": '["It\'s too slow."]'}],
    }
]
DEMONSTRATOR = [{"take_uid": UID, "proficiency_score": "Early Expert"}]
FILES = {
    "atomic_descriptions": DESCRIPTIONS,
    "expert_commentary": COMMENTARY,
    "proficiency_demonstration": DEMONSTRATION,
    "proficiency_demonstrator": DEMONSTRATOR,
}
SECTION: dict[str, Any] = {
    **{"dataset": "ego", "takes": "ego/takes.json", "annotations": "ego/annotations"},
    **{"part": "train", "split": "train"},
}
ALL = ("text", "time", "commentary", "good_execution", "tips", "proficiency")


def read(
    data: Path,
    questions: tuple[str, ...] = ALL,
    takes: Any = None,
    seed: int = 17,
    bare: bool = False,
    videos: str = "ego",
    view: Any = "best_exo",
    window: float = 10.0,
    **files: Any,
) -> list[Row]:
    folder = data / "ego" / "annotations"
    folder.mkdir(parents=True, exist_ok=True)
    (data / "ego" / "takes.json").write_text(json.dumps([TAKE] if takes is None else takes))
    for name, content in (FILES | files).items():
        content = content if bare else {"annotations": content, "ds": "240101"}
        (folder / f"{name}_train.json").write_text(json.dumps(content))
    section = {**SECTION, "videos": videos, "questions": questions, "window": window, "view": view}
    return rows_of("egoexo4d", data, seed, **section)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A download folder with all cameras of the take."""
    for name in ("aria01_214-1", "cam01", "cam02"):
        touch(tmp_path, f"ego/{FRAMES}/{name}.mp4")
    return tmp_path


def test_each_question_type_comes_with_its_own_label(data: Path) -> None:
    found = samples(read(data))
    prefix = f"ego/{UID}"
    labels = {name.removeprefix(prefix): row.labels[0] for name, row in found.items()}
    times = {name: label for name, label in labels.items() if isinstance(label, TimeLabel)}
    assert {name: label for name, label in labels.items() if name not in times} == {
        "/text/1-1": TextLabel(text="The camera wearer touches the screw with his right hand."),
        "/text/1-2": TextLabel(text="The Man X walks towards the camera wearer."),
        "/commentary/1-1": TextLabel(text="Nice grip there."),
        "/good_execution/1-1": TextLabel(text="Bending his legs. Good balance."),
        "/good_execution/1-2": TextLabel(text="Quick hands."),
        "/tips/1-1": TextLabel(text="It's too slow."),
        "/proficiency/1": ClassLabel(name="Early Expert"),
    }
    assert set(times) == {"/time/1-1", "/time/1-2"}
    assert {row.source_id for row in found.values()} == {prefix}
    when = found[f"{prefix}/time/1-2"]
    assert "The Man X walks towards the camera wearer" in when.question


def test_times_are_seconds_of_the_window_around_the_event(data: Path) -> None:
    for seed in range(20):
        found = samples(read(data, ("text", "time"), seed=seed))
        text, time = (found[f"ego/{UID}/{kind}/1-1"] for kind in ("text", "time"))
        assert (text.start_s, text.end_s) == (time.start_s, time.end_s)
        assert time.start_s is not None
        assert time.end_s == pytest.approx(time.start_s + 10)
        label = time.labels[0]
        assert isinstance(label, TimeLabel)
        assert label.duration == 10
        assert time.start_s + label.at == pytest.approx(18.5, abs=1e-6)
        assert 1 <= label.at <= 9
        said_time = f"{label.at:.1f}" if label.at == round(label.at, 1) else f"{label.at:.2f}"
        assert f"{said_time} seconds" in text.question


def test_windows_stay_in_the_take_and_depend_on_seed_and_event_alone() -> None:
    take = Take(UID, "takes/x", 25.37, None, {})
    starts = set()
    for number in range(200):
        time = 25.37 * number / 199
        window = window_of(take, time, 8.0, 3, f"e{number}")
        assert window == window_of(take, time, 8.0, 3, f"e{number}")
        assert 0 <= window.start < window.end <= 25.37
        assert window.duration == pytest.approx(8.0, abs=0.02)
        assert 0 <= window.at <= window.duration
        assert window.start + window.at == pytest.approx(time, abs=0.011)
        starts.add(round(window.at, 1))
    assert len(starts) > 40, "events lie all over their windows"
    assert window_of(take, 3.0, 30.0, 3, "e").duration == 25.37
    for outside in (-0.1, 25.4):
        with pytest.raises(BadRow):
            window_of(take, outside, 8.0, 3, "e")


def test_bare_files_are_read_like_wrapped_ones(data: Path) -> None:
    assert samples(read(data, bare=True)) == samples(read(data))


def test_a_dict_by_take_may_hold_a_single_annotation(data: Path) -> None:
    single = {UID: DESCRIPTIONS[UID][0]}
    one = samples(read(data, ("text",), atomic_descriptions=single))
    assert one == samples(read(data, ("text",)))


def test_a_text_that_the_window_shows_twice_is_not_asked_for_its_time(data: Path) -> None:
    twice = deepcopy(DESCRIPTIONS)
    twice[UID][0]["descriptions"] = [  # type: ignore[index]
        said("C nods.", 30.0),
        said("C nods.", 30.4),
        said("C nods.", 55.0),
    ]
    found = samples(read(data, ("text", "time"), atomic_descriptions=twice))
    assert {name.rpartition("/")[2] for name in found if "/text/" in name} == {"1-1", "1-2", "1-3"}
    assert {name.rpartition("/")[2] for name in found if "/time/" in name} == {"1-3"}


def test_tips_have_their_own_text_not_the_last_good_execution(data: Path) -> None:
    """The authors copy the last good execution's text into every tip."""
    (tip,) = samples(read(data, ("tips",))).values()
    assert tip.labels == (TextLabel(text="It's too slow."),)
    assert "Quick hands" not in tip.model_dump_json()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C moves.", "The camera wearer moves."),
        ("He looks at C.", "He looks at the camera wearer."),
        ("C's hand and C, too", "The camera wearer's hand and the camera wearer, too"),
        ("Cuts with a C-clamp", "Cuts with a C-clamp"),
        ("heats it to 20°C  in a Coke", "Heats it to 20°C in a Coke"),
        ("the man A catches it", "The man A catches it"),
        ("ABC C1", "ABC C1"),
    ],
)
def test_the_letter_c_is_the_camera_wearer_only_where_it_stands_alone(
    text: str, expected: str
) -> None:
    assert without_letter(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True), (False, False), ("1", True), ("0", False), (1, True), (0, False),
        (None, False), ("", False), ("false", False), ("True", True), (0.0, False),
    ],
)  # fmt: skip
def test_the_text_zero_means_no(value: object, expected: bool) -> None:
    """In the files flags are "0" and "1"; taken as they are, every description would be unsure."""
    assert flag(value) is expected


def test_rejected_and_unsure_descriptions_are_left_out_and_counted(data: Path) -> None:
    mixed = {
        UID: [
            {"rejected": True, "descriptions": [said("C runs.", 5.0), said("C sits.", 6.0)]},
            {
                "rejected": False,
                "descriptions": [said("C eats.", 7.0, unsure="1"), said("C drinks.", 8.0)],
            },
        ]
    }
    rows = read(data, ("text", "time"), atomic_descriptions=mixed)
    assert reasons(rows) == ["RejectedAnnotation", "RejectedAnnotation", "UnsureDescription"]
    told = [
        row.labels[0].text for row in rows if isinstance(row, VideoSample) and "/text/" in row.id
    ]  # type: ignore[union-attr]
    assert told == ["The camera wearer drinks."]


def test_faulty_commentary_is_counted(data: Path) -> None:
    faulty = deepcopy(COMMENTARY)
    faulty[UID][0]["commentary_data"].append(  # type: ignore[attr-defined]
        {"video_time": 3.0, "text": "", "error": True}
    )
    rows = read(data, ("commentary",), expert_commentary=faulty)
    assert errors(rows) == [
        (f"ego/annotations/expert_commentary_train.json:{UID}/1-2", "FaultyCommentary")
    ]
    assert len(rows) == 2


def test_the_view_chooses_the_camera(data: Path) -> None:
    exo = samples(read(data, ("text", "commentary")))
    assert exo[f"ego/{UID}/text/1-1"].video == f"ego/{FRAMES}/cam01.mp4", "the description's own"
    assert exo[f"ego/{UID}/commentary/1-1"].video == f"ego/{FRAMES}/cam02.mp4", "the take's"
    ego = samples(read(data, ("text", "commentary"), view="ego"))
    assert {row.video for row in ego.values()} == {f"ego/{FRAMES}/aria01_214-1.mp4"}


def test_ego_is_shown_where_no_other_camera_is_named(data: Path) -> None:
    plain = {UID: [{"rejected": 0, "descriptions": [said("C sits.", 6.0, best_exo=None)]}]}
    (found,) = samples(read(data, ("text",), atomic_descriptions=plain)).values()
    assert found.video.endswith("aria01_214-1.mp4")
    found, *_ = samples(read(data, ("proficiency",), takes=[TAKE | {"best_exo": None}])).values()
    assert found.video.endswith("aria01_214-1.mp4")


def test_what_no_camera_of_the_view_shows_is_counted(data: Path) -> None:
    hidden = {UID: [{"rejected": 0, "descriptions": [said("C sits.", 6.0, ego_visible="0")]}]}
    rows = read(data, ("text",), view="ego", atomic_descriptions=hidden)
    assert reasons(rows) == ["NotVisible"]
    assert samples(read(data, ("text",), atomic_descriptions=hidden))


def test_small_files_come_first_and_videos_may_be_the_folder_takes(data: Path) -> None:
    touch(data, f"ego/{FRAMES}/downscaled/448/cam01.mp4")
    for videos in ("ego", "ego/takes"):
        found = samples(read(data, ("text",), videos=videos))
        path = found[f"ego/{UID}/text/1-1"].video
        assert path == f"ego/{FRAMES}/downscaled/448/cam01.mp4"
    (data / "ego" / FRAMES / "downscaled" / "448" / "cam01.mp4").unlink()
    found = samples(read(data, ("text",), videos="ego/takes"))
    assert found[f"ego/{UID}/text/1-1"].video == f"ego/{FRAMES}/cam01.mp4"


def test_a_missing_video_is_one_failure_per_event(data: Path) -> None:
    (data / "ego" / FRAMES / "cam01.mp4").unlink()
    rows = read(data, ("text", "time"))
    assert reasons(rows) == ["MissingVideo"] * 2
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("['a', \"b!\"]", "a. b!"),
        (["a?", " b  c "], "a? b c."),
        ("('a',)", "a."),
    ],
)
def test_lists_are_read_whether_they_are_lists_or_texts_of_lists(
    value: object, expected: str
) -> None:
    assert sentences(value, "list") == expected


@pytest.mark.parametrize(
    "value",
    [
        *("['a'", "__import__('os').getcwd()", "Good grip", "[1]", "3", "{'a': 1}", "[" * 500),
        *(None, 3, [3], {"a": 1}),
    ],
)
def test_a_bad_list_is_a_bad_row_and_is_never_run(value: object) -> None:
    with pytest.raises(BadRow):
        sentences(value, "list")


def test_an_empty_list_is_an_empty_label() -> None:
    for value in ([], "[]", ["  "]):
        with pytest.raises(EmptyLabel):
            sentences(value, "list")


NO_CAMERA = {"descriptions": [said("C sits.", 6.0, best_exo={"cam_id": "cam9"})]}
UNTIMED = {"video_time": 1, "error": 0}


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("proficiency_demonstrator", [{"take_uid": UID}], "EmptyLabel"),
        ("proficiency_demonstrator", [{"take_uid": UID, "proficiency_score": "Guru"}], "BadRow"),
        ("proficiency_demonstrator", [{"proficiency_score": "Novice"}], "BadRow"),
        ("proficiency_demonstrator", [{"take_uid": "x", "proficiency_score": "Novice"}], "BadRow"),
        ("proficiency_demonstrator", ["x"], "BadRow"),
        ("expert_commentary", {UID: [{"commentary_data": 3}]}, "BadRow"),
        ("expert_commentary", {UID: [{"commentary_data": [UNTIMED]}]}, "BadRow"),
        ("tips_for_improvement", [{"list": "['a']"}], "BadRow"),
        ("tips_for_improvement", [{"video_time": 1, "list": "['a'"}], "BadRow"),
        ("atomic_descriptions", {UID: [{"descriptions": [said("C sits.", 61.0)]}]}, "BadRow"),
        ("atomic_descriptions", {UID: [NO_CAMERA]}, "BadRow"),
        ("takes", [TAKE, {"take_uid": "y", "root_dir": "y", "duration_sec": 0}], "BadRow"),
        ("takes", [TAKE, {"take_uid": "y", "root_dir": "y", "duration_sec": 5}], "BadRow"),
        ("takes", [TAKE, 3], "BadRow"),
    ],
)
def test_what_cannot_be_used_is_counted_and_the_rest_is_read(
    data: Path, file: str, content: Any, reason: str
) -> None:
    if file == "tips_for_improvement":
        file, content = "proficiency_demonstration", [DEMONSTRATION[0] | {file: content}]
    rows = read(data, **{file: content})
    assert reasons(rows) == [reason]
    assert any(isinstance(row, VideoSample) for row in rows)


def test_only_the_files_of_the_asked_questions_are_needed(data: Path) -> None:
    read(data)
    for name in ("expert_commentary", "proficiency_demonstration", "proficiency_demonstrator"):
        (data / "ego" / "annotations" / f"{name}_train.json").unlink()
    section = {**SECTION, "videos": "ego", "window": 4.0}
    assert len(rows_of("egoexo4d", data, questions=["text"], **section)) == 2
    with pytest.raises(DataError, match="expert_commentary_train"):
        rows_of("egoexo4d", data, questions=["commentary"], **section)


def test_a_file_of_another_shape_is_refused(data: Path) -> None:
    with pytest.raises(DataError, match="expert_commentary"):
        read(data, expert_commentary=3)


def test_the_window_shows_the_event(data: Path) -> None:
    """A clip of 16 grey steps, 2 a second: the level at the event's time is the event's."""
    tiny.write_clip(data / "ego" / FRAMES / "cam01.mp4", tiny.grey_steps(16, 48, 32), fps=2)
    text = {UID: [{"descriptions": [said("C sits.", 5.0)]}]}
    short = [TAKE | {"duration_sec": 8.0}]
    found = samples(read(data, ("text", "time"), short, window=2.0, atomic_descriptions=text))
    sample = found[f"ego/{UID}/time/1-1"]
    at = sample.labels[0].at  # type: ignore[union-attr]
    assert sample.start_s is not None
    event = sample.model_copy(update={"start_s": sample.start_s + at, "end_s": None})
    assert steps_shown(data, event, 1) == [10]


@pytest.mark.parametrize(
    ("capture", "worn"),
    [
        ({"cameras": [{"cam_id": "cam01", "is_ego": True}]}, "cam01.mp4"),
        ({"cameras": [{"cam_id": "cam01", "is_ego": "1"}, {"cam_id": "cam02"}]}, "cam01.mp4"),
        (
            {"cameras": [{"cam_id": name, "is_ego": True} for name in ("cam01", "aria01")]},
            "aria01_214-1.mp4",
        ),
        ({"cameras": [{"cam_id": "cam01", "is_ego": False}]}, "aria01_214-1.mp4"),
        ({"cameras": None}, "aria01_214-1.mp4"),
        (None, "aria01_214-1.mp4"),
    ],
)
def test_the_ego_camera_is_the_one_that_the_capture_calls_so(
    data: Path, capture: Any, worn: str
) -> None:
    rows = read(data, ("proficiency",), takes=[{**TAKE, "capture": capture}], view="ego")
    (found,) = samples(rows).values()
    assert found.video.endswith(f"/{worn}")


def test_a_take_of_other_cameras_only_has_its_worn_one(data: Path) -> None:
    videos = {name: TAKE["frame_aligned_videos"][name] for name in ("cam01", "cam02")}
    bare = {**TAKE, "best_exo": None, "frame_aligned_videos": videos}
    assert reasons(read(data, ("proficiency",), takes=[bare])) == ["BadRow"]
    worn = {**bare, "capture": {"cameras": [{"cam_id": "cam02", "is_ego": True}]}}
    (found,) = samples(read(data, ("proficiency",), takes=[worn])).values()
    assert found.video.endswith("/cam02.mp4")
