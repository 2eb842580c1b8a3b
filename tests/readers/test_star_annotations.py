"""The authors' star_annotations: read as their generators write it, written, and read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import errors, rows_of, samples, touch
from outcomes import one as only

from video_star.core.errors import DataError
from video_star.core.labels import (
    BoxLabel,
    ChoiceLabel,
    ClassLabel,
    Label,
    SameLabel,
    ScoreLabel,
    SequenceLabel,
    SetLabel,
    SpanLabel,
    TextLabel,
    TimeLabel,
)
from video_star.core.records import VideoSample
from video_star.data.readers.base import Row
from video_star.data.readers.star_annotations import (
    labels_to,
    write_star_annotations,
)

VIDEO = "STaR/FineDiving/star_videos/01_1.mp4"


def item(**more: Any) -> dict[str, Any]:
    """A dive as FineDiving_dataset.aqa_qa writes it."""
    return {
        "video_id": "01_1",
        "question_id": "01_1_3",
        "question": "How would you score this dive?",
        "label": {
            "action_sequence": ["Inward", "3.5 Soms.Tuck", "Entry"],
            "action_difficulty": 3.2,
            "final_score": 65.6,
        },
        "video_path": VIDEO,
        "duration": 8.5,
        "label_type": ["action_sequence", "action_difficulty", "final_score"],
        "verifier_type": ["sentence_sequence", "simple", "float"],
        "id": 3,
    } | more


def one(label_type: str, verifier: str, value: Any) -> dict[str, Any]:
    return item(label={label_type: value}, label_type=[label_type], verifier_type=[verifier])


def rows_in(data: Path, annotations: str, videos: str) -> list[Row]:
    section = {"annotations": annotations, "videos": videos, "split": "train"}
    return rows_of("star_annotations", data, dataset="star", **section)


def read(data: Path, items: Any) -> list[Row]:
    touch(data / "videos", VIDEO)
    (data / "train.json").write_text(json.dumps(items), encoding="utf-8")
    return rows_in(data, "train.json", "videos")


def test_an_item_of_three_labels_is_read_pair_by_pair(tmp_path: Path) -> None:
    (found,) = read(tmp_path, [item()])
    assert found == VideoSample(
        id="star/01_1_3",
        dataset="star",
        video=f"videos/{VIDEO}",
        source_id="star/01_1",
        split="train",
        question="How would you score this dive?",
        question_template="given",
        labels=(
            SequenceLabel(names=("Inward", "3.5 Soms.Tuck", "Entry")),
            ScoreLabel(value=3.2, name="difficulty"),
            ScoreLabel(value=65.6, name="score"),
        ),
    )


@pytest.mark.parametrize(
    ("label_type", "verifier", "value", "expected"),
    [
        ("identify", "obj_identify", "closet/cabinet", ClassLabel(name="closet/cabinet")),
        ("first_object", "obj_compare", "a_cup", ClassLabel(name="a cup")),
        ("objects", "simple", ["a pen", "table"], SetLabel(names=("a pen", "table"))),
        ("answer_question", "sentence", "The door.", TextLabel(text="The door.")),
        (
            "unique_actions",
            "sentence",
            ["Opening a_door", "Sitting down."],
            TextLabel(text="Opening a door. Sitting down."),
        ),
        ("action_sequence", "sentence_sequence", ["a", "b_c"], SequenceLabel(names=("a", "b c"))),
        (
            "temporal_range",
            "temporal_range",
            [0.2, 0.6],
            SpanLabel(start=1.7, end=5.1, duration=8.5),
        ),
        ("normalized_time", "timestamp", 0.5, TimeLabel(at=4.25, duration=8.5)),
        ("final_score", "float", 0.0, ScoreLabel(value=0.0, name="score")),
        ("judge_points", "float", 7, ScoreLabel(value=7, name="judge points")),
        # The authors write x1 y1 x2 y2 and verify them as centre, width and height.
        ("location", "bbox", [0.6, 0.6, 0.9, 0.8], BoxLabel(xyxy=(0.6, 0.6, 0.9, 0.8))),
        ("location", "bbox", [-0.1, 0.2, 0.5, 1.04], BoxLabel(xyxy=(0.0, 0.2, 0.5, 1.0))),
        ("same_or_not", "sentence", "The objects are the same", SameLabel(same=True)),
        ("same_or_not", "sentence", "the objects are NOT the same", SameLabel(same=False)),
        ("same_or_not", "same_or_not", "The objects are the same", SameLabel(same=True)),
        ("expert_commentary", "llm", "Good grip.", TextLabel(text="Good grip.")),
        ("good_execution", "llm", ["Fast.", "Low hips"], TextLabel(text="Fast. Low hips.")),
    ],
)
def test_each_verifier_type_has_its_label(
    tmp_path: Path, label_type: str, verifier: str, value: Any, expected: Label
) -> None:
    assert only(read(tmp_path, [one(label_type, verifier, value)])).labels == (expected,)


@pytest.mark.parametrize("path", [VIDEO, f"data/{VIDEO}"])
def test_some_generators_leave_their_own_folder_before_the_path(tmp_path: Path, path: str) -> None:
    assert only(read(tmp_path, [item(video_path=path)])).video == f"videos/{VIDEO}"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (one("action", "classifier", "running"), "BadRow"),
        (one("action", "simple", ""), "EmptyLabel"),
        (one("action", "simple", None), "EmptyLabel"),
        (one("action", "simple", "_"), "BadRow"),
        (one("action", "simple", True), "BadRow"),
        (one("action", "sentence", {"a": 1}), "BadRow"),
        (one("range", "temporal_range", [0.5, 0.2]), "BadRow"),
        (one("range", "temporal_range", [0.5]), "BadRow"),
        (one("range", "temporal_range", "0.1"), "BadRow"),
        (one("range", "temporal_range", [0.1, 0.4]) | {"duration": 0}, "BadRow"),
        (one("time", "timestamp", -0.5), "BadRow"),
        (one("time", "timestamp", 0.5) | {"duration": None}, "BadRow"),
        (one("score", "float", "high"), "BadRow"),
        (one("place", "bbox", [0.5, 0.5, 0.1, 0.9]), "BadRow"),
        (one("place", "bbox", [0.5, 0.5, 0.1]), "BadRow"),
        (item(label_type=["a", "b"]), "BadRow"),
        (item(label_type=[], verifier_type=[]), "EmptyLabel"),
        (item(label={"final_score": 1.0}), "EmptyLabel"),
        (item(label=[1]), "BadRow"),
        (item(question=""), "BadRow"),
        (item(question_id=None), "BadRow"),
        (item(video_id=""), "BadRow"),
        (item(video_path="no.mp4"), "MissingVideo"),
        (item(video_path="../../x.mp4"), "BadRow"),
        (item(start=3, end=2), "BadRow"),
        (item(start="soon"), "BadRow"),
        (7, "BadRow"),
    ],
)
def test_an_item_that_cannot_be_used_is_counted_by_reason(
    tmp_path: Path, bad: Any, reason: str
) -> None:
    rows = read(tmp_path, [bad, item()])
    assert errors(rows) == [("train.json:1", reason)]
    assert isinstance(rows[1], VideoSample)


# ---------------------------------------------------------------- writing, and reading back

_name = st.text(
    st.characters(codec="utf-8", exclude_characters="_", exclude_categories=("C", "Z")), min_size=1
)
_words = st.lists(_name, min_size=1, max_size=4).map(" ".join)
_names = st.lists(_words, min_size=1, max_size=4).map(tuple)
_second = st.integers(0, 1_500_000).map(lambda n: n / 1_000_000)
_part = st.floats(0, 1)
LENGTH = 1.5
"""Seconds of the clip: 12 frames, 8 a second."""


def _span(ends: tuple[float, float]) -> SpanLabel:
    return SpanLabel(start=min(ends), end=max(ends), duration=LENGTH)


def _box(parts: tuple[float, float, float, float]) -> BoxLabel:
    x1, x2, y1, y2 = parts
    return BoxLabel(xyxy=(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))


_label = st.one_of(
    _words.map(lambda name: ClassLabel(name=name)),
    _names.map(lambda names: SequenceLabel(names=names)),
    _names.map(lambda names: SetLabel(names=names)),
    st.tuples(_second, _second).filter(lambda p: p[0] != p[1]).map(_span),
    _second.map(lambda at: TimeLabel(at=at, duration=LENGTH)),
    st.builds(
        lambda value, name: ScoreLabel(value=value, name=name),
        st.floats(-1e6, 1e6),
        st.sampled_from(["score", "difficulty", "overall rating", "same or not"]),
    ),
    st.tuples(_part, _part, _part, _part).filter(lambda p: p[0] != p[1] and p[2] != p[3]).map(_box),
    _words.map(lambda text: TextLabel(text=text)),
    st.booleans().map(lambda same: SameLabel(same=same)),
)


@pytest.fixture(scope="module")
def clip_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    tiny.write_clip(data / "clips" / "a.mp4", tiny.moving_square(1))
    return data


def sample(number: int, labels: tuple[Label, ...], **more: Any) -> VideoSample:
    return VideoSample(
        **{
            "id": f"star/q{number}",
            "dataset": "star",
            "video": "clips/a.mp4",
            "source_id": "star/a",
            "split": "train",
            "question": "What is it?",
            "question_template": "given",
            "labels": labels,
        }
        | more
    )


def read_back(data: Path, samples: list[VideoSample]) -> list[Row]:
    assert write_star_annotations(samples, data, data / "out.json") == len(samples)
    return rows_in(data, "out.json", ".")


@settings(max_examples=40, deadline=None)
@given(groups=st.lists(st.lists(_label, min_size=1, max_size=4).map(tuple), min_size=1, max_size=4))
def test_what_is_written_is_read_back_as_it_was(
    clip_data: Path, groups: list[tuple[Label, ...]]
) -> None:
    samples = [sample(number, labels) for number, labels in enumerate(groups)]
    assert read_back(clip_data, samples) == samples


def test_parts_of_a_file_keep_their_times_and_their_own_duration(clip_data: Path) -> None:
    label = SpanLabel(start=0.25, end=0.5, duration=0.75)
    samples = [
        sample(1, (label,), start_s=0.75),
        sample(2, (label,), end_s=0.75),
        sample(3, (label,), start_s=0.5, end_s=1.25),
    ]
    assert read_back(clip_data, samples) == samples
    written = json.loads((clip_data / "out.json").read_text())
    assert [entry["duration"] for entry in written] == [0.75] * 3
    assert [entry.get("start") for entry in written] == [0.75, None, 0.5]
    assert written[0]["label"]["temporal_range"] == pytest.approx([1 / 3, 2 / 3])


def test_the_written_keys_are_those_of_the_authors(clip_data: Path) -> None:
    labels = (SequenceLabel(names=("Inward", "Entry")), ScoreLabel(value=65.6))
    read_back(clip_data, [sample(1, labels)])
    (entry,) = json.loads((clip_data / "out.json").read_text())
    assert entry == {
        "video_id": "a",
        "question_id": "star/q1",
        "question": "What is it?",
        "label": {"action_sequence": ["Inward", "Entry"], "final_score": 65.6},
        "video_path": "clips/a.mp4",
        "duration": LENGTH,
        "label_type": ["action_sequence", "final_score"],
        "verifier_type": ["sentence_sequence", "float"],
        "id": 0,
    }


def test_a_choice_becomes_the_text_of_its_right_option(clip_data: Path) -> None:
    """As the authors treat STAR's four options: the options cannot be told in this format."""
    label = ChoiceLabel(options=("the cup", "the box"), answer=1)
    (found,) = samples(read_back(clip_data, [sample(1, (label,))])).values()
    assert found.labels == (TextLabel(text="the box"),)
    assert labels_to((label,), 1.0) == [("answer_question", "sentence", "the box")]


def test_two_labels_of_a_kind_get_names_of_their_own() -> None:
    labels = (ClassLabel(name="cup"), ClassLabel(name="box"), SameLabel(same=False))
    assert labels_to(labels, 1.0) == [
        ("class", "simple", "cup"),
        ("class_2", "simple", "box"),
        ("same_or_not", "same_or_not", "The objects are NOT the same."),
    ]


@pytest.mark.parametrize("name", ["final score", "my_score", "judge 2"])
def test_a_score_that_would_come_back_under_another_name_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="rename it"):
        labels_to((ScoreLabel(value=1.0, name=name),), 1.0)


def test_nothing_is_written_when_a_sample_cannot_be(clip_data: Path) -> None:
    out = clip_data / "never.json"
    late = sample(1, (TimeLabel(at=0.1),), start_s=99.0)
    with pytest.raises(DataError, match="star/q1"):
        write_star_annotations([sample(0, (ClassLabel(name="x"),)), late], clip_data, out)
    with pytest.raises(DataError, match=r"b\.mp4"):
        write_star_annotations(
            [sample(0, (ClassLabel(name="x"),), video="clips/b.mp4")], clip_data, out
        )
    assert not out.exists()
