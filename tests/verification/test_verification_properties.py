"""What holds for any answer and any label, of every kind."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_answers import ONE_OF_EACH, OTHERS, judged, verify_params

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
from video_star.core.prompts import final_line
from video_star.verification import Judgement, final_answer

PIECES = (
    *("playing guitar", "guitar", "strumming", "Forward", "2.5 Soms.Pike", "Entry", "cup", "table"),
    *("3", "7.5", "4.2", "65.6", "score", "from", "to", "between", "0:03", "30%", "seconds", "s"),
    *("[0.1, 0.2, 0.5, 0.9]", "(B)", "B.", "a box", "same", "different", "yes", "no", "not", "or"),
    *("The person opens the door.", "maybe", "but", "before", "if", "then", "the", "is", "it"),
    *("Answer:", "<answer>", "</answer>", "<think>", "</think>", "**", '"', ".", ",", ";", "?"),
    *("\n", "<|im_end|>", "</s>", "{", "}", r"\boxed{B}", "The answer is", '{"answer": "same"}'),
)
NEAR = st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join)
"""Texts that come close to an answer."""
WILD = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\ud800\udfff\x00\x1b\u200f\u202e\u05d0\u0645\u0130\u00df\u2028\ufe0f"),
        st.sampled_from("\U0001f600\u274c\u2713\u00bd\u0663\u216b\u00b2<>|{}[]()\\\"'*_:;?.,-0 "),
    ),
    max_size=60,
)
"""Any characters: surrogates, control characters, right to left, emoji, other digits."""
KINDS = pytest.mark.parametrize("label", ONE_OF_EACH, ids=lambda label: label.kind)
FEW = settings(max_examples=15)
THRESHOLDS = {
    "class": ("class_similarity", "class_nearest"),
    "sequence": ("class_similarity",),
    "set": ("class_similarity",),
    "span": ("span_iou",),
    "time": ("time_tolerance",),
    "score": ("score_tolerance",),
    "box": ("box_iou",),
    "text": ("text_agreement",),
}


def check(found: Judgement, text: str) -> None:
    """What holds for every verdict; it can be written to a file."""
    for verdict in found.labels:
        assert 0 <= verdict.score <= 1
        assert verdict.passed == (verdict.outcome == "pass") == (verdict.reason == "match")
        if verdict.place is None:
            assert verdict.extracted is None
        else:
            assert 0 <= verdict.place[0] <= verdict.place[1] <= len(text)
            assert verdict.extracted == text[slice(*verdict.place)]
        json.dumps(verdict.model_dump())


@KINDS
@FEW
@given(st.one_of(WILD, NEAR), st.sampled_from(["", "What happens?", "Are they the same?\nA. a"]))
def test_no_text_makes_a_rule_raise(label: Label, text: str, question: str) -> None:
    check(judged(label, text, question), text)


@KINDS
@FEW
@given(NEAR)
def test_case_and_white_space_change_nothing(label: Label, text: str) -> None:
    loud = f"\t {text.upper()} \n".replace(" ", "  ")
    # Tags and keys are written in one case only by models; the words around them in any.
    for tag in ("<|im_end|>", "</s>", r"\boxed", '{"answer": "same"}'):
        loud = loud.replace(tag.upper().replace(" ", "  "), tag)
    plain = judged(label, text)
    other = judged(label, loud)
    assert (plain.outcome, plain.reason) == (other.outcome, other.reason)


@KINDS
@FEW
@given(NEAR, st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_a_stricter_threshold_lets_nothing_more_through(
    label: Label, text: str, one: float, other: float, line: bool
) -> None:
    text = f"Answer: {text}" if line else text
    for name in THRESHOLDS.get(label.kind, ()):
        strict, loose = sorted((one, other), reverse=not name.endswith("tolerance"))
        strictly = judged(label, text, params=verify_params({name: strict}))
        loosely = judged(label, text, params=verify_params({name: loose}))
        assert loosely.passed or not strictly.passed


NAMES = st.sampled_from(
    (
        *("diving", "surfing", "red chair", "opening a door", "closing a window", "apple pie"),
        *("3.5 Soms.Tuck", "2 Twists", "Inward", "walk inside", "playing guitar", "sit down"),
        *("pour milk", "traffic light", "wash the car", "eating and drinking", "clean and jerk"),
    )
)
TENTHS = st.integers(0, 6000).map(lambda tenths: tenths / 10)
PARTS = st.integers(0, 18).map(lambda part: part / 20)
SENTENCES = st.sampled_from(
    (
        "The person opens the door.",
        "A cat sleeps. A dog runs.",
        "He does not sit.",
        "Two cars stop.",
    )
)


@st.composite
def labels(draw: st.DrawFn) -> Label:
    """A label of any kind whose values survive being written with two decimals."""
    names = draw(st.lists(NAMES, min_size=2, max_size=4, unique=True))
    start, x, y = draw(TENTHS), draw(PARTS), draw(PARTS)
    end = round(start + draw(st.integers(5, 900)) / 10, 1)
    made: tuple[Label, ...] = (
        ClassLabel(name=names[0]),
        SequenceLabel(names=tuple(names)),
        SetLabel(names=tuple(names)),
        SpanLabel(start=start, end=end, duration=draw(st.sampled_from((None, end, end + 9)))),
        TimeLabel(at=start, duration=draw(st.sampled_from((None, start + 1)))),
        ScoreLabel(
            value=draw(st.integers(-100, 2000)) / 10,
            name=draw(st.sampled_from(("score", "difficulty", "final rating"))),
        ),
        BoxLabel(xyxy=(x, y, draw(st.sampled_from((x + 0.1, 1.0))), y + 0.1)),
        TextLabel(text=draw(SENTENCES)),
        ChoiceLabel(options=tuple(names), answer=draw(st.integers(0, len(names) - 1))),
        SameLabel(same=draw(st.booleans())),
    )
    return draw(st.sampled_from(made))


@settings(max_examples=120)
@given(labels())
def test_a_label_in_its_own_words_passes(label: Label) -> None:
    for text in (final_line((label,)), label.say(), f"The answer is {label.say()}."):
        found = judged(label, text)
        check(found, text)
        assert found.passed, (text, found)


@FEW
@given(st.lists(labels(), min_size=2, max_size=3, unique_by=lambda label: label.kind))
def test_several_labels_pass_in_one_final_line(several: list[Label]) -> None:
    line = final_line(tuple(several))
    found = judged(tuple(several), f"Let me think.\n{line}")
    assert found.passed, (line, found)


@KINDS
def test_what_another_label_of_the_kind_says_does_not_pass(label: Label) -> None:
    (other,) = (one for one in OTHERS if one.kind == label.kind)
    for text in (final_line((other,)), other.say()):
        assert not judged(label, text).passed, text


SAID = ("Answer: x", "the Final Answer\n\n", "Correct option is ", "best  choice:", "ANSWER", "İ")


@given(st.lists(st.sampled_from((*PIECES, *SAID, "\n", " ", ". "))).map("".join))
def test_looking_from_the_first_likely_line_on_finds_the_same(text: str) -> None:
    def places(start: int) -> list[tuple[int, int]]:
        return [match.span() for match in final_answer._SAID.finditer(text, start)]

    assert places(final_answer.first_line(text)) == places(0)
