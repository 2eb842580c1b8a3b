"""The leak guard: copies of the prompt and echoes of the hint have a reason of their own."""

from __future__ import annotations

import pytest
from asked import verify_params

from video_star import prompts
from video_star.domain import Answer, Origin, Verdict, VideoSample
from video_star.labels import ClassLabel, Label, SameLabel, label_text
from video_star.verifiers import Case, Known, judge, judge_answer

SAME = "Decide whether [0.1, 0.1, 0.2, 0.2] and [0.5, 0.5, 0.6, 0.6] mark the same object."
PARAMS = verify_params()


def verdict(question: str, label: Label, text: str, origin: Origin) -> Verdict:
    sample = VideoSample(
        id="a/1",
        dataset="a",
        video="a.mp4",
        source_id="1",
        split="train",
        question=question,
        question_template="given",
        labels=(label,),
    )
    answer = Answer(
        sample_id="a/1",
        attempt=0,
        origin=origin,
        prompt_hash="",
        text=text,
        finish_reason="stop",
        n_tokens=1,
        seed=0,
    )
    return judge_answer(sample, answer, PARAMS, Known.of([sample], PARAMS))


@pytest.mark.parametrize("text", [SAME, prompts.direct(SAME), f"  {SAME.upper()}\n"])
def test_a_copied_prompt_never_passes(text: str) -> None:
    found = verdict(SAME, SameLabel(same=True), text, "direct")
    assert (found.passed, found.reason) == (False, "copied prompt")
    case = Case(text, SAME, (SameLabel(same=True),))
    assert judge(case, PARAMS, Known.of([], PARAMS)).reason == "copied prompt"


def test_a_question_that_is_repeated_and_answered_is_no_copy() -> None:
    found = verdict(SAME, SameLabel(same=True), f"{SAME} They are the same.", "direct")
    assert (found.passed, found.reason) == (True, "match")


def test_a_copied_hint_is_an_echo_whatever_its_verdict() -> None:
    for label in (SameLabel(same=False), ClassLabel(name="ice skating")):
        told = prompts.with_label(SAME, label_text((label,)))
        found = verdict(SAME, label, told, "rationalized")
        assert (found.passed, found.reason) == (False, "echo")


def test_an_explanation_that_names_the_wrong_thing_is_no_echo() -> None:
    found = verdict("What is this?", ClassLabel(name="surfing"), "A man dives.", "rationalized")
    assert found.reason == "no match"
