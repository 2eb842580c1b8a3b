"""MOMA-LRG: time order, boxes as top-left and size, who is who, and the official folders."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import outcomes
import pytest
import tiny
from outcomes import errors, reasons, rows_of, samples, steps_shown

from video_star.core.errors import DataError
from video_star.core.labels import BoxLabel, ClassLabel, SameLabel, SequenceLabel, TextLabel
from video_star.core.labels.cells import BadRow
from video_star.core.records import VideoSample
from video_star.data.readers.base import Row
from video_star.data.readers.moma import (
    Entity,
    Moment,
    corners,
    filled,
    pairs,
    relations,
)

ALL = ("sequence", "after", "before", "box", "same", "relation")


def entity(
    name: str, kind: str, x: float, y: float, w: float = 20, h: float = 10
) -> dict[str, Any]:
    return {"id": name, "class_name": kind, "bbox": [x, y, w, h]}


def interaction(name: str, time: float, **parts: list[Any]) -> dict[str, Any]:
    empty: dict[str, Any] = {
        key: []
        for key in (
            *("actors", "objects", "relationships", "attributes"),
            *("transitive_actions", "intransitive_actions"),
        )
    }
    return {"id": name, "time": time, **empty, **parts}


def sub(name: str, kind: str, start: float, end: float, *found: Any) -> dict[str, Any]:
    return {
        "id": name,
        "class_name": kind,
        "start_time": start,
        "end_time": end,
        "higher_order_interactions": list(found),
    }


def entry(*subs: Any, activity: str = "-49z-lj8eYQ") -> dict[str, Any]:
    return {
        "file_name": "basketball game_x.mp4",
        "num_frames": 800,
        "width": 200,
        "height": 100,
        "duration": 40.0,
        "activity": {
            "id": activity,
            "class_name": "basketball game",
            "start_time": 5.0,
            "end_time": 35.0,
            "sub_activities": list(subs),
        },
    }


GAME = entry(
    sub("00003", "player shooting the ball", 20.0, 26.0),
    sub("00001", "players warming up", 6.0, 9.0),
    sub(
        "00002",
        "player serving the ball",
        10.0,
        16.0,
        interaction(
            "00002_02",
            13.5,
            actors=[entity("A", "player", 40, 20), entity("B", "referee", 100, 20)],
            objects=[entity("1", "ball", 190, 95, 30, 30)],
            relationships=[
                {"class_name": "[src] touching [trg]", "source_id": "A", "target_id": "1"}
            ],
        ),
        interaction(
            "00002_01",
            10.25,
            actors=[entity("A", "player", 20, 20), entity("C", "player", 60, 20)],
            objects=[entity("2", "unsure", 0, 0)],
            transitive_actions=[
                {"class_name": "[src] throwing [trg]", "source_id": "C", "target_id": "A"}
            ],
        ),
    ),
)


def read(
    data: Path,
    entries: Any,
    questions: tuple[str, ...] = ALL,
    splits: Any = None,
    videos: str = "videos",
    per_activity: int = 10,
) -> list[Row]:
    (data / "anns" / "splits").mkdir(parents=True, exist_ok=True)
    (data / "anns" / "anns.json").write_text(json.dumps(entries), encoding="utf-8")
    splits = {"train": ["-49z-lj8eYQ"], "val": ["v"], "test": ["t"]} if splits is None else splits
    (data / "anns" / "splits" / "standard.json").write_text(json.dumps(splits), encoding="utf-8")
    files = {"annotations": "anns/anns.json", "splits": "anns/splits/standard.json"}
    asked = {"questions": questions, "per_activity": per_activity}
    return rows_of("moma", data, dataset="moma", videos=videos, **files, **asked)


def touch(data: Path, name: str = "videos/raw/-49z-lj8eYQ.mp4") -> None:
    outcomes.touch(data, name)


def test_sub_activities_are_in_time_order_and_repeats_are_kept(tmp_path: Path) -> None:
    """The authors' label is list(set(...)): any order, and each name once."""
    touch(tmp_path)
    again = sub("00004", "players warming up", 27.0, 30.0)
    game = entry(*GAME["activity"]["sub_activities"], again)
    (found,) = samples(read(tmp_path, [game], ("sequence",))).values()
    assert found.id == "moma/-49z-lj8eYQ/sequence"
    assert found.labels == (
        SequenceLabel(
            names=(
                "players warming up",
                "player serving the ball",
                "player shooting the ball",
                "players warming up",
            )
        ),
    )
    assert (found.video, found.start_s, found.end_s) == ("videos/raw/-49z-lj8eYQ.mp4", 5.0, 35.0)
    assert (found.source_id, found.split) == ("moma/-49z-lj8eYQ", "train")


