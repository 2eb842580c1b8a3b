"""Samples found by id in a manifest that is not held in memory."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import tiny

from video_star.core.errors import DataError
from video_star.core.jsonl import write_records
from video_star.data import sample_index
from video_star.data.sample_index import SampleIndex


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.jsonl"
    write_records(path, tiny.tiny_samples(12))
    return path


def test_every_sample_is_found_by_its_id(manifest: Path) -> None:
    with closing(SampleIndex(manifest)) as index:
        samples = list(index.scan())
        found = [index.find(sample.id) for sample in samples]
        assert [item[1] for item in found if item] == samples
        assert sorted(item[0] for item in found if item) == list(range(12))
        assert index.find("tiny/gone") is None


def test_ids_with_the_same_hash_are_told_apart(
    manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_index, "stable_hash", lambda _: 5)
    test_every_sample_is_found_by_its_id(manifest)


def test_a_line_that_is_no_sample_is_named(manifest: Path) -> None:
    manifest.write_text(manifest.read_text() + '{"id": "x"}\n')
    with (
        closing(SampleIndex(manifest)) as index,
        pytest.raises(DataError, match=r"manifest.jsonl:13: not a VideoSample \(dataset"),
    ):
        list(index.scan())


def test_an_empty_manifest_has_no_samples(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_bytes(b"")
    with closing(SampleIndex(tmp_path / "m.jsonl")) as index:
        assert list(index.scan()) == []
        assert index.find("x") is None
