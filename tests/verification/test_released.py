"""What the authors' released code accepts, its documented defects among it."""

from __future__ import annotations

import pytest
from judged_answers import judged, verify_params

from video_star.core.labels import (
    BoxLabel,
    ChoiceLabel,
    ClassLabel,
    Label,
    SameLabel,
    ScoreLabel,
    SequenceLabel,
    SetLabel,
    SpanLabel,
    TextLabel,
    TimeLabel,
)

RELEASED = verify_params(method="released")


def passes(label: Label, text: str) -> bool:
    found = judged(label, text, params=RELEASED)
    assert found.labels[0].verifier == f"released/{label.kind}"
    return found.passed


GUITAR = ClassLabel(name="playing guitar", synonyms=("strumming",))
SPAN = SpanLabel(start=3, end=7.5, duration=10)


@pytest.mark.parametrize(
    ("label", "text", "passed"),
    [
        (GUITAR, "A man is playing the guitar.", True),
        (GUITAR, "A man is strumming.", True),
        (GUITAR, "A man is playing the piano.", False),
        (ClassLabel(name="to do it"), "A dog.", True),
        (GUITAR, "He is not playing guitar.", True),
        (GUITAR, "The guitar is near; he is playing chess.", True),
        (ClassLabel(name="left to right"), "from right to left", True),
        (SetLabel(names=("cup", "table")), "A table without a cup.", True),
        (SetLabel(names=("cup", "table")), "A table.", False),
        (ChoiceLabel(options=("red cup", "blue box"), answer=0), "A blue box, no red cup.", True),
        (ChoiceLabel(options=("red cup", "blue box"), answer=0), "A", False),
        (SPAN, "from 3 to 7 seconds", True),
        (SPAN, "from 0 to 10 seconds", False),
        (SPAN, "from 1 to 9, no: from 3 to 7", True),
        (SpanLabel(start=0, end=10, duration=10), "from 0 to 10 seconds", False),
        (SPAN, "at 3 seconds", False),
        (TimeLabel(at=4, duration=10), "Of 7 men one falls at 4.5 seconds", True),
        (TimeLabel(at=4, duration=10), "at 4 seconds he is 9", False),
        (TimeLabel(at=4), "never", False),
        (ScoreLabel(value=65.6), "It has 3 turns, 70 points, 9 judges.", True),
        (ScoreLabel(value=65.6), "It has 3 turns.", False),
        (ScoreLabel(value=65.6), "no number", False),
        (ScoreLabel(value=0), "0", False),
        (BoxLabel(xyxy=(0.4, 0.4, 0.6, 0.6)), "[0.4, 0.4, 0.6, 0.6]", True),
        (BoxLabel(xyxy=(0.4, 0.4, 0.6, 0.6)), "(0.4, 0.4, 0.6, 0.6)", False),
        (BoxLabel(xyxy=(0.4, 0.4, 0.5, 0.5)), "[0.45, 0.45, 0.5, 0.5]", True),
        (SameLabel(same=True), "I think they are the same.", True),
        (SameLabel(same=True), "They are not the same.", False),
        (SameLabel(same=False), "They are not the same.", True),
        (SameLabel(same=False), "They are different.", False),
        (TextLabel(text="The person opens the door."), "A person does not open the door.", True),
        (TextLabel(text="The person opens the door."), "A dog runs.", False),
        (TextLabel(text="The person opens the door."), "", False),
    ],
    ids=lambda value: value.kind if hasattr(value, "kind") else None,
)
def test_the_released_rules_accept(label: Label, text: str, passed: bool) -> None:
    assert passes(label, text) is passed


def test_sentences_of_a_sequence_must_not_go_backwards() -> None:
    steps = SequenceLabel(names=("open the door", "sit down on the chair"))
    assert passes(steps, "He opens a door. He sits on a chair.")
    assert not passes(steps, "He sits on a chair. He opens a door.")
    assert not passes(steps, "The stock market fell.")


def test_what_it_accepts_is_never_doubtful() -> None:
    assert judged(GUITAR, "maybe playing guitar", params=RELEASED).outcome == "pass"
    assert judged(GUITAR, "Is he playing drums?", params=RELEASED).outcome == "fail"
