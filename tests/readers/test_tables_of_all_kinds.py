"""The table reader for every kind of label: columns in, labels and questions out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from outcomes import error, one, samples
from tables import WRITERS, read

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

SPAN = {"event": "x", "label_start": 0.5}
CUPS = ("the cup", "the box")
GOOD: list[tuple[str, dict[str, Any], Label]] = [
    ("class", {"label": "doing push ups"}, ClassLabel(name="doing push ups")),
    (
        "class",
        {"label": "diving", "synonyms": ["plunging", "a leap"]},
        ClassLabel(name="diving", synonyms=("plunging", "a leap")),
    ),
    (
        "sequence",
        {"label": "Inward; 3.5 Soms.Tuck ;Entry"},
        SequenceLabel(names=("Inward", "3.5 Soms.Tuck", "Entry")),
    ),
    ("sequence", {"label": ["run; fast", "jump"]}, SequenceLabel(names=("run; fast", "jump"))),
    ("set", {"label": "['cup', 'table']"}, SetLabel(names=("cup", "table"))),
    ("span", SPAN | {"label_end": 1.0}, SpanLabel(start=0.5, end=1.0, duration=1.5)),
    (
        "span",
        {"event": "x", "label_start": "3", "label_end": "7.5", "duration": "10"},
        SpanLabel(start=3.0, end=7.5, duration=10.0),
    ),
    (
        "span",
        SPAN | {"label_end": 1, "start_s": 0.25, "end_s": 1.25},
        SpanLabel(start=0.5, end=1.0, duration=1.0),
    ),
    (
        "span",
        SPAN | {"label_end": 1, "start_s": 0.25},
        SpanLabel(start=0.5, end=1.0, duration=1.25),
    ),
    # Annotated ends often lie a little behind the last frame.
    ("span", SPAN | {"label_end": 1.75}, SpanLabel(start=0.5, end=1.5, duration=1.5)),
    ("time", {"event": "x", "label_at": 0.5}, TimeLabel(at=0.5, duration=1.5)),
    ("score", {"label": "65.6"}, ScoreLabel(value=65.6)),
    (
        "score",
        {"label": 3.2, "low": 0, "high": 4, "name": "difficulty"},
        ScoreLabel(value=3.2, low=0.0, high=4.0, name="difficulty"),
    ),
    ("box", {"object": "cup", "label": "0.1, 0.2,0.5 ,0.9"}, BoxLabel(xyxy=(0.1, 0.2, 0.5, 0.9))),
    (
        "box",
        {"object": "cup", "label": "[0.1, 0.2, 0.5, 0.9]", "label_at": 2},
        BoxLabel(xyxy=(0.1, 0.2, 0.5, 0.9), at=2.0),
    ),
    (
        "box",
        {"object": "cup", "x1": 0.1, "y1": 0.2, "x2": 0.5, "y2": 0.9},
        BoxLabel(xyxy=(0.1, 0.2, 0.5, 0.9)),
    ),
    ("text", {"label": "The door opens."}, TextLabel(text="The door opens.")),
    (
        "choice",
        {"options": "; ".join(CUPS), "answer": "the Box"},
        ChoiceLabel(options=CUPS, answer=1),
    ),
    ("choice", {"options": [*CUPS], "answer": "b"}, ChoiceLabel(options=CUPS, answer=1)),
    ("choice", {"options": [*CUPS], "answer": 0}, ChoiceLabel(options=CUPS, answer=0)),
    ("choice", {"options": "7; 8", "answer": "8"}, ChoiceLabel(options=("7", "8"), answer=1)),
    ("same", {"label": "different"}, SameLabel(same=False)),
    ("same", {"label": True}, SameLabel(same=True)),
    ("same", {"label": 0}, SameLabel(same=False)),
]
ASKED_WITH = {("score", "name"): "score_of", ("box", "label_at"): "box_at"}
"""Kinds that have templates of their own for a column."""


@pytest.mark.parametrize(("kind", "row", "label"), GOOD)
@pytest.mark.parametrize("suffix", WRITERS)
def test_a_row_becomes_its_label_and_is_asked_for_it(
    tmp_path: Path, clips: Path, suffix: str, kind: str, row: dict[str, Any], label: Label
) -> None:
    found = one(read(tmp_path, clips, kind, row, suffix=suffix))
    assert found.labels == (label,)
    templates = [
        name for (own, column), name in ASKED_WITH.items() if own == kind and column in row
    ]
    assert [found.question_template.partition("/")[0]] == (templates or [kind])
    for name in ("event", "object", "name"):
        assert str(row.get(name, "")) in found.question


@pytest.mark.parametrize("suffix", WRITERS)
def test_several_labels_come_from_a_column_of_them(
    tmp_path: Path, clips: Path, suffix: str
) -> None:
    labels = [
        {"kind": "sequence", "names": ["Inward", "Entry"]},
        {"kind": "score", "value": 65.6, "name": "score"},
    ]
    row = {"question": "How was it?", "labels": labels}
    found = one(read(tmp_path, clips, "labels", row, suffix=suffix))
    assert found.labels == (SequenceLabel(names=("Inward", "Entry")), ScoreLabel(value=65.6))
    assert (found.question, found.question_template) == ("How was it?", "given")


def test_the_options_of_a_choice_stand_below_its_question(tmp_path: Path, clips: Path) -> None:
    row = {"question": "What is taken?", "options": "the cup; the box", "answer": "A"}
    assert one(read(tmp_path, clips, "choice", row)).question == (
        "What is taken?\nA. the cup\nB. the box"
    )


def test_several_events_of_a_video_are_told_apart_and_equal_questions_are_not(
    tmp_path: Path, clips: Path
) -> None:
    rows = [
        {"event": "a", "label_start": 0.1, "label_end": 0.5},
        {"event": "b", "label_start": 0.5, "label_end": 1.0},
        {"event": "a", "label_start": 1.0, "label_end": 1.2},
    ]
    found = read(tmp_path, clips, "span", *rows)
    ids = [row.id for row in found if isinstance(row, VideoSample)]
    assert len(ids) == 3
    assert ids[0] == ids[2] != ids[1]
    assert ids == [s.id for s in read(tmp_path, clips, "span", *rows) if isinstance(s, VideoSample)]


def test_a_video_is_not_opened_where_the_duration_is_known(tmp_path: Path, clips: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "broken.mp4").write_bytes(b"no video")
    row = {"video": "broken.mp4", "event": "x", "label_at": 1}
    assert error(read(tmp_path, clips, "time", row)) == "VideoError"
    found = one(read(tmp_path, clips, "time", {**row, "duration": 10}))
    assert found.labels == (TimeLabel(at=1.0, duration=10.0),)


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("1:02:03.5", 3723.5),
        ("00:00:00.56", 0.56),
        ("61:05", 3665.0),
        ("0:07,25", 7.25),
        ("12.5", 12.5),
        (12, 12.0),
        ("1e1", 10.0),
        ("1:62", None),
        ("1:2:3:4", None),
        ("-0:05", None),
        ("00:00:01;12", None),
        ("soon", None),
        ("", None),
    ],
)
def test_times_are_seconds_or_as_clocks_show_them(
    tmp_path: Path, clips: Path, time: object, seconds: float | None
) -> None:
    row = {"event": "x", "label_at": time, "duration": 7200}
    rows = read(tmp_path, clips, "time", row)
    if seconds is None:
        assert error(rows) in ("BadRow", "EmptyLabel")
    else:
        assert one(rows).labels == (TimeLabel(at=seconds, duration=7200.0),)


Cut = tuple[float | None, float | None, SpanLabel]


def cut(start: float | None, end: float | None, *span: float) -> Cut:
    return start, end, SpanLabel(start=span[0], end=span[1], duration=span[2])


@pytest.mark.parametrize(
    ("row", "cuts"),
    [
        ({"windows": [[0.5, 1.0]]}, [cut(None, None, 0.5, 1.0, 1.5)]),
        ({"windows": "[[0.5, 1.0]]"}, [cut(None, None, 0.5, 1.0, 1.5)]),
        (  # out of order; each clip ends where the next window begins
            {"windows": [[1.0, 1.25], [0.25, 0.5]]},
            [cut(None, 1.0, 0.25, 0.5, 1.0), cut(0.5, None, 0.5, 0.75, 1.0)],
        ),
        (
            {"windows": [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]},
            [
                cut(None, 0.3, 0.1, 0.2, 0.3),
                cut(0.2, 0.5, 0.1, 0.2, 0.3),
                cut(0.4, None, 0.1, 0.2, 1.1),
            ],
        ),
        ({"windows": [[0.1, 0.5], [0.5, 1.0], [0.2, 0.3]]}, [cut(None, None, 0.1, 1.0, 1.5)]),
        (  # windows are of the clip, which is a part of the file
            {"windows": [[1, 2], ["0:05", "0:06"]], "start_s": 100, "end_s": 110},
            [cut(100, 105, 1, 2, 5), cut(102, 110, 3, 4, 8)],
        ),
        (
            {"windows": [[1, 2], [5, 6]], "duration": 10},
            [cut(None, 5, 1, 2, 5), cut(2, None, 3, 4, 8)],
        ),
    ],
)
def test_each_of_several_windows_is_the_only_one_of_its_clip(
    tmp_path: Path, clips: Path, row: dict[str, Any], cuts: list[Cut]
) -> None:
    found = samples(read(tmp_path, clips, "span", {"event": "x", "id": "q", **row}))
    assert list(found) == [f"t/q/{number}" for number in range(1, len(cuts) + 1)]
    assert [(s.start_s, s.end_s, s.labels[0]) for s in found.values()] == cuts


@pytest.mark.parametrize(
    "windows", [[], [[1]], [1, 2], [[2, 1]], [[-1, 1]], [["a", "b"]], "1-2", "[[1, 2]", {"a": 1}]
)
def test_windows_that_are_none_are_a_bad_row(tmp_path: Path, clips: Path, windows: object) -> None:
    rows = read(tmp_path, clips, "span", {"event": "x", "windows": windows, "duration": 9})
    assert error(rows) == ("EmptyLabel" if windows == [] else "BadRow")
