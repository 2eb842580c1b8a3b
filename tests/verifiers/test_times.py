"""Spans and times: which range or instant an answer asserts, and how far it may be off."""

from __future__ import annotations

import pytest
from asked import verify_params
from numeric import SPAN, TIME, check_place, judged

from video_star.labels import SpanLabel, TimeLabel
from video_star.verifiers.times import temporal_iou

PARAMS = verify_params()


@pytest.mark.parametrize(
    "text",
    [
        "from 0:03 to 0:07",
        "between 30% and 70% of the clip",
        "3-7 s",
        "3\u20137",
        "3s to 7.5s",
        "3 sec. to 7 sec.",
        "It starts at 3 and ends at 7 seconds.",
        "The jump begins around 2.9s, when he bends his knees, and finishes at 7.",
        "It begins at 0:03 and is over by 0:07.",
        "[3.0, 7.5]",
        "0.3 to 0.7",
        "from three seconds to seven and a half seconds",
        "between the 3 second mark and the 7 second mark",
        "between timestamps 3.0 and 7.0",
        "from t=3 to t=7",
        "from second 3 to second 7",
        "from the 3rd to the 7th second",
        "00:00:03,000 --> 00:00:07,500",
        "start_time: 3.0, end_time: 7.0",
        '{"start": 3, "end": 7}',
        "starts at 3 seconds and lasts about 4 seconds",
        "It starts 3 seconds into the clip and ends 3 seconds before the end.",
        "from 3 seconds to 70% of the clip",
        "**3.0** to **7.0** seconds",
        "The 10-second clip shows the jump from 3 to 7.",
        "No, the man jumps from 3 to 7 seconds.",
        "I'm not sure, but I think it is from 3 to 7 seconds.",
    ],
)
def test_a_range_passes_however_it_is_said(text: str) -> None:
    found = judged(SPAN, text, PARAMS)
    check_place(found, text)
    assert found.passed, found


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (0, 3, "for the first 3 seconds"),
        (0, 4, "until 4 seconds"),
        (5, 10, "after 5 s until the end"),
        (5, 10, "from 5 s onwards"),
        (7, 10, "in the last 3 seconds"),
        (5, 10, "the second half of the video"),
        (2.5, 5, "during the second quarter"),
        (0, 5, "from the beginning to the middle of the clip"),
        (10 / 3, 20 / 3, "from a third to two thirds of the clip"),
        (0, 10, "throughout the entire video"),
        (3, 10, "starts at 3 s and continues until the end of the video"),
    ],
)
def test_parts_of_the_clip_are_ranges(start: float, end: float, text: str) -> None:
    label = SpanLabel(start=start, end=end, duration=10)
    assert judged(label, text, PARAMS).passed
    assert judged(label, text, verify_params({"span_iou": 0.99})).passed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no range"),
        ("At 3 seconds.", "no range"),
        ("He does not jump from 3 to 7 seconds.", "negated"),
        ("neither from 3 to 7 nor from 8 to 9 seconds", "negated"),
        ("From 3 to 7 seconds is wrong.", "negated"),
        ("I doubt that it is from 3 to 7 seconds.", "negated"),
        ("Nothing happens between 3 and 7 seconds.", "negated"),
        ("any time except from 3 to 7 seconds", "negated"),
        ("Is it from 3 to 7 seconds?", "not asserted"),
        ("If the man jumped from 3 to 7 seconds, we would see it.", "not asserted"),
        ("either 3-7 or 8-9 s", "several answers"),
        ("3-7 s and 8-9 s", "several answers"),
        ("most likely from 0 to 2 seconds, although 3 to 7 seconds is possible", "several answers"),
        ("The jump lasts 3 to 7 seconds.", "no range"),
        ("There are 3 to 7 people.", "no range"),
        ("Between 3 and 7 people jump.", "no range"),
        ("from frame 3 to frame 7", "no range"),
        ("a room of 3 to 7 metres", "no range"),
        ("from 7 to 3 seconds", "no range"),
        ("from 3 to 7 minutes", "no match"),
        ("from 0.3 to 0.7 seconds", "no match"),
    ],
)
def test_a_range_that_is_not_asserted_fails_for_its_reason(text: str, reason: str) -> None:
    found = judged(SPAN, text, PARAMS)
    check_place(found, text)
    assert found.reason == reason


@pytest.mark.parametrize(
    "text",
    [
        "From 8 to 9 he walks. So the jump is from 3 to 7 seconds.",
        "He jumps from 8 to 10. Wait, that's wrong: he jumps from 3 to 7.",
        "I first thought 8 to 9, but it is 3 to 7 seconds.",
        "From 0 to 3 he walks. From 3 to 7 he jumps. From 7 to 10 he rests.",
        "0-3 s: walking\n3-7 s: jumping\n7-10 s: resting",
        "First he walks (0-3 s), then he jumps (3-7 s), then he sits (7-10 s).",
        "The jump could be from 0 to 2 seconds, but it is most likely from 3 to 7 seconds.",
        "The answer is 3 to 7 seconds, not 5 to 9.",
        "Is it from 3 to 7 seconds? Yes.",
        "from 3.0s (0:03) to 7.0s (0:07)",
    ],
)
def test_the_concluded_range_counts(text: str) -> None:
    assert judged(SPAN, text, PARAMS).passed
    assert not judged(SpanLabel(start=8, end=10, duration=10), text, PARAMS).passed


