"""The STAR reader on a small folder in the public layout."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import pytest
from outcomes import failure, one, reasons, samples
from star_files import entry, keyframe, read_star, write_star

from video_star.core.errors import DataError
from video_star.core.labels import (
    ChoiceLabel,
    ClassLabel,
    SameLabel,
    SetLabel,
    SpanLabel,
    TextLabel,
)
from video_star.core.records import Failure, VideoSample
from video_star.data.readers.base import Row
from video_star.data.readers.star import (
    SegmentIsAll,
    clip_around,
    fractions,
    plain_action,
    read_classes,
    word_of,
)

KINDS = ("choice", "reverse", "between", "span", "span_of_answer", "in_box", "same")
OPTIONS = ("The medicine", "The sandwich", "The blanket", "The closet/cabinet")


def read(data: Path, *entries: Any, kinds: tuple[str, ...] = ("choice",), **more: Any) -> list[Row]:
    write_star(data, *entries, **more)
    return read_star(data, *kinds)


def test_a_question_becomes_one_sample_per_question_type(tmp_path: Path) -> None:
    found = samples(read(tmp_path, kinds=KINDS))
    assert list(found) == [f"star/Interaction_T1_4/{kind}" for kind in KINDS]
    assert {(row.source_id, row.split, row.video) for row in found.values()} == {
        ("star/TJZ0P", "train", "Charades_v1_480/TJZ0P.mp4")
    }


def test_a_choice_is_the_benchmarks_own_question_with_options_by_their_ids(tmp_path: Path) -> None:
    sample = one(read(tmp_path))
    assert sample.labels == (ChoiceLabel(options=OPTIONS, answer=1),)
    assert sample.question == (
        "Which object was eaten by the person?\nA. The medicine\nB. The sandwich\n"
        "C. The blanket\nD. The closet/cabinet"
    )
    assert sample.question_template == "given"
    assert (sample.start_s, sample.end_s) == (2.0, 5.0)


@pytest.mark.parametrize("answer", ["The sandwich.", "The sandwich", " the sandwich. "])
def test_the_full_stop_of_an_answer_does_not_matter(tmp_path: Path, answer: str) -> None:
    sample = one(read(tmp_path, entry(answer=answer)))
    assert sample.labels == (ChoiceLabel(options=OPTIONS, answer=1),)


def test_reverse_asks_for_the_question(tmp_path: Path) -> None:
    sample = one(read(tmp_path, kinds=("reverse",)))
    assert sample.labels == (TextLabel(text="Which object was eaten by the person?"),)
    assert '"The sandwich"' in sample.question
    assert (sample.start_s, sample.end_s) == (2.0, 5.0)


def test_between_names_the_actions_of_the_segments_keyframes_only(tmp_path: Path) -> None:
    sample = one(read(tmp_path, kinds=("between",)))
    assert sample.labels == (SetLabel(names=("eat a sandwich", "hold clothes")),)
    assert sample.start_s is not None
    start, end = (f"{time - sample.start_s:.2f}".rstrip("0") for time in (2, 5))
    said = re.findall(r"[\d.]*\d(?= seconds)", sample.question)
    assert [float(number) for number in said] == pytest.approx([float(start), float(end)])


def test_span_is_the_annotated_segment_in_seconds_of_a_longer_clip(tmp_path: Path) -> None:
    """Not the first and last keyframe over the frame count, as the authors' code has it."""
    sample = one(read(tmp_path, kinds=("span",)))
    (label,) = sample.labels
    assert isinstance(label, SpanLabel)
    assert sample.start_s is not None
    assert sample.end_s is not None
    assert label.duration == pytest.approx(sample.end_s - sample.start_s)
    assert (sample.start_s + label.start, sample.start_s + label.end) == pytest.approx((2.0, 5.0))
    # Seconds 6 to 10 are two to as many as fit of the segment's lengths.
    assert 6.0 <= label.duration <= 10.0
    # "hold clothes" also goes on outside of the segment.
    assert '"eat a sandwich"' in sample.question


