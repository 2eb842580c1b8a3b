"""The table reader: a mapping of columns, and what cannot make a label of its kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from outcomes import error, one
from tables import read, rows_of

from video_star.core.errors import DataError, UsageError
from video_star.core.labels import ClassLabel
from video_star.data.readers.base import Row

COLUMNS = {"video": "file", "label": "what"}


def read_file(
    data: Path, name: str, text: str, columns: dict[str, str], split: Any = "train"
) -> list[Row]:
    (data / "v" / "sub").mkdir(parents=True, exist_ok=True)
    for video in ("a.mp4", "sub/b.mp4"):
        (data / "v" / video).touch()
    (data / name).write_text(text, encoding="utf-8")
    return rows_of(data, name, kind="class", columns=columns, split=split)


def test_two_columns_are_enough(tmp_path: Path) -> None:
    found = one(read_file(tmp_path, "a.csv", "file,what\nsub/b.mp4,diving\n", COLUMNS))
    assert found.id == "t/v/sub/b"
    assert found.video == "v/sub/b.mp4"
    assert found.source_id == "t/v/sub/b.mp4"
    assert found.labels == (ClassLabel(name="diving"),)
    assert found.split == "train"


def test_every_column_is_taken_where_it_is_named(tmp_path: Path) -> None:
    columns = {
        **COLUMNS,
        "id": "n",
        "split": "part",
        "source_id": "tape",
        "start_s": "from",
        "end_s": "to",
        "question": "q",
        "synonyms": "also",
    }
    text = (
        "n,file,what,part,tape,from,to,q,also\n"
        '7,a.mp4,diving,validation,t9,1.5,4,"What, now?",plunging; jumping in ;\n'
    )
    found = one(read_file(tmp_path, "a.csv", text, columns, split=None))
    assert (found.id, found.split, found.source_id) == ("t/7", "test", "t/t9")
    assert (found.start_s, found.end_s) == (1.5, 4.0)
    assert (found.question, found.question_template) == ("What, now?", "given")
    assert found.labels[0].synonyms == ("plunging", "jumping in")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"file": "a.mp4", "what": ""}, "EmptyLabel"),
        ({"file": "a.mp4"}, "EmptyLabel"),
        ({"what": "x"}, "BadRow"),
        ({"file": "c.mp4", "what": "x"}, "MissingVideo"),
        ({"file": "../../secret.mp4", "what": "x"}, "BadRow"),
        ({"file": "a\u0000.mp4", "what": "x"}, "BadRow"),
        ({"file": "a.mp4", "what": "x", "from": "soon"}, "BadRow"),
        ({"file": "a.mp4", "what": "x", "from": 3, "to": 2}, "BadRow"),
        ([1], "BadRow"),
    ],
)
def test_a_row_that_cannot_be_used_is_counted_by_reason(
    tmp_path: Path, row: Any, reason: str
) -> None:
    columns = {**COLUMNS, "start_s": "from", "end_s": "to"}
    assert error(read_file(tmp_path, "a.jsonl", json.dumps(row) + "\n", columns)) == reason


def test_an_unknown_split_is_a_bad_row(tmp_path: Path) -> None:
    columns = {**COLUMNS, "split": "part"}
    rows = read_file(tmp_path, "a.csv", "file,what,part\na.mp4,x,dev7\n", columns, split=None)
    assert error(rows) == "BadRow"


def test_rows_without_a_split_are_refused_before_reading(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ingest\.sources\.0\.table: no split"):
        read_file(tmp_path, "a.csv", "file,what\na.mp4,x\n", COLUMNS, None)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("sequence", {"label": "; ;"}, "EmptyLabel"),
    ("set", {"label": None}, "EmptyLabel"),
    ("set", {"label": "[1, 2"}, "BadRow"),
    ("set", {"label": 7}, "BadRow"),
    ("span", {"event": "x", "label_start": "", "label_end": ""}, "EmptyLabel"),
    ("span", {"event": "x", "label_start": 1, "label_end": ""}, "BadRow"),
    ("span", {"event": "x", "label_start": 1, "label_end": 0.5}, "BadRow"),
    ("span", {"event": "x", "label_start": -1, "label_end": 0.5}, "BadRow"),
    ("span", {"event": "x", "label_start": "0:01:02:03", "label_end": 2}, "BadRow"),
    ("span", {"event": "x", "label_start": 5, "label_end": 6}, "BadRow"),
    ("span", {"event": "", "label_start": 0.5, "label_end": 1}, "BadRow"),
    ("time", {"event": "x", "label_at": 9}, "BadRow"),
    ("time", {"event": "x", "label_at": 1, "duration": 0}, "BadRow"),
    ("score", {"label": "high"}, "BadRow"),
    ("score", {"label": "nan"}, "BadRow"),
    ("score", {"label": 7, "low": 0, "high": 5}, "BadRow"),
    ("box", {"object": "x", "label": "0.1, 0.2, 0.5"}, "BadRow"),
    ("box", {"object": "x", "label": "0.1, 0.2, 0.5, 90"}, "BadRow"),
    ("box", {"object": "x", "label": "0.5, 0.2, 0.1, 0.9"}, "BadRow"),
    ("box", {"object": "x", "label": 0.5}, "BadRow"),
    ("box", {"object": "x", "x1": 0.1, "y1": 0.2, "x2": 0.5, "y2": ""}, "BadRow"),
    ("box", {"object": "", "label": "0.1, 0.2, 0.5, 0.9"}, "BadRow"),
    ("choice", {"options": "a;b", "answer": ""}, "BadRow"),
    ("choice", {"options": "a", "answer": "a"}, "BadRow"),
    ("choice", {"options": "cup; box", "answer": "C"}, "BadRow"),
    ("choice", {"options": "cup; box", "answer": 2}, "BadRow"),
    ("choice", {"options": "cup; box", "answer": -1}, "BadRow"),
    ("choice", {"options": "cup; Cup", "answer": 0}, "BadRow"),
    ("choice", {"options": "2; 3; 4", "answer": "2"}, "BadRow"),
    ("choice", {"options": "B; A", "answer": "A"}, "BadRow"),
    ("same", {"label": "perhaps"}, "BadRow"),
    ("labels", {"question": "?", "labels": "[]"}, "EmptyLabel"),
    ("labels", {"question": "?", "labels": "{"}, "BadRow"),
    ("labels", {"question": "?", "labels": '[{"kind": "colour"}]'}, "BadRow"),
    ("labels", {"question": "?", "labels": '["diving"]'}, "BadRow"),
    ("labels", {"question": "", "labels": '[{"kind": "text", "text": "x"}]'}, "BadRow"),
]


@pytest.mark.parametrize(("kind", "row", "reason"), BAD)
def test_a_bad_value_is_a_counted_row(
    tmp_path: Path, clips: Path, kind: str, row: dict[str, Any], reason: str
) -> None:
    assert error(read(tmp_path, clips, kind, row)) == reason


@pytest.mark.parametrize(
    ("kind", "columns", "problem"),
    [
        ("span", ["label_start", "label_end"], "needs 'event'"),
        ("span", ["label_start", "event"], "needs 'label_end'"),
        ("span", ["label", "event"], "does not know 'label'"),
        ("time", ["label_at"], "needs 'event'"),
        ("box", ["label"], "needs 'object'"),
        ("box", ["x1", "y1", "x2", "object"], "needs 'y2'"),
        ("choice", ["options"], "needs 'answer'"),
        ("labels", ["labels"], "needs 'question'"),
        ("class", ["label", "event"], "does not know 'event'"),
    ],
)
def test_columns_that_cannot_make_the_kind_are_refused_before_reading(
    tmp_path: Path, kind: Any, columns: list[str], problem: str
) -> None:
    own = {name: name for name in ("video", *columns)}
    with pytest.raises(UsageError, match=problem):
        rows_of(tmp_path, "absent.csv", kind=kind, columns=own)


def test_a_parquet_file_that_is_none_or_lacks_a_column_is_refused(
    tmp_path: Path, clips: Path
) -> None:
    read(tmp_path, clips, "class", {"label": "x"}, suffix=".parquet")
    columns = {"video": "video", "label": "what"}
    with pytest.raises(DataError, match="no column what"):
        rows_of(tmp_path, "t.parquet", kind="class", columns=columns)
    (tmp_path / "t.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match="Parquet"):
        rows_of(tmp_path, "t.parquet", kind="class", columns=columns)
