"""Sentences as labels: a paraphrase passes, and what only sounds alike does not."""

from __future__ import annotations

import pytest
from judged_answers import embed, judged, outcome, verify_params

from video_star.core.labels import TextLabel
from video_star.core.labels.text import contradiction
from video_star.core.labels.words import Said

DOOR = "The person opens the door."
ELEPHANT = "An elephant drinks from the river."


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (DOOR, "The person opens the door."),
        (DOOR, "Answer: a man is opening a door"),
        (DOOR, "First he sits on a chair. Later a man is opening a door."),
        (DOOR, "Somebody opened the door and went out."),
        (ELEPHANT, "A large elephant is drinking water at a river."),
        ("The ball rolls from left to right.", "A ball is rolling from the left to the right."),
        ("Two cars stop.", "The two cars come to a stop."),
        ("He opens the door. He sits on a chair.", "He sits on a chair. He opens a door."),
        ("The person does not open the door.", "The person never opens the door."),
    ],
)
def test_a_paraphrase_passes(label: str, text: str) -> None:
    found = judged(TextLabel(text=label), text).labels[0]
    assert found.passed, found
    assert found.place is not None
    assert found.extracted == text[slice(*found.place)]


@pytest.mark.parametrize(
    ("label", "text", "expected"),
    [
        (ELEPHANT, "A cow stands in a meadow.", "fail"),
        ("an elephant", "a cow", "fail"),
        ("an elephant", "Answer: a cow", "fail"),
        (DOOR, "A dog runs over the beach.", "fail"),
        (DOOR, " ... !", "fail"),
        (DOOR, "", "fail"),
        (DOOR, "The person does not open the door.", "doubtful"),
        (DOOR, "Nobody opens the door.", "doubtful"),
        (DOOR, "The person closes the door.", "doubtful"),
        ("Two cars stop.", "Three cars stop.", "doubtful"),
        ("He waits for 5 seconds.", "He waits for 9 seconds.", "doubtful"),
        ("The ball rolls from left to right.", "The ball rolls from right to left.", "doubtful"),
        ("The car turns left.", "The car turns right.", "doubtful"),
        ("Then Ann Lee opens the door.", "Then Eva Kim opens the door.", "doubtful"),
        (DOOR, "Perhaps the person opens the door.", "doubtful"),
        (DOOR, "Does the person open the door?", "doubtful"),
        ("The lift goes up.", "The lift goes down.", "doubtful"),
    ],
)
def test_another_event_or_its_opposite_does_not(label: str, text: str, expected: str) -> None:
    assert outcome(TextLabel(text=label), text) == expected


@pytest.mark.parametrize(
    ("one", "other", "problem"),
    [
        (DOOR, "The person opens the door slowly.", ""),
        (DOOR, "The person doesn't open the door.", "negated"),
        ("It never stops.", "It does not stop.", ""),
        ("He has 2 cups.", "He has two cups.", ""),
        ("He has 2 cups.", "He has 3 cups.", "other number"),
        ("From top to bottom.", "From bottom to top.", "other direction"),
        ("From top to bottom.", "From top to bottom.", ""),
    ],
)
def test_what_makes_two_sentences_opposites(one: str, other: str, problem: str) -> None:
    assert contradiction(Said(one), Said(other)) == problem
    assert contradiction(Said(other), Said(one)) == problem


def test_words_that_the_question_gives_say_nothing() -> None:
    label = TextLabel(text="The woman puts the red cup on the shelf.")
    question = "Where does the woman put the red cup?"
    assert outcome(label, "She puts it on the shelf.", question) == "pass"
    assert outcome(label, "The woman holds the red cup.", question) != "pass"


def test_a_looser_threshold_lets_more_through() -> None:
    text = "Someone stands near an entrance."
    strict, loose = verify_params({"text_agreement": 0.9}), verify_params({"text_agreement": 0.0})
    assert not judged(TextLabel(text=DOOR), text, params=strict).passed
    assert judged(TextLabel(text=DOOR), text, params=loose).passed


def test_embeddings_have_length_one() -> None:
    vectors = embed()([DOOR, ELEPHANT])
    assert vectors.shape[0] == 2
    assert (vectors**2).sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
