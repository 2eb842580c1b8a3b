"""What the tests of several verifiers share: judging one text, and texts for property tests."""

from __future__ import annotations

from asked import verify_params
from hypothesis import strategies as st

from video_star.domain import LabelVerdict
from video_star.labels import Label
from video_star.verifiers import VERIFIERS, Case, Known
from video_star.verifiers.classes import ClassIndex

_SMALL = (
    *("the", "is", "it", "not", "no", "or", "and", "then", "before", "after", "if", "but", "so"),
    *("answer", "would", "like", ".", ",", "?", ":"),
)
NOTHING_KNOWN = Known(ClassIndex.of(()))


def verdict(
    label: Label, text: str, question: str = "", similarity: float = 0.85, hedge: bool = False
) -> LabelVerdict:
    """One answer judged by the verifier of its label's kind."""
    params = verify_params({"class_similarity": similarity}, allow_hedge=hedge)
    return VERIFIERS[label.kind](label, Case(text, question, (label,)), params, NOTHING_KNOWN)


def same_verdict(one: LabelVerdict, other: LabelVerdict) -> bool:
    """Whether two verdicts agree on everything but the text and its place."""
    return (one.passed, one.reason, one.score) == (other.passed, other.reason, other.score)


def is_well_formed(found: LabelVerdict, text: str) -> bool:
    """Whether a verdict holds together: score, reason, and the place of what was extracted."""
    placed = found.place is None or found.extracted == text[found.place[0] : found.place[1]]
    return 0 <= found.score <= 1 and found.passed == (found.reason == "match") and placed


def spoken(*parts: str) -> st.SearchStrategy[str]:
    """Texts made of the given words and of the small words and marks that verifiers look at."""
    small = [
        "the",
        "is",
        "it",
        "not",
        "no",
        "or",
        "and",
        "then",
        "before",
        "after",
        "if",
        "but",
        "so",
        "answer",
        "would",
        "like",
    ]
    return st.lists(st.sampled_from([*parts, *small, ".", ",", "?", ":"]), max_size=14).map(
        " ".join
    )


def loud(text: str) -> str:
    """The same text in capitals and with other white space."""
    return f" \t{text.upper()}\n".replace(" ", " \n ")


NAMES = (
    *("diving", "surfing", "cup", "red chair", "open the door", "close the window", "apple pie"),
    *("3.5 Soms.Tuck", "2 Twists", "Entry", "Inward", "walk inside", "jump", "playing guitar"),
    *("pour milk", "sit down", "backpack", "traffic light", "wash the car", "read a book"),
)
"""Names of which none is a part of another one."""