def test_an_event_without_actions_of_its_own_is_all_that_is_done(tmp_path: Path) -> None:
    frames = {"000025": keyframe(["a000", "a026"]), "000065": keyframe(["a026", "a000"])}
    sample = one(read(tmp_path, entry(situations=frames), kinds=("span",)))
    assert '"hold clothes and put a towel"' in sample.question


def test_span_of_answer_tells_question_and_answer(tmp_path: Path) -> None:
    span, of_answer = samples(read(tmp_path, kinds=("span", "span_of_answer"))).values()
    assert of_answer.labels == span.labels
    assert (of_answer.start_s, of_answer.end_s) == (span.start_s, span.end_s)
    assert "Which object was eaten by the person?" in of_answer.question
    assert '"The sandwich"' in of_answer.question


@pytest.mark.parametrize("kind", ["Prediction", "Feasibility"])
def test_an_answer_that_cannot_be_seen_has_no_span(tmp_path: Path, kind: str) -> None:
    item = entry(question_id=f"{kind}_T1_4")
    rows = read(tmp_path, item, kinds=("span_of_answer", "choice"))
    assert one(rows).id == f"star/{kind}_T1_4/choice"


def test_in_box_names_a_thing_by_fractions_of_the_picture(tmp_path: Path) -> None:
    frames = {"000025": keyframe([], {"o000": [0, 0, 9, 9], "o010": [16, 12, 32, 24]})}
    sample = one(read(tmp_path, entry(situations=frames), kinds=("in_box",)))
    assert sample.labels == (ClassLabel(name="cup", synonyms=("glass", "bottle")),)
    assert "[0.25, 0.25, 0.50, 0.50]" in sample.question
    # Frame 25 is shown at 3 s of the recording, which is 1 s of the segment.
    assert "1.0 seconds" in sample.question


def test_same_and_different_things_are_both_asked_for(tmp_path: Path) -> None:
    frames = {
        "000025": keyframe([], {"o010": [16, 12, 32, 24], "o016": [0, 0, 8, 8]}),
        "000037": keyframe([], {"o010": [32, 24, 64, 48], "o016": [8, 0, 16, 8]}),
    }
    entries = [entry(situations=frames, question_id=f"Interaction_T1_{n}") for n in range(40)]
    box = {
        **{("[0.25, 0.25, 0.50, 0.50]", "1.0"): "cup", ("[0.50, 0.50, 1.00, 1.00]", "2.5"): "cup"},
        **{("[0.00, 0.00, 0.12, 0.17]", "1.0"): "sandwich"},
        **{("[0.12, 0.00, 0.25, 0.17]", "2.5"): "sandwich"},
    }
    counts = {True: 0, False: 0}
    for sample in read(tmp_path, *entries, kinds=("same",)):
        assert isinstance(sample, VideoSample)
        told = [name for (text, _), name in box.items() if text in sample.question]
        assert len(told) == 2
        assert "1.0 seconds" in sample.question
        assert "2.5 seconds" in sample.question
        assert sample.labels == (SameLabel(same=told[0] == told[1]),)
        counts[told[0] == told[1]] += 1
    assert min(counts.values()) >= 10


def test_a_class_with_two_boxes_in_a_keyframe_is_not_compared(tmp_path: Path) -> None:
    twice = keyframe([], {"o010": [0, 0, 8, 8]})
    twice |= {"bbox": [[0, 0, 8, 8], [16, 0, 24, 8]], "bbox_labels": ["o010", "o010"]}
    frames = {"000025": twice, "000037": keyframe([], {"o010": [0, 0, 8, 8]})}
    rows = read(tmp_path, entry(situations=frames), kinds=("same",))
    assert reasons(rows) == ["EmptyLabel"]