@pytest.mark.parametrize(
    "text",
    [
        "From 3 to 7 he walks. From 7 to 10 he jumps.",
        "He jumps from 3 to 7 seconds. Actually, no, from 8 to 10 seconds.",
        "He jumps from 3 to 7 seconds - no, from 8 to 10 seconds.",
        "My first guess was 3 to 7 seconds, but the right answer is 8 to 10 seconds.",
        "The correct range is 8 to 10 seconds rather than 3 to 7 seconds.",
        "The jump is from 8 to 10, from 3 to 7 seconds the dog runs.",
        "unlike the walk (3 to 7 s), the jump is from 8 to 10 s",
    ],
)
def test_a_right_range_of_something_else_does_not_count(text: str) -> None:
    assert not judged(SPAN, text, PARAMS).passed


def test_a_range_that_touches_zero_or_one_is_accepted() -> None:
    whole, start, end = (0, 10), (0, 4), (6, 10)
    for (a, b), text in ((whole, "0.0 to 1.0"), (start, "[0.0, 0.4]"), (end, "from 0.6 to 1.0")):
        assert judged(SpanLabel(start=a, end=b, duration=10), text, PARAMS).passed


def test_an_iou_at_the_threshold_is_rejected_and_one_above_it_accepted() -> None:
    label = SpanLabel(start=0, end=10)
    assert not judged(label, "from 0 to 5 seconds", PARAMS).passed
    assert judged(label, "from 0 to 5.01 seconds", PARAMS).passed


def test_bare_fractions_are_seconds_where_seconds_are_asked_for() -> None:
    asked = "When does the man jump, in seconds?"
    assert judged(SPAN, "0.3 to 0.7", PARAMS).passed
    assert not judged(SPAN, "0.3 to 0.7", PARAMS, asked).passed
    assert judged(SpanLabel(start=0.3, end=0.7, duration=10), "0.3 to 0.7", PARAMS, asked).passed
    assert judged(SpanLabel(start=0.3, end=0.7), "0.3 to 0.7", PARAMS).passed


def test_fractions_need_a_duration() -> None:
    found = judged(SpanLabel(start=3, end=7), "from 30% to 70%", PARAMS)
    assert (found.passed, found.reason) == (False, "no duration")


@pytest.mark.parametrize(
    "text",
    [
        *("at 4.2 seconds", "4.2", "0.42", "42%", "second 4", "0:04", "t=4.2", "four seconds in"),
        *("at the 4-second mark", "Answer: 4.2", "It happens at 4", "between 4 and 5 seconds"),
        "He runs at 1 s, then jumps at 4 s, then rests at 8 s.",
        "The jump starts at 4 s and ends at 8 s.",
        "I thought it was at 9 seconds first, but it's at 4.",
        "at 4.2 out of 10 seconds",
        "He jumps at 4 or 5 seconds.",
        "The clip is 9 seconds long; he jumps at 4 s.",
    ],
)
def test_an_instant_passes_however_it_is_said(text: str) -> None:
    found = judged(TIME, text, PARAMS)
    check_place(found, text)
    assert found.passed, found


@pytest.mark.parametrize(
    "text",
    [
        *("", "not at 4.2 seconds", "He jumps 4 times.", "He jumps for 4 seconds.", "Frame 4"),
        *("before 4.2 seconds", "at least 4 seconds", "every 4 seconds", "4.2 m above the ground"),
        *("at 4 s or 9 s", "from 4 to 9 seconds", "The 4 men jump at 9 seconds.", "4 minutes"),
        *("at 4.2 seconds? No.", "if he jumped at 4.2 seconds", "4 seconds after the whistle"),
        "At 4 seconds he runs, at 9 seconds he jumps.",
        "He jumps at 9 s, not at 4 s.",
        "He waits 4 seconds before jumping at 9 seconds.",
        "He jumps at 9 seconds, 4 seconds later he lands.",
    ],
)
def test_an_instant_that_is_not_asserted_fails(text: str) -> None:
    found = judged(TIME, text, PARAMS)
    check_place(found, text)
    assert not found.passed, found


def test_an_instant_is_compared_in_seconds_of_the_clip() -> None:
    label = TimeLabel(at=60, duration=100)
    assert judged(label, "at 69.9 seconds", PARAMS).passed
    assert not judged(label, "at 70.1 seconds", PARAMS).passed
    short = TimeLabel(at=0.6, duration=1.0)
    assert not judged(short, "at 0.72 seconds", PARAMS).passed


def test_without_a_duration_the_tolerance_is_a_share_of_the_instant() -> None:
    label = TimeLabel(at=30)
    assert judged(label, "at 33 s", PARAMS).passed
    assert not judged(label, "at 33.1 s", PARAMS).passed


def test_an_instant_of_zero_divides_by_nothing() -> None:
    assert judged(TimeLabel(at=0), "at 0.1 seconds", PARAMS).passed
    assert not judged(TimeLabel(at=0), "at 0.2 seconds", PARAMS).passed
    assert judged(TimeLabel(at=0, duration=30), "at the beginning of the clip", PARAMS).passed


def test_what_is_asked_for_decides_between_a_start_and_an_end() -> None:
    text = "The jump starts at 4 s and ends at 8 s."
    assert judged(TimeLabel(at=8, duration=10), text, PARAMS, "When does it end?").passed
    assert judged(TIME, text, PARAMS, "When does it start?").passed


def test_the_iou_of_stretches_is_their_overlap() -> None:
    assert temporal_iou((0, 10), (5, 15)) == pytest.approx(1 / 3)
    assert temporal_iou((0, 1), (2, 3)) == 0
