"""Texts sorted on disk: as `sorted` does it, and nothing stays behind."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from video_star.core.sorting import sorted_on_disk

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)


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
