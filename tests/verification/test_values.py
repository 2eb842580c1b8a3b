"""Numbers, times, spans, scores, boxes, sameness and choices, answer by answer."""

from __future__ import annotations

import pytest
from judged_answers import judged, outcome

from video_star.core.labels import (
    BoxLabel,
    ChoiceLabel,
    ClassLabel,
    SameLabel,
    ScoreLabel,
    SequenceLabel,
    SpanLabel,
    TimeLabel,
)
from video_star.core.labels.numbers import numbers_in, times_in
from video_star.core.labels.values import box_iou, iou, spans_in
from video_star.verification import option_chosen

WHEN = "When does the man jump?"
SPAN = SpanLabel(start=3, end=7.5, duration=20)
TIME = TimeLabel(at=65, duration=100)
BOX = BoxLabel(xyxy=(0.1, 0.2, 0.5, 0.9))
SCORE = ScoreLabel(value=65.6)
HOW_MANY = "How many people can be seen?"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("3", [3]),
        ("3.5 and .25", [3.5, 0.25]),
        ("1,200.5", [1200.5]),
        ("-4 or \u22125", [-4, -5]),
        ("6e2", [600]),
        ("twenty-five", [25]),
        ("two hundred and five", [205]),
        ("no one", []),
        ("the third man", []),
        ("v1.2.3", []),
        ("", []),
    ],
)
def test_numbers_are_read_in_figures_and_words(text: str, numbers: list[float]) -> None:
    found = numbers_in(text)
    assert [value.numbers[0] for value in found] == numbers


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1:05", [65]),
        ("01:02:03.5", [3723.5]),
        ("1 minute and 5 seconds", [65]),
        ("one minute, five seconds", [65]),
        ("65s", [65]),
        ("2 min", [120]),
        ("1 h 2 min 3 s", [3723]),
        ("40 %", [40]),
        ("0.5", [0.5]),
        ("3 to 7", [3, 7]),
    ],
)
def test_times_are_read_in_all_their_forms(text: str, seconds: list[float]) -> None:
    assert [value.numbers[0] for value in times_in(text, 100)] == seconds


def test_percent_stays_a_number_where_the_duration_is_unknown() -> None:
    assert [value.numbers[0] for value in times_in("40 %", None)] == [40]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("from 3 to 7", [(3, 7)]),
        ("3-7 seconds", [(3, 7)]),
        ("0:03 \u2013 0:07", [(3, 7)]),
        ("between 3 and 7 seconds", [(3, 7)]),
        ("starts at 3 s and ends at 7 s", [(3, 7)]),
        ("from 3 to 7 and from 9 to 12", [(3, 7), (9, 12)]),
        ("at 3 seconds and again at 7 seconds", []),
        ("from 7 to 3", []),
        ("3", []),
    ],
)
def test_a_range_is_read_where_a_text_says_one(text: str, spans: list[tuple[float, ...]]) -> None:
    assert [value.numbers for value in spans_in(text, None, final=False)] == spans


@pytest.mark.parametrize(
    "text",
    [
        "the segment from 3.5 to 7.2 shows the man jumping",
        "The man jumps from 3 to 8 seconds.",
        "The given query happens in 3.0 - 7.5 seconds.",
        "The moment occurs between 00:03 and 00:07.",
        "It happens between 0:03 and 0:07.",
        "The man jumps from second 3 to second 7.",
        "From 15 % to 40 % of the clip.",
        "Answer: 3 - 7.5 seconds",
        "Answer: 3, 7.5",
        "Answer: the man jumps at 3 seconds and lands at 7 seconds",
    ],
)
def test_a_span_in_each_form_passes(text: str) -> None:
    assert outcome(SPAN, text, WHEN) == "pass"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("From 11 to 15 seconds.", "fail"),
        ("The man jumps.", "fail"),
        ("From 3 to 7 and from 12 to 19 seconds.", "doubtful"),
        ("The man does not jump from 3 to 7 seconds.", "doubtful"),
        ("From 3 to 7 seconds, nobody jumps.", "doubtful"),
        ("The man jumps from 3 to 7 seconds or so I think, maybe.", "doubtful"),
        ("Does the man jump from 3 to 7 seconds?", "doubtful"),
        ("Frames 3 to 7.", "doubtful"),
        ("The man jumps 3 to 7 metres.", "doubtful"),
        ("The man jumps for 3 to 7 seconds.", "doubtful"),
        ("The man jumps every 3 to 7 seconds.", "doubtful"),
        ("The bell rings, the dog barks and the sun sets from 3 to 7 seconds.", "doubtful"),
        ("Answer: not from 3 to 7 seconds", "doubtful"),
    ],
)
def test_another_span_or_a_doubtful_one_does_not(text: str, expected: str) -> None:
    assert outcome(SPAN, text, WHEN) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The man jumps at 1:05.", "pass"),
        ("It happens at about one minute and five seconds.", "pass"),
        ("At 70 seconds.", "pass"),
        ("Answer: 65", "pass"),
        ("At 90 seconds.", "fail"),
        ("At 65 seconds or at 80 seconds.", "doubtful"),
        ("65 seconds before the end.", "doubtful"),
        ("The man jumps after 65 seconds.", "doubtful"),
        ("In frame 65.", "doubtful"),
        ("The man is 65 years old.", "doubtful"),
        ("The man does not jump at 65 seconds.", "doubtful"),
        ("", "fail"),
    ],
)
def test_an_instant_is_compared_within_its_tolerance(text: str, expected: str) -> None:
    assert outcome(TIME, text, WHEN) == expected