def test_a_sub_activity_that_goes_on_as_itself_is_one_step(tmp_path: Path) -> None:
    touch(tmp_path)
    game = entry(sub("1", "serving", 6, 8), sub("2", "serving", 8, 9), sub("3", "shooting", 9, 12))
    (found,) = samples(read(tmp_path, [game], ("sequence",))).values()
    assert found.labels == (SequenceLabel(names=("serving", "shooting")),)


def test_after_and_before_name_the_neighbour_of_a_step_that_comes_once(tmp_path: Path) -> None:
    touch(tmp_path)
    steps = ["a walk", "a run", "a walk", "a jump"]
    game = entry(*(sub(str(i), name, 6 + i, 7 + i) for i, name in enumerate(steps)))
    found = samples(read(tmp_path, [game], ("after", "before"))).values()
    assert {row.labels for row in found} == {(ClassLabel(name="a walk"),)}
    asked = sorted(
        (row.question_template.split("/")[0], row.question.split('"')[1]) for row in found
    )
    assert asked == [("after", "a run"), ("before", "a jump"), ("before", "a run")], (
        "a walk comes twice, so what follows it is not clear"
    )


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        ([40, 20, 20, 10], (0.2, 0.2, 0.3, 0.3)),
        ([190, 95, 30, 30], (0.95, 0.95, 1.0, 1.0)),
        ([-10, -10, 30, 30], (0.0, 0.0, 0.1, 0.2)),
        ([0, 0, 200, 100], (0.0, 0.0, 1.0, 1.0)),
    ],
)
def test_boxes_are_top_left_and_size_never_centre_and_size(
    bbox: list[float], expected: tuple[float, ...]
) -> None:
    """The authors write corners and verify them as centre, width and height."""
    assert corners(bbox, 200, 100) == expected


@pytest.mark.parametrize("bbox", [[210, 0, 5, 5], [0, 0, 0, 5], [0, 0, 5], None, [0, 0, "x", 1]])
def test_a_box_without_a_part_in_the_frame_is_a_bad_row(bbox: Any) -> None:
    with pytest.raises(BadRow):
        corners(bbox, 200, 100)


def test_a_box_is_asked_for_only_where_one_thing_has_that_name(tmp_path: Path) -> None:
    touch(tmp_path)
    found = samples(read(tmp_path, [GAME], ("box",)))
    assert set(found) == {
        "moma/00002/box/00002_02-A",
        "moma/00002/box/00002_02-B",
        "moma/00002/box/00002_02-1",
    }, "two players at 10.25 s, and an unsure object"
    player = found["moma/00002/box/00002_02-A"]
    assert player.labels == (BoxLabel(xyxy=(0.2, 0.2, 0.3, 0.3), at=3.5),)
    assert "player" in player.question
    assert "3.5 seconds" in player.question
    assert (player.start_s, player.end_s) == (10.0, 16.0)


def test_one_with_a_broken_box_still_makes_its_name_unclear(tmp_path: Path) -> None:
    touch(tmp_path)
    game = deepcopy(GAME)
    actors = game["activity"]["sub_activities"][2]["higher_order_interactions"][0]["actors"]
    actors.append({"id": "D", "class_name": "player", "bbox": [900, 0, 5, 5]})
    rows = read(tmp_path, [game], ("box",))
    assert errors(rows) == [("anns/anns.json:-49z-lj8eYQ:00002:00002_02", "BadRow")]
    asked = {row.id.rpartition("-")[2] for row in rows if isinstance(row, VideoSample)}
    assert asked == {"B", "1"}


def moment(time: float, *found: tuple[str, str]) -> Moment:
    boxes = [
        Entity(i, name, (0.1 * n, 0.0, 0.1 * n + 0.1, time)) for n, (i, name) in enumerate(found)
    ]
    return Moment(f"m{time}", time, tuple(boxes), ())


