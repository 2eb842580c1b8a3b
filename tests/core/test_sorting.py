"""Texts sorted on disk: as `sorted` does it, and nothing stays behind."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from video_star.core.errors import VideoStarError
from video_star.core.sorting import sorted_on_disk

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@given(pairs=st.lists(st.tuples(TEXT, TEXT)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_texts_come_in_the_order_of_their_keys(
    tmp_path: Path, pairs: list[tuple[str, str]]
) -> None:
    with sorted_on_disk(iter(pairs), tmp_path) as texts:
        assert len(texts) == len(pairs)
        found = list(texts)
        assert list(tmp_path.iterdir()) == []  # gone already: a kill leaves nothing
    assert found == [text for _, text in sorted(pairs, key=lambda pair: pair[0])]


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def small(*args: str, **options: None) -> sqlite3.Connection:
        database = connect(*args, **options)  # type: ignore[call-overload]
        database.execute("PRAGMA max_page_count = 8")
        return database  # type: ignore[no-any-return]

    monkeypatch.setattr(sqlite3, "connect", small)
    pairs = ((str(n), "x" * 1_000) for n in range(100))
    with (
        pytest.raises(VideoStarError, match=rf"^{tmp_path}: database or disk is full; free some"),
        sorted_on_disk(pairs, tmp_path),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
