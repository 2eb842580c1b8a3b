"""The choice of samples: even over strata, bounded, the same whatever the order of strata."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_star.core.hashing import stable_hash
from video_star.report.choice import Choice

WIDTH = 10


def chosen(strata: list[str], room: int) -> list[str]:
    """Texts of one width, each its stratum and its number."""
    choice = Choice(WIDTH * room)
    for number, stratum in enumerate(strata):
        name = f"{stratum}{number:09d}"
        choice.add(stratum, name, name)
    assert choice.seen == len(strata)
    return list(choice)


@given(st.lists(st.sampled_from("abcd"), max_size=80), st.integers(1, 60))
def test_strata_are_filled_evenly_with_those_of_the_smallest_hashes(
    strata: list[str], room: int
) -> None:
    found = chosen(strata, room)
    assert len(found) == min(room, len(strata))
    had, kept = Counter(strata), Counter(text[0] for text in found)
    level = max(kept.values(), default=0)
    assert all(kept[name] in (min(had[name], level), level - 1) for name in had)
    for name in kept:
        texts = [f"{name}{n:09d}" for n, own in enumerate(strata) if own == name]
        first = sorted(texts, key=stable_hash)[: kept[name]]
        assert [text for text in found if text[0] == name] == first


def test_a_rare_stratum_is_whole_and_comes_early() -> None:
    found = chosen(["a"] * 5_000 + ["b"] * 3, 100)
    assert Counter(text[0] for text in found) == {"a": 97, "b": 3}
    assert [text[0] for text in found[:7]] == ["a", "b"] * 3 + ["a"]


@pytest.mark.parametrize("room", [0, WIDTH - 1])
def test_without_room_nothing_is_held(room: int) -> None:
    choice = Choice(room)
    for number in range(50):
        choice.add("a", str(number), "x" * WIDTH)
    assert list(choice) == []
