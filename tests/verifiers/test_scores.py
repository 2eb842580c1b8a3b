"""Scores: only the number that the answer gives as this score counts."""

from __future__ import annotations

import pytest
from asked import verify_params
from numeric import SCORE, check_place, judged

from video_star.labels import ScoreLabel, SequenceLabel
from video_star.verifiers import Case, Known, judge

PARAMS = verify_params()
ASKED = "What score does this dive get?"
DIFFICULTY = ScoreLabel(value=3.2, low=1.5, high=4.1, name="difficulty")
BOTH = "Action Sequence: Inward, 3.5 Soms.Tuck, Entry. Action difficulty: 3.2. Overall Score: 65.6"


@pytest.mark.parametrize(
    "text",
    [
        *("65.6", "65.6 points", "65.6/100", "65.6 out of 100", "Around 65.", "score\n65.6"),
        *("The score is 65.6.", "score=65.6", "| score | 65.6 |", "Final score: **65.6**"),
        *("sixty-five point six", "The score is 65,6.", "I'd give it a 65.", "Answer: 65.6"),
        *("The dive deserves a 65.", "just over 65 points", "The score is between 60 and 70"),
        *(
            "Score (0-100): 65",
            "Score (out of 100): 65",
            "Score for dive 5: 65",
            "It should be 65.",
        ),
        "The score is 3.2 \u00d7 20.5 = 65.6 points.",
        "The score: 65.6 = 3.2 x 20.5",
        "The score, given the small splash, would be 65.",
        "The score is not 90, it is 65.",
        "At first glance I would say 90, but the entry is poor, so the score is 65.",
        "Judges: 8.0, 8.5, 8.5. Score: 65.",
        "I think that this dive is worth about 65 points because of the clean entry.",
        BOTH,
    ],
)
def test_a_score_passes_however_it_is_given(text: str) -> None:
    found = judged(SCORE, text, PARAMS, ASKED)
    check_place(found, text)
    assert found.passed, found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("The score is not 65.6.", "negated"),
        ("It doesn't receive 65.6 points.", "negated"),
        ("anything but 65 points", "negated"),
        ("Is the score 65.6?", "not asserted"),
        ("He would have scored 65.6 with a better entry.", "not asserted"),
        ("a score of either 65 or 80", "several answers"),
        ("The score could be 65 or 95.", "several answers"),
        ("The score is between 40 and 70", "several answers"),
        ("The score is 40, not 65.6.", "no match"),
        (
            "I thought of a score of 65 first, but the splash is big, so the score is 52.",
            "no match",
        ),
        ("-65.6", "no match"),
    ],
)
def test_a_score_that_is_not_asserted_fails_for_its_reason(text: str, reason: str) -> None:
    found = judged(SCORE, text, PARAMS, ASKED)
    check_place(found, text)
    assert found.reason == reason


@pytest.mark.parametrize(
    "text",
    [
        *(
            "65 frames",
            "The diver is 65 years old.",
            "65.6 seconds",
            "a height of 65",
            "65 percent",
        ),
        *("at least 65 points", "a score of more than 65", "He needs 65 points to win."),
        *("The execution score is 65.", "The difficulty is 65.", "Judge 1 gives 65."),
        *("The previous dive scored 65.", "The maximum score is 65.", "The dive was number 65."),
        *("on a scale from 0 to 65 it's 20", "Score: 6.56 / 10", "A deduction of 65 points"),
        "The score is 40. With a cleaner entry it would be 65.",
        "Another diver scored 65, this one scored 40.",
        "This dive scored 40, while the winner scored 65.",
    ],
)
def test_a_number_of_something_else_never_passes(text: str) -> None:
    assert not judged(SCORE, text, PARAMS, ASKED).passed


def test_a_number_that_is_not_the_score_never_passes() -> None:
    label = ScoreLabel(value=3.5)
    for text in ("3.5 Soms.Tuck", "He does 3.5 somersaults.", "3.5 twists, the score is 8.", BOTH):
        assert not judged(label, text, PARAMS, ASKED).passed, text


