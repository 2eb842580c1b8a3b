"""The verifier of choices, answer by answer, and what holds for any answer at all."""

from __future__ import annotations

from string import ascii_uppercase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telling import NAMES, is_well_formed, loud, same_verdict, spoken, verdict

from video_star.labels import ChoiceLabel, option_line, say
from video_star.verifiers.choices import choose

THINGS = ("the cup", "the box")
MOVES = ("running", "walking", "swimming")
TOWELS = ("put down the towel", "took the towel", "threw the towel", "washed the towel")


@pytest.mark.parametrize(
    "text",
    [
        *("B", "b", "(B)", "B.", "b)", "**B**", r"\boxed{B}", "<answer>B</answer>", "B:", "[B]"),
        *("B) the box", "B. the box", "B - the box", "B the box", "Option B", "Answer: B"),
        *("The answer is B", "THE ANSWER IS B.", "The correct answer is option (B): the box."),
        *("the box", "It is a box.", "The object is the box (B).", "Option 2", "choice two"),
        *("I would choose the second option.", "the latter", "I think B", "Probably B."),
        "I'd go with B.",
        "I pick B because of its shape.",
        "The person takes the box, not the cup.",
        "It's not the cup, it's the box.",
        "Not A but B.",
        "A is wrong, so it must be B.",
        "B rather than A",
        "We can exclude A; thus B.",
        "Is it A? No, B.",
        "B. The person took the box while the cup stayed on the table.",
        "The answer is A. No wait, the answer is B.",
        "Option A: the cup. It is never touched. Option B: the box. The person grabs it. "
        "So the answer is B.",
        "A. the cup\nB. the box\nAnswer: B",
        "A person comes in and takes the box from the shelf.",
    ],
)
def test_the_chosen_option_is_found(text: str) -> None:
    found = verdict(ChoiceLabel(options=THINGS, answer=1), text)
    assert found.passed, found
    assert is_well_formed(found, text)
    assert choose(text, THINGS).option == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A person takes something.", "no choice"),
        ("A man can be seen on a street, it is a sunny day.", "no choice"),
        ("not B", "negated"),
        ("B is incorrect.", "negated"),
        ("The answer is not B.", "negated"),
        ("Is it the box?", "negated"),
        ("B. the cup", "several options"),
        ("The object is the cup (B).", "several options"),
        ("the cup and the box", "several options"),
        ("A or B", "several options"),
        ("Both A and B are possible.", "several options"),
        ("The answer is A or B.", "several options"),
        ("the cup... or maybe the box", "several options"),
        ("A. the cup\nB. the box", "several options"),
        ("The person picks up the box. So A.", "several options"),
        ("I think A. Option B is not right.", "other option"),
        ("A, not B", "other option"),
        ("rather A than B", "other option"),
        ("The answer is B. No wait, the answer is A.", "other option"),
        ("The first one.", "other option"),
        ("C", "no choice"),
        ("The answer is C.", "no choice"),
        ("None of the options is correct.", "no choice"),
        ("e.g. something else", "no choice"),
        ("", "no choice"),
    ],
)
def test_nothing_else_is_taken_for_the_choice(text: str, reason: str) -> None:
    found = verdict(ChoiceLabel(options=THINGS, answer=1), text)
    assert not found.passed
    assert found.reason == reason
    assert is_well_formed(found, text)


@pytest.mark.parametrize(
    ("options", "text", "option"),
    [
        (MOVES, "He swims.", 2),
        (MOVES, "Neither running nor walking: he is swimming.", 2),
        (MOVES, "Walking would look slower, and the man is not running. It is swimming.", 2),
        (MOVES, "A? No. B? No. C? Yes.", 2),
        (MOVES, "B, swimming", None),
        (TOWELS, "They put the towel down.", 0),
        (TOWELS, "The person took the towel and put down the towel.", None),
        (("not moving", "moving left", "moving left and then right"), "It is not moving.", 0),
        (
            ("not moving", "moving left", "moving left and then right"),
            "It is not moving left",
            None,
        ),
        (("not moving", "moving left", "moving left and then right"), "moving left", 1),
        (("yes", "no"), "There is no doubt: yes.", 0),
        (("yes", "no"), "No, it does not.", 1),
        (("left", "right"), "The right answer is A.", 0),
        (("left", "right"), "It moves to the right.", 1),
        (("1", "2", "3"), "There are two cups.", 1),
        (("1", "2", "3"), "12", None),
        (tuple("abcdefghi"), "I do not know.", None),
    ],
)
def test_texts_of_options_are_told_apart(
    options: tuple[str, ...], text: str, option: int | None
) -> None:
    assert choose(text, options).option == option


OPTIONS = st.lists(st.sampled_from(NAMES), min_size=2, max_size=6, unique=True).map(tuple)
LABELS = OPTIONS.flatmap(
    lambda options: st.integers(0, len(options) - 1).map(
        lambda answer: ChoiceLabel(options=options, answer=answer)
    )
)
TEXTS = spoken(*NAMES, *"abcdef", "option", "(b)", "c.")


