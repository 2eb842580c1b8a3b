"""The leak guard: copies of the prompt and echoes of the hint have a reason of their own."""

from __future__ import annotations

import pytest
from judged_answers import PARAMS

from video_star.core import prompts
from video_star.core.labels import ClassLabel, Label, SameLabel, SpanLabel, label_text
from video_star.core.records import Answer, Origin, Verdict, VideoSample
from video_star.verification import judge_answers, known_of_samples

SAME = "Decide whether [0.1, 0.1, 0.2, 0.2] and [0.5, 0.5, 0.6, 0.6] mark the same object."
TRUE = SameLabel(same=True)


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
    return judge_answers([(sample, answer)], PARAMS, known_of_samples([sample], PARAMS))[0]


@pytest.mark.parametrize(
    "text",
    [
        SAME,
        f"  {SAME.upper()}\n",
        prompts.direct(SAME),
        prompts.direct(SAME, prompts.final_line_request((TRUE,))),
    ],
)
def test_a_copied_prompt_never_passes(text: str) -> None:
    for origin in ("direct", "rationalized"):
        found = verdict(SAME, TRUE, text, origin)  # type: ignore[arg-type]
        assert (found.outcome, found.reason) == ("fail", "copied prompt")


def test_a_question_that_is_repeated_and_answered_is_no_copy() -> None:
    found = verdict(SAME, TRUE, f"{SAME}\nAnswer: same", "direct")
    assert (found.passed, found.reason) == (True, "match")


def test_a_copied_hint_is_an_echo_whatever_its_verdict() -> None:
    for label in (SameLabel(same=False), ClassLabel(name="ice skating")):
        told = prompts.with_label(SAME, label_text((label,)))
        for text in (told, f"{told}\n{prompts.final_line((label,))}"):
            found = verdict(SAME, label, text, "rationalized")
            assert (found.passed, found.reason) == (False, "echo")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Answer: ice skating", "echo"),
        ("The video shows ice skating.", "echo"),
        ("This is the action ice skating.", "echo"),
        ("A woman glides over a frozen lake.\nAnswer: ice skating", "match"),
        ("A man dives.\nAnswer: surfing", "no match"),
    ],
)
def test_an_explanation_has_words_of_its_own(text: str, reason: str) -> None:
    found = verdict("What is this?", ClassLabel(name="ice skating"), text, "rationalized")
    assert found.reason == reason
    assert found.passed == (reason == "match")


def test_an_answer_that_was_not_told_the_label_may_be_short() -> None:
    assert verdict("What is this?", ClassLabel(name="diving"), "diving", "direct").passed
    label = SpanLabel(start=3, end=7.5)
    assert verdict("When does he jump?", label, prompts.final_line((label,)), "direct").passed
