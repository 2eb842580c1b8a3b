"""The table reader on values and columns that cannot make a label of their kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from outcomes import error
from tables import read, rows_of

from video_star.core.errors import DataError, UsageError

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
