"""Cases of numeric labels judged alone, and texts to draw answers from."""

from __future__ import annotations

from hypothesis import strategies as st

from video_star.domain import LabelVerdict
from video_star.labels import BoxLabel, ScoreLabel, SpanLabel, TimeLabel
from video_star.params import VerifyParams
from video_star.verifiers.base import Case, Known
from video_star.verifiers.boxes import verify_box
from video_star.verifiers.classes import ClassIndex
from video_star.verifiers.scores import verify_score
from video_star.verifiers.times import verify_span, verify_time

Numeric = SpanLabel | TimeLabel | ScoreLabel | BoxLabel
KNOWN = Known(ClassIndex.of([]))

SPAN = SpanLabel(start=3, end=7, duration=10)
TIME = TimeLabel(at=4.2, duration=10)
SCORE = ScoreLabel(value=65.6, low=0, high=114.8)
BOX = BoxLabel(xyxy=(0.1, 0.2, 0.5, 0.9))
LABELS: tuple[Numeric, ...] = (SPAN, TIME, SCORE, BOX)
LIMITS = {
    "span": "span_iou",
    "time": "time_tolerance",
    "score": "score_tolerance",
    "box": "box_iou",
}
"""The threshold of each kind."""

PIECES = (
    *("3", "7", "4.2", "0.4", "65.6", "70", "0:03", "0:07", "30%", "half", "a third", "the end"),
    *("from", "to", "between", "and", "or", "not", "until", "starts at", "ends at", "at", "is"),
    *("seconds", "s", "points", "score", "the score", "difficulty", "out of 100", "so", "actually"),
    *("[0.1, 0.2, 0.5, 0.9]", "(0.1, 0.2)", "(0.5, 0.9)", "top-left", "bottom-right", "x1=0.1"),
    *(".", ",", "?", ":", "-", "[", "]", "first", "last", "second", "the video", "he jumps", "if"),
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join)
"""Answers that come close to saying something."""


def judged(
    label: Numeric, text: str, params: VerifyParams, question: str = "When does the man jump?"
) -> LabelVerdict:
    """One label against one answer."""
    case = Case(text, question, (label,))
    match label:
        case SpanLabel():
            return verify_span(label, case, params, KNOWN)
        case TimeLabel():
            return verify_time(label, case, params, KNOWN)
        case ScoreLabel():
            return verify_score(label, case, params, KNOWN)
        case BoxLabel():
            return verify_box(label, case, params, KNOWN)


def check_place(found: LabelVerdict, text: str) -> None:
    """What holds for every verdict."""
    assert 0 <= found.score <= 1
    assert found.passed == (found.reason == "match")
    if found.place is None:
        assert found.extracted is None
        assert not found.passed
    else:
        assert found.extracted == text[found.place[0] : found.place[1]]