@given(LABELS)
def test_a_label_that_is_said_passes(label: ChoiceLabel) -> None:
    assert verdict(label, say(label)).passed
    assert verdict(label, label.options[label.answer]).passed
    assert verdict(label, ascii_uppercase[label.answer]).passed


@given(LABELS, st.data())
def test_another_option_that_is_said_does_not_pass(label: ChoiceLabel, data: st.DataObject) -> None:
    others = [i for i in range(len(label.options)) if i != label.answer]
    other = data.draw(st.sampled_from(others))
    assert not verdict(label, option_line(label.options, other)).passed
    assert not verdict(label, f"{ascii_uppercase[label.answer]}. {label.options[other]}").passed


@given(LABELS, st.one_of(st.text(max_size=80), TEXTS))
def test_no_text_makes_the_verifier_raise(label: ChoiceLabel, text: str) -> None:
    assert is_well_formed(verdict(label, text), text)


@given(LABELS, TEXTS)
def test_case_and_white_space_change_nothing(label: ChoiceLabel, text: str) -> None:
    assert same_verdict(verdict(label, text), verdict(label, loud(text)))


@given(LABELS, TEXTS, st.floats(0, 1))
def test_no_threshold_plays_a_part(label: ChoiceLabel, text: str, threshold: float) -> None:
    assert verdict(label, text) == verdict(label, text, similarity=threshold)


@given(OPTIONS, TEXTS)
def test_one_option_is_chosen_at_most(options: tuple[str, ...], text: str) -> None:
    labels = [ChoiceLabel(options=options, answer=i) for i in range(len(options))]
    assert sum(verdict(label, text).passed for label in labels) <= 1


@pytest.mark.parametrize(
    ("question", "options", "text", "option"),
    [
        ("What color is the car?", ("red", "blue"), "The car is behind a red house.", None),
        ("What color is the car?", ("red", "blue"), "The car is a red Ferrari.", 0),
        ("Which object was taken?", THINGS, "There is a box in the room.", None),
        ("Which object was taken?", THINGS, "The box is on the table.", None),
        ("Which object was on the table?", THINGS, "The box was on the table.", 1),
        ("What happens first?", ("a dog barks", "a cat runs"), "The dog barks last.", None),
        ("What did he put down?", THINGS, "He picked up the box.", None),
        ("Where does the ball move?", ("left", "right"), "From left to right.", 1),
        ("How does he move?", MOVES, "He would be running if he were late.", None),
        ("How does he move?", MOVES, "Too slow for running.", None),
        ("What is it?", THINGS, "The box is a wrong answer.", None),
        ("What is it?", THINGS, "All but B.", None),
        ("What is it?", THINGS, "B. Sorry, I meant A.", 0),
        ("What is it?", THINGS, "The answer: A. The other things (B, C and D) are not seen.", 0),
    ],
)
def test_an_option_in_the_background_is_not_chosen(
    question: str, options: tuple[str, ...], text: str, option: int | None
) -> None:
    assert choose(text, options, question).option == option


@pytest.mark.parametrize(
    ("question", "text", "option"),
    [
        ("What does he take last?", "The box first, and at the end he takes the bag.", "bag"),
        ("What does he take first?", "He takes the box and then the bag.", "box"),
        ("What does he take?", "The box is open. It's the bag that he takes.", "bag"),
        ("What does he take?", "She wants the box. What he takes is the bag.", "bag"),
        ("What does he take?", "What he holds is the box. He takes the bag.", None),
        ("What does he not take?", "He takes the box but the bag is never touched.", "bag"),
        ("What does he not take?", "Not the box, the bag.", "bag"),
        ("What does he take?", "He takes the bag because the box is locked.", "bag"),
        ("Why does he stop?", "The box falls because the bag is torn.", None),
        ("What does he take?", "A box -> no, not the box -> the bag", "bag"),
        ("What does he take?", "He takes the bg.", None),
    ],
)
def test_how_an_answer_puts_it_points_out_an_option(
    question: str, text: str, option: str | None
) -> None:
    chosen = choose(text, ("the box", "the bag"), question).option
    assert chosen == (None if option is None else ("box", "bag").index(option))


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("B is what I would choose.", 1),
        ("a) is tempting, but b) is right.", 1),
        ("My answer is the second option, although there is a box.", 1),
        ('{"A": false, "B": true, "C": false}', 1),
        ("A: no, B: yes, C: no", 1),
        ('{"A": true, "B": true, "C": false}', None),
        ("not red, not blue -> C", 2),
        ("My first guess was A, the red one, but it is darker, therefore B.", 1),
        ("B. At first it is red, then it turns blue.", 1),
        ("B. It is red.", None),
        ("yelllow", 2),
    ],
)
def test_a_letter_is_the_verdict_where_it_is_judged(text: str, option: int | None) -> None:
    assert choose(text, ("red", "blue", "yellow")).option == option
