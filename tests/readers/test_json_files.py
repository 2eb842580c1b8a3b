"""JSON files as people bring them: which records they hold, or why they hold none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import outcomes
import pytest
from outcomes import errors, samples, touch
from tables import rows_of

from video_star.core.errors import DataError
from video_star.core.records import Failure
from video_star.data.readers.base import Row

COLUMNS = {"video": "file", "label": "caption"}
A, B = {"file": "a.mp4", "caption": "a man"}, {"file": "b.mp4", "caption": "a dog"}
BOTH = {"a": "a man", "b": "a dog"}


def read(
    data: Path, content: str | bytes, name: str = "t.json", columns: dict[str, Any] = COLUMNS
) -> list[Row]:
    touch(data / "v", "a.mp4", "b.mp4")
    (data / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return rows_of(data, name, kind="text", columns=columns)


def captions(rows: list[Row]) -> dict[str, str]:
    return {key[-1]: row.labels[0].text for key, row in samples(rows).items()}


FORMS = {
    "list": json.dumps([A, B]),
    "list behind empty lines": "\n\n  \n" + json.dumps([A, B], indent=1) + "\n\n",
    "lines": f"{json.dumps(A)}\n\n{json.dumps(B)}\n",
    "data": json.dumps({"data": [A, B]}),
    "data and more": json.dumps({"version": 1, "info": {"by": "x"}, "rows": [A, B]}, indent=2),
    "another list": json.dumps({"videos": [{"id": 1}], "captions": [A, B]}),
    "by id": json.dumps({"x": A, "y": B}),
    "by id inside": json.dumps({"version": 1, "database": {"x": A, "y": B}}),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("suffix", ["json", "jsonl"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_records_are_found_whatever_holds_them(
    tmp_path: Path, form: str, suffix: str, encoding: str
) -> None:
    assert captions(read(tmp_path, FORMS[form].encode(encoding), f"t.{suffix}")) == BOTH


def test_one_record_is_a_record(tmp_path: Path) -> None:
    for content in (json.dumps(A), json.dumps(A, indent=2)):
        assert captions(read(tmp_path, content)) == {"a": "a man"}


def test_ids_and_values_of_an_object_are_columns(tmp_path: Path) -> None:
    by_file = json.dumps({"a.mp4": {"caption": "a man"}, "b.mp4": {"caption": "a dog"}})
    assert captions(read(tmp_path, by_file, columns={"video": "(key)", "label": "caption"})) == BOTH
    pairs = json.dumps({"a.mp4": "a man", "b.mp4": "a dog"})
    assert captions(read(tmp_path, pairs, columns={"video": "(key)", "label": "(value)"})) == BOTH


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "not JSON"),
        ("{broken", "not JSON"),
        (json.dumps([A, B])[:-10], "not JSON .* after item 1"),
        (f"{json.dumps([A])}\n{json.dumps([B])}", "behind the end of the list"),
        (json.dumps([A]) + "]", "behind the end of the list"),
        (DEEP, "nested too deeply"),
        ('{"data": ' + DEEP + "}", "nested too deeply"),
        ("5", "holds 5 and no records"),
        (json.dumps({"train": [A], "val": [B]}), "train, val hold records alike"),
        (json.dumps({"rows": [{"name": 1}]}), "the keys rows, in which nothing has a column"),
        ('[{"file": "a.mp4", "caption": "x", "caption": "y"}]', "'caption' stands twice"),
        ('{"x": {"file": "a.mp4", "caption": "x"}, "x": {"caption": "y"}}', "'x' stands twice"),
        ('[{"file": "a.mp4", "caption": "é"}]'.encode("latin-1"), r"t\.json:1 \(byte 0xe9\)"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_in_a_sentence(
    tmp_path: Path, content: str | bytes, problem: str
) -> None:
    with pytest.raises(DataError, match=problem) as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500 + len(str(tmp_path))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{broken", "not JSON"),
        ('{"file": ' + DEEP + "}", "nested too deeply"),
        ('{"file": "a.mp4", "caption": "x", "caption": "y"}', "'caption' stands twice"),
        ('["a.mp4", "x"]', "no JSON object"),
        (json.dumps({"file": "a\ud800.mp4", "caption": "x"}), "not a usable path"),
        (json.dumps({"file": "a.mp4", "caption": "x\ud800"}), "unicode"),
        (json.dumps({"file": {"a": [1] * 10_000}, "caption": "x"}), "the row names no video"),
        (json.dumps({"file": ["x" * 100] * 10_000, "caption": "x"}), "video is"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_bad_line_is_counted_and_the_others_are_read(
    tmp_path: Path, line: str, problem: str, first: bool
) -> None:
    good = json.dumps(B)
    if first and line.startswith("["):
        return  # a file that begins as a list is one
    rows = read(tmp_path, "\n".join([line, good] if first else [good, line]), "t.jsonl")
    bad, other = rows if first else rows[::-1]
    assert isinstance(bad, Failure)
    assert (bad.sample_id, bad.error) == (f"t.jsonl:{1 if first else 2}", "BadRow")
    assert problem in bad.message
    assert len(bad.message) <= 500
    bad.model_dump_json()
    assert captions([other]) == {"b": "a dog"}


def test_a_reader_of_lists_tells_another_file_from_one_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    section = {"annotations": "labels.json", "videos": "v", "questions": ["sentence"]}
    for content, problem in (
        (
            '{"Approaching [something]": "0", "Attaching": "1"}',
            "not the file that this reader reads",
        ),
        ("5", "not the file that this reader reads"),
        ('{"Approaching [something]": "0", ', "not JSON"),
        ("id,label\n1,x\n", "not JSON"),
    ):
        (tmp_path / "labels.json").write_text(content)
        with pytest.raises(DataError, match=problem):
            outcomes.rows_of("something", tmp_path, dataset="s", split="train", **section)


def test_lists_side_by_side_must_be_of_one_length(tmp_path: Path) -> None:
    touch(tmp_path / "v", "a.mp4")
    rows = [
        {"file": "a.mp4", "id": 1, "from": [0, 1], "caption": ["x", "y"]},
        {"file": "a.mp4", "id": 2, "from": [0, 1], "caption": ["x"]},
        {"file": "a.mp4", "id": 3, "from": 0, "caption": ["x"]},
        {"file": "a.mp4", "id": 4, "from": "[2, 3]", "caption": ["", "z"]},
        {"file": "a.mp4", "id": 5, "from": [], "caption": []},
    ]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = rows_of(
        tmp_path,
        "t.jsonl",
        kind="text",
        columns={"video": "file", "id": "id", "start_s": "from", "label": "caption"},
        each=("from", "caption"),
    )
    assert errors(found) == [
        ("t.jsonl:2", "BadRow"),
        ("t.jsonl:3", "BadRow"),
        ("t.jsonl:4:1", "EmptyLabel"),
        ("t.jsonl:5", "EmptyLabel"),
    ]
    good = samples([row for row in found if not isinstance(row, Failure)])
    assert {key: (row.start_s, row.labels[0].text) for key, row in good.items()} == {
        "t/1/1": (0.0, "x"),
        "t/1/2": (1.0, "y"),
        "t/4/2": (3.0, "z"),
    }
