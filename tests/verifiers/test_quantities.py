"""Quantities: what a number or a name of a point is worth, and what is none."""

from __future__ import annotations

import pytest

from video_star.verifiers.numbers import tokens_of
from video_star.verifiers.quantities import Quantity, is_count, quantities_of
from video_star.verifiers.text import fold


def quantities(text: str) -> list[Quantity]:
    return quantities_of(tokens_of(fold(text)[0]))


def only(text: str) -> Quantity:
    found = quantities(text)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3 seconds", 3),
        ("3.5s", 3.5),
        (".5 s", 0.5),
        ("3,5 seconds", 3.5),
        ("1,250 seconds", 1250),
        ("250 ms", 0.25),
        ("the 3-second mark", 3),
        ("0:03", 3),
        ("1:02:03", 3723),
        ("00:00:03,500", 3.5),
        ("1 min 30 s", 90),
        ("1m30s", 90),
        ("1 minute and 30 seconds", 90),
        ("1.5 minutes", 90),
        ("a minute and a half", 90),
        ("1 minute and a half", 90),
        ("three and a half seconds", 3.5),
        ("twenty-five seconds", 25),
        ("one hundred and five seconds", 105),
        ("two point five seconds", 2.5),
        ("half a second", 0.5),
        ("second 3", 3),
        ("the 14th second", 14),
        ("\u00bd s", 0.5),
        ("5\u00bd s", 5.5),
    ],
)
def test_a_time_is_read_in_seconds(text: str, seconds: float) -> None:
    found = only(text)
    assert found.unit == "s"
    assert found.value == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("half of the clip", 1 / 2),
        ("halfway through", 1 / 2),
        ("a third of the way", 1 / 3),
        ("two thirds", 2 / 3),
        ("three-quarters", 3 / 4),
        ("the beginning", 0),
        ("the middle of the video", 1 / 2),
        ("until the very end", 1),
    ],
)
def test_a_part_of_the_clip_is_read_from_words(text: str, part: float) -> None:
    found = only(text)
    assert found.unit == "part"
    assert found.value == pytest.approx(part)


@pytest.mark.parametrize("text", ["30%", "30 %", "30 percent", "30 per cent", "thirty percent"])
def test_percent_is_read_however_it_is_written(text: str) -> None:
    assert (only(text).value, only(text).unit) == (30, "percent")


@pytest.mark.parametrize(
    "text",
    [
        "the end of the board",
        "the middle of the room",
        "in the end he bows",
        "the third person",
        "a third person",
        "half the room",
        "mp4",
        "1.2.3",
        "12345678901234567890",
    ],
)
def test_what_only_looks_like_a_quantity_is_none(text: str) -> None:
    assert quantities(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "it lasts 3 seconds",
        "for about 3 seconds",
        "it took him 3 seconds",
        "3 seconds later",
        "3 seconds long",
        "a 3-second clip",
        "3 seconds after the whistle",
    ],
)
def test_a_length_of_time_is_no_point_in_time(text: str) -> None:
    assert only(text).length


def test_seconds_before_the_end_count_backwards() -> None:
    found = only("2 seconds before the end")
    assert (found.value, found.unit, found.length) == (2, "back", False)


def test_a_number_before_a_noun_is_a_count() -> None:
    for text, count in (("2 people", True), ("2 of them", False), ("2", False), ("2 then", False)):
        assert is_count(tokens_of(text), only(text)) is count, text


def test_out_of_is_kept_with_the_number() -> None:
    for text in ("8/10", "8 out of 10"):
        assert (only(text).value, only(text).out_of) == (8, 10)


def test_numbers_of_list_items_are_left_out() -> None:
    text = "1. he walks at 3 s. 2. he jumps at 5 s."
    assert [q.value for q in quantities(text)] == [3, 5]
    assert [q.value for q in quantities("1) he walks 2) he jumps")] == []


def test_a_quantity_knows_its_place() -> None:
    text = "at 1 min 30 s he jumps"
    found = only(text)
    assert text[found.start : found.end] == "1 min 30 s"


def test_numbers_in_brackets_are_not_joined_by_a_comma() -> None:
    assert [q.value for q in quantities("[3,5]")] == [3, 5]