def test_codes_of_all_four_class_files_have_their_words(tmp_path: Path) -> None:
    """The authors load the relationships twice and the verbs never: all verbs become "Unknown"."""
    write_star(tmp_path, video=None)
    classes = read_classes(tmp_path / "STAR_classes")
    codes = ("v004", "r002", "o010", "a000")
    assert [word_of(classes, code) for code in codes] == [
        *("hold", "in_front_of", "cup/glass/bottle", "hold some clothes"),
    ]


def test_an_unknown_code_is_a_bad_row_and_never_a_word(tmp_path: Path) -> None:
    frames = {"000025": keyframe(["v004", "a999"], {"o999": [0, 0, 8, 8]})}
    rows = read(tmp_path, entry(situations=frames), kinds=("between", "in_box"))
    assert [(row.error, row.message[:6]) for row in rows if isinstance(row, Failure)] == [
        ("BadRow", "'a999'"),
        ("BadRow", "'o999'"),
    ]


@pytest.mark.parametrize(
    ("video", "shown"),
    [
        ("TJZ0P.mp4", (2.0, 5.0)),
        ("deep/TJZ0P.mp4", (2.0, 5.0)),
        ("TJZ0P_2.0_5.0.mp4", (None, None)),
        ("TJZ0P_2_5.mp4", (None, None)),
        ("TJZ0P_T2.000_5.000.mp4", (None, None)),
    ],
)
def test_recordings_are_cut_and_clips_are_taken_whole(
    tmp_path: Path, video: str, shown: tuple[float | None, float | None]
) -> None:
    sample = one(read(tmp_path, video=video))
    assert sample.video == f"Charades_v1_480/{video}"
    assert (sample.start_s, sample.end_s) == shown


def test_a_clip_alone_cannot_show_what_is_around_it(tmp_path: Path) -> None:
    rows = read(tmp_path, kinds=KINDS, video="TJZ0P_2.0_5.0.mp4")
    reasons = [row.error if isinstance(row, Failure) else "" for row in rows]
    assert reasons == ["", "", "MissingVideo", "MissingVideo", "MissingVideo", "", ""]


def test_a_segment_that_ends_after_the_recording_ends_with_it(tmp_path: Path) -> None:
    sample = one(read(tmp_path, entry(start=6.0, end=10.4), kinds=("span_of_answer",)))
    (label,) = sample.labels
    assert isinstance(label, SpanLabel)
    assert sample.end_s == pytest.approx(10.0)
    assert sample.start_s is not None
    assert sample.start_s + label.end == pytest.approx(10.0)


def test_a_segment_that_fills_the_recording_has_no_span(tmp_path: Path) -> None:
    rows = read(tmp_path, entry(start=0.0, end=10.2), kinds=("span", "between"))
    assert reasons(rows) == ["SegmentIsAll"] * 2


def test_without_the_pickle_of_rates_the_video_tells_its_rate(tmp_path: Path) -> None:
    write_star(tmp_path)
    first = read_star(tmp_path, "in_box", "same")
    (tmp_path / "STAR_classes" / "video_fps").unlink()
    assert read_star(tmp_path, "in_box", "same") == first


def test_the_rate_of_the_pickle_gives_keyframes_their_times(tmp_path: Path) -> None:
    write_star(tmp_path, entry(situations={"000031": keyframe([], {"o017": [0, 0, 8, 8]})}))
    rates = {"TJZ0P.mp4": 10.0}
    (tmp_path / "STAR_classes" / "video_fps").write_bytes(pickle.dumps(rates))
    sample = one(read_star(tmp_path, "in_box"))
    assert "1.0 seconds" in sample.question


def boxed(box: Any, code: str = "o017") -> dict[str, Any]:
    """A single keyframe with one box."""
    return {"situations": {"25": keyframe([], {code: box})}}