def test_same_is_told_by_id_and_asked_as_often_with_yes_as_with_no() -> None:
    moments = [moment(t, ("A", "child"), ("B", "child"), ("C", "cup")) for t in (0.25, 0.5, 0.75)]
    for seed in range(5):
        found = list(pairs(moments, seed, "s"))
        kinds = [asked.label.same for asked in found if isinstance(asked.label, SameLabel)]
        assert len(kinds) == 6
        assert kinds[0::2] == [kinds[0]] * 3
        assert kinds[1::2] == [not kinds[0]] * 3
        for asked in found:
            ids = asked.key.split("-")[1::2]
            assert asked.label == SameLabel(same=ids[0] == ids[1])
            assert asked.fields["first_time"] != asked.fields["second_time"]


def test_same_is_not_asked_where_only_one_answer_is_possible() -> None:
    alone = [moment(t, ("A", "child")) for t in (0.25, 0.5)]
    assert list(pairs(alone, 1, "s")) == []
    strangers = [moment(0.25, ("A", "child")), moment(0.5, ("B", "child"))]
    assert list(pairs(strangers, 1, "s")) == []


def test_same_questions_hold_both_boxes_and_times(tmp_path: Path) -> None:
    touch(tmp_path)
    found = samples(read(tmp_path, [GAME], ("same",)))
    assert found
    for row in found.values():
        assert "0.25 seconds" in row.question
        assert "3.5 seconds" in row.question
        assert row.question.count("[0.") == 2
        assert row.question_template.startswith("same_at/")


def test_relations_have_their_parts_filled_in(tmp_path: Path) -> None:
    touch(tmp_path)
    found = samples(read(tmp_path, [GAME], ("relation",)))
    touching = found["moma/00002/relation/00002_02-A-1"]
    assert touching.labels == (TextLabel(text="the player touching the ball"),)
    assert "player in [0.20, 0.20, 0.30, 0.30]" in touching.question
    assert "ball in [0.95, 0.95, 1.00, 1.00] at 3.5 seconds" in touching.question
    throwing = found["moma/00002/relation/00002_01-C-A"]
    assert throwing.labels == (TextLabel(text="the player throwing the player"),)
    assert len(found) == 2
    assert filled("behind", "cup", "box") == "the cup behind the box"


def test_two_relations_of_a_pair_at_one_time_are_not_asked_for() -> None:
    one = moment(0.5, ("A", "child"), ("B", "cup"))
    links = (("A", "B", "[src] near [trg]"), ("A", "B", "[src] holding [trg]"))
    both = Moment(one.id, one.time, one.entities, (*links, ("B", "A", "[src] near [trg]")))
    assert [asked.key for asked in relations([both], 1, "s")] == ["m0.5-B-A"]


def test_at_most_so_many_of_a_type_are_asked_and_the_choice_is_stable(tmp_path: Path) -> None:
    touch(tmp_path)
    few = samples(read(tmp_path, [GAME], per_activity=1))
    assert len(few) == len(ALL)
    assert list(few) == list(samples(read(tmp_path, [GAME], per_activity=1)))
    many = samples(read(tmp_path, [GAME]))
    assert few.items() <= many.items()
    reordered = entry(*reversed(GAME["activity"]["sub_activities"]))
    assert samples(read(tmp_path, [reordered])) == many


@pytest.mark.parametrize(("activity", "split"), [("v", "test"), ("t", "test")])
def test_val_is_held_out(tmp_path: Path, activity: str, split: str) -> None:
    touch(tmp_path, f"videos/{activity}.mp4")
    game = entry(sub("1", "serving", 6, 8), activity=activity)
    (found,) = samples(read(tmp_path, [game], ("sequence",))).values()
    assert (found.split, found.video) == (split, f"videos/{activity}.mp4")