def test_the_tolerance_of_a_time_is_a_share_of_the_clip() -> None:
    short = TimeLabel(at=2, duration=10)
    assert outcome(short, "Answer: 3 seconds") == "pass"
    assert outcome(short, "Answer: 3.1 seconds") == "fail"
    alone = TimeLabel(at=2)
    assert outcome(alone, "Answer: 2.2 seconds") == "pass"
    assert outcome(alone, "Answer: 2.3 seconds") == "fail"


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        (2, "There are 2 people.", "pass"),
        (2, "There are two people in the room.", "pass"),
        (2, "I see two men and a dog.", "pass"),
        (3, "There are 2 people.", "fail"),
        (1, "One person can be seen.", "pass"),
        (2, "There are 5 cars. Of the 7 seats, 2 are taken.", "pass"),
        (2, "There are more than 2 people.", "doubtful"),
        (2, "There are not 2 people.", "doubtful"),
        (2, "There are between 2 and 9 people.", "fail"),
        (2, "Answer: 2 or 9", "doubtful"),
        (1200, "There are 1,200 of them.", "pass"),
    ],
)
def test_counts_are_scores(value: float, text: str, expected: str) -> None:
    assert outcome(ScoreLabel(value=value), text, HOW_MANY) == expected


DIVE = (ScoreLabel(value=3.2, name="difficulty"), ScoreLabel(value=65.6, name="score"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("difficulty 3.2; score 65.6", "pass"),
        ("Answer: difficulty 3.2; score 65.6", "pass"),
        ("Answer: 3.2; 65.6", "pass"),
        ("A score of 65.6 and a difficulty of 3.2.", "pass"),
        ("The difficulty is 3.2 and the score is 65.6 points.", "pass"),
        ("Answer: difficulty 65.6; score 3.2", "fail"),
        ("The difficulty is 3.2 and the score is 90.", "fail"),
        ("The score is 65.6 and the height is 3.2.", "fail"),
        ("The score is 65.6.", "fail"),
    ],
)
def test_of_several_scores_each_is_read_by_its_name(text: str, expected: str) -> None:
    assert outcome(DIVE, text, "How difficult is this dive, and what is its score?") == expected


def test_of_a_score_out_of_a_scale_the_score_counts() -> None:
    rating = ScoreLabel(value=8, low=0, high=10)
    for text in ("8/10", "8 out of 10", "Answer: 8 out of 10", "eight"):
        assert outcome(rating, text) == "pass", text
    assert outcome(rating, "2 out of 8") == "fail"
    assert outcome(rating, "I give 5, although the second half is an 8.") == "doubtful"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[0.1, 0.2, 0.5, 0.9]", "pass"),
        ("(0.1, 0.2, 0.5, 0.9)", "pass"),
        ("Answer: [0.12, 0.2, 0.5, 0.9]", "pass"),
        ("x1 = 0.1, y1 = 0.2, x2 = 0.5, y2 = 0.9", "pass"),
        ("[0.6, 0.2, 0.9, 0.9]", "fail"),
        ("[0.5, 0.9, 0.1, 0.2]", "fail"),
        ("[0.1, 0.2, 0.5]", "fail"),
        ("[56, 112, 280, 504]", "doubtful"),
        ("[0.1, 0.2, 0.5, 0.9] or [0.6, 0.2, 0.9, 0.9]", "doubtful"),
        ("It is not at [0.1, 0.2, 0.5, 0.9].", "doubtful"),
    ],
)
def test_boxes_are_corners_in_fractions(text: str, expected: str) -> None:
    assert outcome(BOX, text, "Where is the dog? Give its box.") == expected


def test_overlaps() -> None:
    assert iou((0, 10), (0, 10)) == 1
    assert iou((0, 10), (5, 15)) == pytest.approx(1 / 3)
    assert iou((0, 1), (2, 3)) == 0
    assert box_iou((0, 0, 1, 1), (0, 0, 1, 1)) == 1
    assert box_iou((0, 0, 1, 1), (0.5, 0, 1.5, 1)) == pytest.approx(1 / 3)
    assert box_iou((1, 1, 0, 0), (0, 0, 1, 1)) == 0


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("same", True),
        ("They are the same.", True),
        ("Answer: the same object", True),
        ("The two are identical.", True),
        ("They are not the same.", False),
        ("They aren't the same object.", False),
        ("different", False),
        ("Different objects.", False),
        ("These are different objects.", None),
        ("Yes.", True),
        ("No.", False),
        ("No, they are different.", False),
        ("No, they are the same.", None),
        ("They are not different.", True),
        ("They may be the same.", None),
        ("Are they the same?", None),
        ("I doubt it. They wear the same jacket.", None),
        ("Nothing suggests that they are the same.", None),
        ("Yes and no.", None),
        ("They are the same. They are different.", None),
        ("A man walks.", None),
    ],
)
def test_sameness_is_read_with_its_denial(text: str, same: bool | None) -> None:
    question = "Are the two objects the same?"
    found = [outcome(SameLabel(same=wanted), text, question) == "pass" for wanted in (True, False)]
    assert found == [same is True, same is False]