@pytest.mark.parametrize(
    ("kind", "changes", "reason", "words"),
    [
        ("choice", {"question_id": "Who_T1_4"}, "BadRow", "question_id"),
        ("choice", {"question_id": None}, "BadRow", "question_id"),
        ("choice", {"question_id": "Interaction_T1_../4"}, "BadRow", "question_id"),
        ("choice", {"question": " "}, "BadRow", "question"),
        ("choice", {"start": "x"}, "BadRow", "start"),
        ("choice", {"start": 5.0}, "BadRow", "end must be later"),
        ("choice", {"start": -1.0}, "BadRow", "end must be later"),
        ("choice", {"end": float("nan")}, "BadRow", "end"),
        ("choice", {"answer": None}, "EmptyLabel", "no answer"),
        ("choice", {"answer": ""}, "EmptyLabel", "no answer"),
        ("reverse", {"answer": None}, "EmptyLabel", "no answer"),
        ("choice", {"answer": "The door."}, "BadRow", "0 are the answer"),
        ("choice", {"choices": []}, "BadRow", "0 options"),
        ("choice", {"choices": [1]}, "BadRow", "a choice"),
        ("choice", {"choices": [{"choice": "x", "choice_id": 0}] * 2}, "BadRow", "two options 0"),
        ("choice", {"video_id": "AAAAA"}, "MissingVideo", "AAAAA"),
        ("choice", {"video_id": "../x"}, "MissingVideo", "../x"),
        ("span", {"start": 11.0, "end": 12.0}, "BadRow", "starts at 11"),
        ("span", {"situations": {}}, "EmptyLabel", "no keyframe"),
        ("between", {"situations": None}, "BadRow", "situations"),
        ("between", {"situations": {"x": {}}}, "BadRow", "no keyframe number"),
        ("between", {"situations": {"000025": []}}, "BadRow", "situation 000025"),
        ("between", {"situations": {"000025": keyframe([])}}, "EmptyLabel", "no keyframe"),
        ("between", {"situations": {"000065": keyframe(["a000"])}}, "EmptyLabel", "no keyframe"),
        ("in_box", {"situations": {}}, "EmptyLabel", "no keyframe"),
        ("in_box", boxed(None), "EmptyLabel", "a box"),
        ("in_box", boxed([0, 0, 8, 8], "o000"), "EmptyLabel", "box"),
        ("in_box", boxed([0, 0, 8]), "BadRow", "bbox"),
        ("in_box", boxed([0, 0, 640, 360]), "BadRow", "64 x 48 pixels"),
        (
            "in_box",
            {"situations": {"25": {"bbox_labels": [""]}}},
            "BadRow",
            "0 boxes have 1 labels",
        ),
        ("same", boxed([0, 0, 8, 8]), "EmptyLabel", "at two times"),
    ],
)
def test_what_cannot_be_made_is_counted_by_reason(
    tmp_path: Path, kind: str, changes: dict[str, Any], reason: str, words: str
) -> None:
    found = failure(read(tmp_path, entry(**changes), kinds=(kind,)))
    assert (found.error, words in found.message) == (reason, True), found.message


def test_a_broken_video_is_counted_where_it_must_be_looked_into(tmp_path: Path) -> None:
    write_star(tmp_path, video=None)
    (tmp_path / "Charades_v1_480" / "TJZ0P.mp4").write_bytes(b"nothing")
    rows = read_star(tmp_path, "choice", "span", "in_box")
    assert [row.error if isinstance(row, Failure) else "" for row in rows] == [
        *("", "VideoError", "VideoError"),
    ]


def test_an_unusable_entry_is_named_by_its_number_in_the_file(tmp_path: Path) -> None:
    rows = read(tmp_path, entry(), "nonsense", entry(question_id="Sequence_T3_9"))
    assert isinstance(rows[1], Failure)
    assert (rows[1].sample_id, rows[1].error) == ("STAR_val.json:2", "BadRow")
    assert isinstance(rows[2], VideoSample)