def test_a_judges_mark_is_not_the_score() -> None:
    text = "Judges gave 8.5, 9.0 and 7.5; the final score is 65.6."
    assert judged(SCORE, text, PARAMS, ASKED).passed
    for mark in (8.5, 9.0, 7.5):
        assert not judged(ScoreLabel(value=mark), text, PARAMS, ASKED).passed


def test_each_name_takes_its_own_number() -> None:
    for text in (
        BOTH,
        "The difficulty is 3.2 and the score is 65.6.",
        "3.2 difficulty, 65.6 score",
    ):
        assert judged(DIFFICULTY, text, PARAMS, ASKED).passed, text
        assert judged(SCORE, text, PARAMS, ASKED).passed, text
    swapped = "The score is 3.2 and the difficulty is 65.6."
    assert not judged(DIFFICULTY, swapped, PARAMS, ASKED).passed
    assert not judged(SCORE, swapped, PARAMS, ASKED).passed


def test_a_difficulty_score_is_a_difficulty() -> None:
    text = "The difficulty score is 3.2."
    assert judged(DIFFICULTY, text, PARAMS, ASKED).passed
    assert not judged(ScoreLabel(value=3.2), text, PARAMS, ASKED).passed


def test_an_answer_without_a_number_is_a_miss_not_an_error() -> None:
    for text in ("", "The entry is clean.", "Score: N/A", "%", "out of 100"):
        found = judged(SCORE, text, PARAMS, ASKED)
        assert (found.passed, found.reason, found.extracted) == (False, "no number", None)


def test_a_score_of_zero_divides_by_nothing() -> None:
    for label in (ScoreLabel(value=0), ScoreLabel(value=0, low=0, high=114.8)):
        for text in ("The score is 0.", "zero points", "0.0"):
            assert judged(label, text, PARAMS, ASKED).passed, text
        for text in ("The score is 8.", "0.5 points"):
            assert not judged(label, text, PARAMS, ASKED).passed, text


def test_a_score_just_outside_of_the_tolerance_is_rejected() -> None:
    label = ScoreLabel(value=60)
    assert judged(label, "The score is 66.", PARAMS, ASKED).passed
    assert not judged(label, "The score is 66.1.", PARAMS, ASKED).passed
    strict = verify_params({}, preset="paper")
    assert judged(label, "The score is 63.", strict, ASKED).passed
    assert not judged(label, "The score is 63.1.", strict, ASKED).passed


def test_the_same_number_on_another_scale_is_another_score() -> None:
    label = ScoreLabel(value=7, low=0, high=10)
    assert judged(label, "7/10", PARAMS, ASKED).passed
    assert not judged(label, "7 out of 100", PARAMS, ASKED).passed


def test_percent_count_only_on_a_scale_of_a_hundred() -> None:
    assert judged(ScoreLabel(value=70, low=0, high=100), "70%", PARAMS, ASKED).passed
    assert not judged(ScoreLabel(value=70, low=0, high=115), "70%", PARAMS, ASKED).passed


def test_a_clock_time_before_an_equation_is_passed_over() -> None:
    assert judged(SCORE, "he jumps at 0:03 x1=0.1", PARAMS).reason == "no number"


def test_steps_before_a_score_are_no_part_of_its_name() -> None:
    labels = (
        SequenceLabel(names=("Forward", "2.5 Soms.Pike", "Entry")),
        ScoreLabel(value=2.8, name="difficulty"),
        ScoreLabel(value=67.2, low=0, high=115),
    )
    for text in (
        "1. Forward\n2. 2.5 Soms.Pike\n3. Entry\nDifficulty: 2.8\nScore: 67.2 out of 115",
        "Forward, 2.5 Soms.Pike, Entry\nScore: 67.2\nDifficulty: 2.8",
        "Forward -> 2.5 Soms.Pike -> Entry, difficulty 2.8, final score 67.2",
    ):
        found = judge(Case(text, "?", labels), PARAMS, Known.of([], PARAMS))
        assert found.passed, (text, found.reason)
    entry = Case("The entry score is 67.2.", "?", (labels[0], labels[2]))
    assert not judge(entry, PARAMS, Known.of([], PARAMS)).labels[1].passed