def test_a_bare_reply_takes_its_meaning_from_the_question() -> None:
    assert outcome(SameLabel(same=False), "Yes.", "Are they different objects?") == "pass"
    assert outcome(SameLabel(same=True), "Yes.", "Are they the same or different?") != "pass"
    assert outcome(SameLabel(same=False), "no difference", "Are the two the same?") != "pass"


THINGS = ("the cup", "the box", "the chair")


@pytest.mark.parametrize(
    ("text", "option"),
    [
        *((text, 1) for text in ("B", "b", "(B)", "B.", "b)", "**B**", "[B]", "B: the box")),
        *((text, 1) for text in ("Option B", "Answer: B", "The answer is (B).", "B. the box")),
        *((text, 1) for text in ("the box", "It is the box.", "He takes the box of wood.")),
        ("The person takes the box from the shelf.", 1),
        ("B is correct.", 1),
        ("The correct answer is option (B): the box.", 1),
        (r"\boxed{B}", 1),
        ("B is incorrect.", None),
        ("B. the cup", None),
        ("A, no, sorry, B.", None),
        ("It is not the box.", None),
        ("Is it the box?", None),
        ("It may be the box.", None),
        ("Option B is not right.", None),
        ("Option B is wrong.", None),
        ("Answer: not (B)", None),
        ("Answer: maybe option B", None),
        (r"\boxed{\text{B}}", 1),
        ("B\nHe takes the box.", 1),
        ("B (the box)", 1),
        ("The correct answer would be B", 1),
        ("the cup and the box", None),
        ("The cup is empty. He takes the box.", None),
        ("A. the cup\nB. the box\nC. the chair", None),
        ("D", None),
        ("I do not know.", None),
        ("", None),
    ],
)
def test_an_option_is_chosen_by_its_letter_or_its_text(text: str, option: int | None) -> None:
    assert option_chosen(text, THINGS) == option


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("Does the man jump?", "Yes", "pass"),
        ("Does the man jump?", "Yes, he does.", "pass"),
        ("Does the man jump?", "The man jumps over a fence.", "pass"),
        ("Does the man jump?", "No", "fail"),
        ("Does the man jump?", "The man does not jump.", "fail"),
        ("Does the man jump?\nA. yes\nB. no", "A", "pass"),
        ("Does the man jump?\nPlease answer yes or no:", "The answer is yes.", "pass"),
        ("Does the man jump?", "A dog barks.", "fail"),
        ("Does the man jump?", "Perhaps the man jumps.", "doubtful"),
        ("Does the man jump?", "I am not sure if the man jumps.", "doubtful"),
        ("Does the man jump?", "Answer: probably yes", "doubtful"),
        ("Does the man jump?", "Answer: not yes", "doubtful"),
    ],
)
def test_a_sentence_may_say_yes_or_no(question: str, text: str, expected: str) -> None:
    assert outcome(ChoiceLabel(options=("yes", "no"), answer=0), text, question) == expected


def test_options_are_marked_as_the_question_marks_them() -> None:
    question = "Which one?\nOption 1: a cup\nOption 2: a box"
    label = ChoiceLabel(options=("a cup", "a box"), answer=1)
    assert outcome(label, "2", question) == "pass"
    assert outcome(label, "Answer: Option 2", question) == "pass"
    assert outcome(label, "1", question) == "fail"
    numbers = ChoiceLabel(options=("2", "3"), answer=1)
    assert outcome(numbers, "3", "How many?\nA. 2\nB. 3") == "pass"
    assert outcome(numbers, "There are 3.", "How many?\nA. 2\nB. 3") == "pass"
    longer = ChoiceLabel(options=("left", "left and then right"), answer=1)
    assert outcome(longer, "It moves left and then right.") == "pass"


def test_several_labels_stand_in_one_line() -> None:
    labels = (ClassLabel(name="diving"), SPAN, ScoreLabel(value=65.6))
    assert outcome(labels, "Answer: diving; 3 - 7.5 seconds; 65.6") == "pass"
    assert outcome(labels, "Answer: diving; 3 - 7.5 seconds; 20") == "fail"
    assert outcome(labels, "Answer: surfing; 3 - 7.5 seconds; 65.6", others=("surfing",)) == "fail"
    dive = (SequenceLabel(names=("Forward", "Entry")), SCORE)
    found = judged(dive, "Answer: Forward, then Entry; score 65.6")
    assert found.passed
    assert [verdict.extracted for verdict in found.labels] == ["Forward, then Entry", "65.6"]
    assert outcome(dive, "Answer: Entry, then Forward; score 65.6") == "fail"