@pytest.mark.parametrize("name", ["action_classes.txt", "object_classes.txt", "verb_classes.txt"])
def test_a_missing_class_file_is_named_before_anything_is_read(tmp_path: Path, name: str) -> None:
    write_star(tmp_path, video=None)
    (tmp_path / "STAR_classes" / name).unlink()
    with pytest.raises(DataError, match=name):
        read_star(tmp_path, "between")[0]


def test_choices_alone_need_no_class_files(tmp_path: Path) -> None:
    write_star(tmp_path)
    for path in (tmp_path / "STAR_classes").iterdir():
        path.unlink()
    assert one(read_star(tmp_path, "choice")).labels[0].kind == "choice"


def test_the_same_seed_gives_the_same_samples_and_another_one_other_clips(tmp_path: Path) -> None:
    first = read(tmp_path, kinds=KINDS)
    assert read(tmp_path, kinds=KINDS) == first
    clips = {clip_around(20, 23, 60, seed, "Interaction_T1_4") for seed in range(20)}
    assert len(clips) == 20


def test_the_clip_around_a_segment_holds_it_and_is_two_to_four_times_as_long() -> None:
    places = []
    for number in range(200):
        start, end = clip_around(20.0, 23.5, 60.0, 17, f"Sequence_T1_{number}")
        assert 0 <= start <= 20.0 < 23.5 <= end <= 60.0
        assert 2 * 3.5 - 0.01 <= end - start <= 4 * 3.5 + 0.01
        places.append((20.0 - start) / (end - start - 3.5))
    assert min(places) < 0.1
    assert max(places) > 0.9
    for number in range(200):
        start, end = clip_around(1.0, 5.0, 7.0, 17, f"Sequence_T1_{number}")
        assert (start, end) == (0.0, 7.0)
        start, end = clip_around(0.0, 3.0, 30.0, 17, f"Sequence_T1_{number}")
        assert (start, end >= 6.0) == (0.0, True)
    with pytest.raises(SegmentIsAll):
        clip_around(0.0, 7.0, 7.0, 17, "Sequence_T1_1")


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        ("hold some clothes", "hold clothes"),
        ("take some clothes from somewhere", "take clothes"),
        ("put a towel/s somewhere", "put a towel"),
        ("hold a shoe/shoes", "hold a shoe"),
        ("watch/read/look at a book", "look at a book"),
        ("watch/look outside of a window", "look outside of a window"),
        ("take/consume some medicine", "consume medicine"),
        ("drink from a cup/glass/bottle", "drink from a cup"),
        ("sit on sofa/couch", "sit on sofa"),
        ("tidy up with a broom", "tidy up with a broom"),
    ],
)
def test_action_classes_become_plain_phrases(words: str, phrase: str) -> None:
    assert plain_action(words) == phrase


def test_boxes_are_clipped_to_the_picture_but_not_forced_into_it() -> None:
    assert fractions((-1, 0, 32, 48), 64, 48) == (0.0, 0.0, 0.5, 1.0)
    assert fractions((0, 0, 640, 360), 64, 48) is None
    assert fractions((8, 8, 8, 12), 64, 48) is None


@pytest.mark.parametrize("rates", [["TJZ0P.mp4"], {"TJZ0P.mp4": "fast"}])
def test_a_pickle_that_holds_no_rates_is_refused(tmp_path: Path, rates: Any) -> None:
    write_star(tmp_path)
    (tmp_path / "STAR_classes" / "video_fps").write_bytes(pickle.dumps(rates))
    with pytest.raises(DataError, match="video_fps"):
        read_star(tmp_path, "between")[0]


def test_a_rate_of_zero_is_no_rate(tmp_path: Path) -> None:
    write_star(tmp_path)
    (tmp_path / "STAR_classes" / "video_fps").write_bytes(pickle.dumps({"TJZ0P.mp4": 0.0}))
    assert isinstance(read_star(tmp_path, "in_box")[0], VideoSample)