@pytest.mark.parametrize(
    ("file", "videos", "start"),
    [
        ("v/raw/-49z-lj8eYQ.mp4", "v", 10.0),
        ("v/raw/-49z-lj8eYQ.mp4", "v/raw", 10.0),
        ("v/raw/basketball game_x.mp4", "v", 10.0),
        ("v/basketball game_x.mp4", "v", 10.0),
        ("v/activity/-49z-lj8eYQ.mp4", "v", 5.0),
        ("v/activity/-49z-lj8eYQ.mp4", "v/activity", 5.0),
        ("v/activity_fr/-49z-lj8eYQ.mp4", "v/activity_fr", 5.0),
    ],
)
def test_times_fit_the_file_raw_or_cut_to_the_activity(
    tmp_path: Path, file: str, videos: str, start: float
) -> None:
    touch(tmp_path, file)
    found = samples(read(tmp_path, [GAME], ("box",), videos=videos))
    one = found["moma/00002/box/00002_02-A"]
    assert (one.video, one.start_s, one.end_s) == (file, start, start + 6.0)
    assert one.labels[0].at == 3.5  # type: ignore[union-attr]


def test_the_cut_shows_the_annotated_frames(tmp_path: Path) -> None:
    tiny.write_clip(tmp_path / "videos" / "v.mp4", tiny.grey_steps(16, 48, 32), fps=2)
    game = entry(sub("1", "serving", 5.0, 7.0), activity="v")
    game["activity"] |= {"start_time": 5.0, "end_time": 7.0}
    (found,) = samples(read(tmp_path, [game], ("sequence",))).values()
    assert steps_shown(tmp_path, found, 4) == [10, 11, 12, 13]


def changed(path: list[Any], value: Any) -> Any:
    game = deepcopy(GAME)
    place = game
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return game


SUB = ["activity", "sub_activities", 2]
SCENE = [*SUB, "higher_order_interactions", 0]
LINK = [*SCENE, "relationships", 0]


@pytest.mark.parametrize(
    ("game", "expected"),
    [
        ("text", ("1", "BadRow")),
        (changed(["activity"], None), ("1", "BadRow")),
        (changed(["activity", "id"], "elsewhere"), ("elsewhere", "BadRow")),
        (changed(["activity", "end_time"], 5.0), ("1", "BadRow")),
        (changed(["width"], 0), ("-49z-lj8eYQ", "BadRow")),
        (changed(["activity", "sub_activities"], []), ("-49z-lj8eYQ", "EmptyLabel")),
        (changed(["activity", "sub_activities"], {}), ("-49z-lj8eYQ", "BadRow")),
        (changed([*SUB, "class_name"], ""), ("-49z-lj8eYQ", "BadRow")),
        (changed([*SCENE, "time"], 99), ("-49z-lj8eYQ:00002:00002_02", "BadRow")),
        (changed([*SCENE, "actors", 0, "bbox"], [1, 2]), ("-49z-lj8eYQ:00002:00002_02", "BadRow")),
        (changed([*LINK, "source_id"], None), ("-49z-lj8eYQ:00002:00002_02", "BadRow")),
        (changed([*SUB, "higher_order_interactions"], 3), ("-49z-lj8eYQ:00002", "BadRow")),
    ],
)
def test_what_cannot_be_used_is_counted_and_the_rest_is_read(
    tmp_path: Path, game: Any, expected: tuple[str, str]
) -> None:
    touch(tmp_path)
    touch(tmp_path, "videos/v.mp4")
    rows = read(tmp_path, [game, entry(sub("9", "serving", 6, 8), activity="v")])
    assert errors(rows) == [(f"anns/anns.json:{expected[0]}", expected[1])]
    assert any(row.id == "moma/v/sequence" for row in rows if isinstance(row, VideoSample))


def test_a_missing_video_is_one_failure_for_its_activity(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    assert errors(read(tmp_path, [GAME])) == [("anns/anns.json:-49z-lj8eYQ", "MissingVideo")]


@pytest.mark.parametrize(
    "splits",
    [{"training": ["a"]}, ["a"], {"train": "a"}, {"train": ["a"], "test": ["a"]}],
)
def test_a_split_file_of_another_shape_is_refused(tmp_path: Path, splits: Any) -> None:
    touch(tmp_path)
    with pytest.raises(DataError, match=r"standard\.json"):
        read(tmp_path, [GAME], splits=splits)


def test_a_sub_activity_before_the_start_of_a_cut_file_is_counted(tmp_path: Path) -> None:
    touch(tmp_path, "videos/activity/-49z-lj8eYQ.mp4")
    game = entry(sub("1", "serving", 3, 4), sub("2", "shooting", 6, 8))
    rows = read(tmp_path, [game], ("sequence",))
    assert reasons(rows) == ["BadRow"]
    assert len(rows) == 2
