"""The official matching rules by hand; test_tempcompass_official.py has published predictions."""

from __future__ import annotations

import pytest

from video_star.evaluation.benchmarks import tempcompass_official as rules
from video_star.evaluation.benchmarks.tempcompass import match_captioning
from video_star.evaluation.benchmarks.tempcompass_official import UNMATCHED, UNRATED, Match

RIGHT, WRONG = Match(1, True), Match(0, True)
MATCHING = (
    "Which caption matches the video better?\nCaption A: A man jumps.\nCaption B: A man sits."
)
INFORMED = (
    "Write a caption.\nInformation A: {'subject': 'cross', 'order': 'spinning'}\n"
    "Information B: {'subject': 'cross', 'order': \"moving left's way\"}\nGenerated Caption:"
)
CHOICE = "What moves?\nA. moving left\nB. moving left and then growing\nC. growing"


@pytest.mark.parametrize(
    ("prediction", "match"),
    [
        ("C. dunking", RIGHT),
        ("C", RIGHT),
        ("C. something else", RIGHT),
        ("C) dunking", RIGHT),
        ("A", WRONG),
        ("B.", WRONG),
        ("c", UNMATCHED),
        ("(C) dunking", UNMATCHED),
        ("dunking", UNMATCHED),
        ("C dunking", UNMATCHED),
        ("E. flying", UNMATCHED),
        ("", UNMATCHED),
    ],
)
def test_multi_choice(prediction: str, match: Match) -> None:
    assert rules.match_multi_choice(prediction, "C. dunking") == match


@pytest.mark.parametrize(
    ("prediction", "match"),
    [
        ("Yes.", RIGHT),
        ("yes, it is", RIGHT),
        ("No", WRONG),
        ("not sure", WRONG),
        ("It is.", UNMATCHED),
    ],
)
def test_yes_no(prediction: str, match: Match) -> None:
    assert rules.match_yes_no(prediction, "yes") == match


@pytest.mark.parametrize(
    ("prediction", "match"),
    [
        ("Caption A: A man jumps.", RIGHT),
        ("A man jumps.", RIGHT),
        ("1) A man jumps.", RIGHT),
        ("Caption A", RIGHT),
        ("Caption A.", RIGHT),
        ("A", RIGHT),
        ("A.", RIGHT),
        ("Caption B", WRONG),
        ("B.", WRONG),
        ("A man jumps", UNMATCHED),
        ("Caption A: A man sits.", UNMATCHED),
    ],
)
def test_caption_matching(prediction: str, match: Match) -> None:
    assert rules.match_caption(prediction, MATCHING, "Caption A: A man jumps.") == match


GROWN, SPUN = "B. moving left and then growing", "A. spinning"


@pytest.mark.parametrize(
    ("caption", "question", "answer", "right", "match"),
    [
        # A caption decides for the one option that it names,
        ("A red cross is moving left and then growing.", "Caption it.", "A. x", GROWN, RIGHT),
        ("A red cross is Moving Left.", "Caption it.", "A. x", GROWN, WRONG),
        ("A red cross is growing, then moving left.", "Caption it.", "A. x", GROWN, UNRATED),
        ("A red cross is outgrowing others.", "Caption it.", "A. x", GROWN, UNRATED),
        ("A red cross.", "Caption it.", "A. x", GROWN, UNRATED),
        # or for a piece of its own information.
        ("A cross is spinning.", INFORMED, "B. moving left's way", "C. growing", WRONG),
        ("A cross is growing.", INFORMED, "B. moving left's way", "C. growing", RIGHT),
        ("A spinning cross is growing.", INFORMED, "B. moving left's way", "C. growing", RIGHT),
        ("It goes down.", INFORMED, "B. moving left's way", "C. growing", UNRATED),
        ("A cross, spinning.", INFORMED, SPUN, "C. x", RIGHT),
    ],
)
def test_our_own_rule_of_captions(
    caption: str, question: str, answer: str, right: str, match: Match
) -> None:
    assert match_captioning(caption, question, answer, CHOICE, right) == match
