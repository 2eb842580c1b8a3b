"""The verifier of `same` labels, answer by answer, and what holds for any answer at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telling import is_well_formed, loud, same_verdict, spoken, verdict

from video_star.labels import SameLabel, say

SAME, DIFFERENT = SameLabel(same=True), SameLabel(same=False)
QUESTION = "Are the two objects the same?"
OPPOSITE_QUESTION = "Are they different objects?"


def says(text: str, question: str = QUESTION) -> bool | None:
    """What an answer is taken to say: the polarity that passes, None where neither does."""
    same, different = verdict(SAME, text, question), verdict(DIFFERENT, text, question)
    assert not (same.passed and different.passed)
    assert is_well_formed(same, text)
    return True if same.passed else False if different.passed else None


@pytest.mark.parametrize(
    "text",
    [
        "They are the same object.",
        "yes, both boxes show the same person",
        "The two are identical.",
        "It is the same cup.",
        "one and the same",
        "not different",
        "I don't think these are different objects.",
        "Neither different nor distinct.",
        "There is no difference between them.",
        "There's only one object, seen twice.",
        "It is impossible for them to be different.",
        "There is no doubt that they're the same.",
        "Yes - the same.",
        "The two objects match.",
        "It is the same one, not a different one.",
    ],
)
def test_sameness_is_understood(text: str) -> None:
    assert says(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "no, these are different objects",
        "they are not the same",
        "They cannot be the same.",
        "distinct",
        "I don't believe that the two are identical.",
        "They're not one and the same.",
        "There is no way they are the same.",
        "They are anything but identical.",
        "The second box shows another object.",
        "These are two separate objects.",
        "The two objects do not match.",
        "It's a different one, not the same one.",
    ],
)
def test_difference_is_understood(text: str) -> None:
    assert says(text) is False


@pytest.mark.parametrize(
    ("question", "text", "meaning"),
    [
        (QUESTION, "Yes.", True),
        (QUESTION, "No", False),
        (QUESTION, "The answer is no.", False),
        (QUESTION, "They are not.", False),
        (QUESTION, "Yes they are.", True),
        (QUESTION, "One is a spoon, the other one a fork, so no.", False),
        (QUESTION, "I don't think so.", False),
        (OPPOSITE_QUESTION, "Yes.", False),
        (OPPOSITE_QUESTION, "No.", True),
        (OPPOSITE_QUESTION, "No, they are the same.", True),
        (OPPOSITE_QUESTION, "No, they are different.", None),
        (OPPOSITE_QUESTION, "Are they the same? Yes.", True),
        ("Are they the same or different?", "Yes.", None),
        ("Are they the same or different?", "different ones", False),
    ],
)
def test_a_bare_answer_has_the_polarity_of_its_question(
    question: str, text: str, meaning: bool | None
) -> None:
    assert says(text, question) is meaning


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("They wear the same jacket.", None),
        ("They are in the same room.", None),
        ("They differ in color.", None),
        ("They have the same color but they are different objects.", False),
        ("It's the same person in different clothes.", True),
        ("Both boxes contain the same object, seen from different angles.", True),
        ("Both are of the same type, but not the same object.", False),
    ],
)
def test_an_attribute_is_not_the_thing(text: str, meaning: bool | None) -> None:
    assert says(text) is meaning


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("At first glance they seem the same. However, they are different.", False),
        ("They look different, yet it is the same object.", True),
        ("Although the clothes are different, this is the same person.", True),
        ("While they look identical, they are different objects.", False),
        ("I thought they were the same, but actually they are different.", False),
        ("They are the same. They are different.", None),
        ("Yes. They are not the same. Yes.", None),
    ],
)
def test_what_the_answer_concludes_counts(text: str, meaning: bool | None) -> None:
    assert says(text) is meaning


@pytest.mark.parametrize(
    "text",
    [
        "They may or may not be the same.",
        "They could be the same or different.",
        "I cannot tell whether they are the same.",
        "It is hard to say if they're identical.",
        "If they were the same, the handle would match.",
        "Are they the same?",
        "Yes and no.",
        "They are similar.",
        "There is a cup in both.",
        "",
    ],
)
def test_an_open_answer_passes_as_nothing(text: str) -> None:
    assert says(text) is None


LABELS = st.booleans().map(lambda same: SameLabel(same=same))
TEXTS = spoken("same", "different", "yes", "they", "are", "identical", "two", "one", "color", "may")
QUESTIONS = st.sampled_from([QUESTION, OPPOSITE_QUESTION, "", "What do you see?"])


@given(LABELS, QUESTIONS)
def test_a_label_that_is_said_passes(label: SameLabel, question: str) -> None:
    assert verdict(label, say(label), question).passed


@given(LABELS, QUESTIONS, st.one_of(st.text(max_size=80), TEXTS))
def test_no_text_makes_the_verifier_raise(label: SameLabel, question: str, text: str) -> None:
    assert is_well_formed(verdict(label, text, question), text)


@given(LABELS, QUESTIONS, TEXTS)
def test_case_and_white_space_change_nothing(label: SameLabel, question: str, text: str) -> None:
    assert same_verdict(verdict(label, text, question), verdict(label, loud(text), loud(question)))


@given(LABELS, TEXTS, st.floats(0, 1))
def test_no_threshold_plays_a_part(label: SameLabel, text: str, threshold: float) -> None:
    assert verdict(label, text) == verdict(label, text, similarity=threshold)


@given(QUESTIONS, TEXTS)
def test_no_answer_says_both(question: str, text: str) -> None:
    says(text, question)
