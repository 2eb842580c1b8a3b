"""The table reader: any CSV or JSONL with a column mapping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from outcomes import one
from tables import rows_of

from video_star.core.errors import UsageError
from video_star.core.labels import ClassLabel
from video_star.core.records import Failure
from video_star.data.readers.base import Row

COLUMNS = {"video": "file", "label": "what"}


def read(
    data: Path, name: str, text: str, columns: dict[str, str], split: Any = "train"
) -> list[Row]:
    (data / "v" / "sub").mkdir(parents=True, exist_ok=True)
    for video in ("a.mp4", "sub/b.mp4"):
        (data / "v" / video).touch()
    (data / name).write_text(text, encoding="utf-8")
    return rows_of(data, name, kind="class", columns=columns, split=split)


def test_two_columns_are_enough(tmp_path: Path) -> None:
    found = one(read(tmp_path, "a.csv", "file,what\nsub/b.mp4,diving\n", COLUMNS))
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
    found = one(read(tmp_path, "a.csv", text, columns, split=None))
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
    rows = read(tmp_path, "a.jsonl", json.dumps(row) + "\n", columns)
    assert [item.error for item in rows if isinstance(item, Failure)] == [reason]


def test_an_unknown_split_is_a_bad_row(tmp_path: Path) -> None:
    columns = {**COLUMNS, "split": "part"}
    rows = read(tmp_path, "a.csv", "file,what,part\na.mp4,x,dev7\n", columns, split=None)
    assert isinstance(rows[0], Failure)
    assert rows[0].error == "BadRow"


def test_rows_without_a_split_are_refused_before_reading(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ingest\.sources .*: no split"):
        read(tmp_path, "a.csv", "file,what\na.mp4,x\n", COLUMNS, None)
