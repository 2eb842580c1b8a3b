"""What holds for the verifiers of spans, times, scores and boxes on any answer at all."""

from __future__ import annotations

import time

import pytest
from asked import verify_params
from hypothesis import given
from hypothesis import strategies as st
from numeric import LABELS, LIMITS, TEXTS, Numeric, check_place, judged

from video_star.labels import BoxLabel, ScoreLabel, SpanLabel, TimeLabel, say
from video_star.verifiers import VERIFIERS

PARAMS = verify_params()
SECONDS = 20.0
"""Most that one answer of 100 kB may take; it takes one or two on a slow core."""
SIZE = 100_000
TENTHS = st.integers(0, 6000).map(lambda tenths: tenths / 10)


@st.composite
def labels(draw: st.DrawFn) -> Numeric:
    """Valid labels whose values survive being written with two decimals."""
    kind = draw(st.sampled_from(("span", "time", "score", "box")))
    if kind == "span":
        start = draw(TENTHS)
        end = round(start + draw(st.integers(2, 900)) / 10, 1)
        return SpanLabel(start=start, end=end, duration=draw(st.sampled_from((None, end, end + 9))))
    if kind == "time":
        at = draw(TENTHS)
        return TimeLabel(at=at, duration=draw(st.sampled_from((None, at + 1))))
    if kind == "score":
        value = draw(st.integers(-100, 2000)) / 10
        name = draw(st.sampled_from(("score", "difficulty", "rating", "final score", "speed")))
        ends = (-10.0, 200.0) if draw(st.booleans()) else (None, None)
        return ScoreLabel(value=value, low=ends[0], high=ends[1], name=name)
    x1, y1 = (draw(st.integers(0, 90)) / 100 for _ in range(2))
    x2, y2 = (draw(st.integers(round(a * 100) + 5, 100)) / 100 for a in (x1, y1))
    return BoxLabel(xyxy=(x1, y1, x2, y2))


@given(labels())
def test_a_label_in_words_passes_its_own_verifier(label: Numeric) -> None:
    text = say(label)
    found = judged(label, text, PARAMS)
    assert found.passed, (text, found)
    assert judged(label, f"The answer is {text}.", PARAMS).passed, text


@given(st.sampled_from(LABELS), st.one_of(st.text(max_size=60), TEXTS))
def test_no_text_makes_a_verifier_raise(label: Numeric, text: str) -> None:
    check_place(judged(label, text, PARAMS), text)


@given(st.sampled_from(LABELS), TEXTS)
def test_case_and_white_space_change_nothing(label: Numeric, text: str) -> None:
    plain = judged(label, text, PARAMS)
    loud = judged(label, f"\n {text.upper()} ".replace(" ", " \n "), PARAMS)
    assert (plain.passed, plain.reason, plain.score) == (loud.passed, loud.reason, loud.score)


@given(st.sampled_from(LABELS), TEXTS, st.floats(0, 1), st.floats(0, 1))
def test_a_looser_threshold_never_rejects_what_a_stricter_one_accepts(
    label: Numeric, text: str, one: float, other: float
) -> None:
    name = LIMITS[label.kind]
    strict, loose = sorted((one, other), reverse=name.endswith("iou"))
    strictly = judged(label, text, verify_params({name: strict}))
    loosely = judged(label, text, verify_params({name: loose}))
    assert loosely.passed or not strictly.passed
    assert strictly.score == loosely.score


@pytest.mark.parametrize("label", LABELS, ids=lambda label: label.kind)
@pytest.mark.parametrize(
    "piece",
    [
        *("1", "1.", "1 ", "1,", "1:", "0:03 ", "[", "[1,", "-", " ", "\n", "\u00bd", "not 5 "),
        *("from 3 to 7 s, ", "from 3 to 7 s. ", "score 5 ", "[0.1, 0.2, 0.5, 0.9] ", "x ", "top "),
        *("(0.1, 0.2) ", "x1=0.1, ", "center ", "1 hour ", "starts at 2 s ", "seven hundred "),
    ],
)
def test_a_long_answer_takes_linear_time(label: Numeric, piece: str) -> None:
    text = piece * (SIZE // len(piece))
    start = time.process_time()
    judged(label, text, PARAMS)
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("label", LABELS, ids=lambda label: label.kind)
def test_every_verifier_is_in_the_table(label: Numeric) -> None:
    text = say(label)
    found = judged(label, text, PARAMS)
    assert label.kind in VERIFIERS
    assert found.kind == label.kind
    assert found.version >= 1
    assert found.verifier
