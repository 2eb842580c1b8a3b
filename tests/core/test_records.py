"""JSONL files: whole or absent, the same bytes for the same records, bad lines named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_star.core.errors import DataError
from video_star.core.jsonl import (
    SHARDS,
    read_records,
    read_shards,
    shard_of,
    write_records,
    write_shards,
)
from video_star.core.paths import inside
from video_star.core.records import Failure


def failure(name: str) -> Failure:
    return Failure(sample_id=name, step="generate", error="VideoError", message="broken\nfile")


def test_records_come_back_as_written(tmp_path: Path) -> None:
    records = [failure(f"clip-{i}") for i in range(5)]
    assert write_records(tmp_path / "a.jsonl", records) == 5
    assert list(read_records(tmp_path / "a.jsonl", Failure)) == records


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_records(path, [failure("old")])

    def torn() -> object:
        yield failure("new")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        write_records(path, torn())  # type: ignore[arg-type]
    assert [r.sample_id for r in read_records(path, Failure)] == ["old"]


def test_a_bad_line_is_named_by_file_and_number(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_records(path, [failure("a")])
    path.write_text(path.read_text() + '{"sample_id": 3}\n')
    with pytest.raises(DataError, match=r"a\.jsonl:2: no valid Failure"):
        list(read_records(path, Failure))


def test_shards_hold_every_record_once_and_all_exist(tmp_path: Path) -> None:
    records = [failure(f"clip-{i}") for i in range(100)]
    write_shards(tmp_path / "s", records, lambda r: r.sample_id)
    assert sorted(p.stem for p in (tmp_path / "s").iterdir()) == list(SHARDS)
    back = list(read_shards(tmp_path / "s", Failure))
    assert sorted(r.sample_id for r in back) == sorted(r.sample_id for r in records)


@given(st.text(min_size=1))
def test_a_shard_is_known_for_any_id(name: str) -> None:
    assert shard_of(name) in SHARDS


@pytest.mark.parametrize("path", ["../secret", "a/../../secret", "/etc/passwd"])
def test_a_path_may_not_leave_the_data_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(DataError, match="leads out of"):
        inside(tmp_path, path)
