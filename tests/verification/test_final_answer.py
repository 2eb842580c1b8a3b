"""Where an answer says its final answer: the forms, thoughts, special tokens, contradictions."""

from __future__ import annotations

import pytest
from judged_answers import ONE_OF_EACH, judged, outcome

from video_star.core.labels import ChoiceLabel, ClassLabel, ScoreLabel, SetLabel, SpanLabel
from video_star.verification.final_answer import read

GUITAR = ClassLabel(name="playing guitar")
CHOICE = ChoiceLabel(options=("a cup", "a box", "a chair"), answer=1)


def finals(text: str) -> list[str]:
    """The final answers of a text, whose places are checked."""
    reading = read(text)
    for said in (*reading.finals, reading.visible):
        start, end = said.start, said.end
        assert len(text[start:end]) == len(said.text)
    return [said.text for said in reading.finals]


@pytest.mark.parametrize(
    "text",
    [
        "Answer: playing guitar",
        "answer : playing guitar",
        "ANSWER:\nplaying guitar",
        "Final answer: playing guitar",
        "Final Answer: **playing guitar**",
        "**Answer:** playing guitar",
        "### Answer:\n\nplaying guitar",
        "He sits. He strums.\nAnswer: playing guitar",
        "The answer is playing guitar",
        "So the correct answer is: playing guitar",
        "The best answer would be playing guitar",
        "## Final Answer\n\nplaying guitar",
        "<answer>The answer is playing guitar</answer>",
        r"\boxed{Answer: playing guitar}",
        "Answer: playing guitar!",
        "Let us look at the answer choices:\nriding a bike\nAnswer: playing guitar",
        "The answer to the question is playing guitar",
        "<answer>playing guitar</answer>",
        "<answer> playing guitar </answer>",
        "<answer>playing guitar",
        "He sits down. <ANSWER>playing guitar</ANSWER>",
        r"\boxed{playing guitar}",
        r"So $\boxed{\text{playing guitar}}$",
        '{"answer": "playing guitar"}',
        '{"reason": "a man sits", "final_answer": "playing guitar"}',
        '```json\n{"answer": "playing guitar", "sure": true}\n```',
        "A man sits on a chair. He is **playing guitar** there.",
        "<|begin_of_box|>playing guitar<|end_of_box|>",
        "Let me see. <|begin_of_box|>playing guitar",
    ],
)
def test_each_form_of_a_final_answer_is_found(text: str) -> None:
    assert [said.strip("{}") for said in finals(text)] == ["playing guitar"]
    assert outcome(GUITAR, text) == "pass"


@pytest.mark.parametrize(
    "text",
    [
        "A man is playing guitar.",
        "playing guitar",
        "He answers the phone.",
        "The answer is not known.",
        "The answer is based on the frames.",
        "It is **one** or **two**.",
        "**Scene**: a man is playing guitar.",
        "For each option: a man is playing guitar.",
        "",
    ],
)
def test_a_text_without_one_is_read_as_a_whole(text: str) -> None:
    assert finals(text) == []
    assert not judged(GUITAR, text).has_line


@pytest.mark.parametrize(
    "text",
    [
        "<think>Is it playing drums? Answer: playing drums</think>Answer: playing guitar",
        "<thinking>\nplaying drums\n</thinking>\nplaying guitar",
        "<think>It may be drums.</think>\n\nThis is playing guitar.",
        "It may be drums. Answer: playing drums</think>playing guitar",
        "<think>a</think><think>b</think>playing guitar",
        "\u25c1think\u25b7playing drums\u25c1/think\u25b7playing guitar",
        "[THINK]playing drums[/THINK]playing guitar",
    ],
)
def test_thoughts_are_taken_off(text: str) -> None:
    assert outcome(GUITAR, text, others=("playing drums",)) == "pass"


def test_a_thought_that_never_ends_is_no_answer() -> None:
    assert outcome(GUITAR, "<think>This is playing guitar. Answer: playing guitar") == "fail"


@pytest.mark.parametrize(
    "token",
    [
        *("</s>", "<s>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end|>", "<end_of_turn>"),
        *(
            "<eos>",
            "<pad>",
            "<end_of_utterance>",
            "[/INST]",
            "<\uff5cend\u2581of\u2581sentence\uff5c>",
        ),
    ],
)
def test_special_tokens_are_taken_off(token: str) -> None:
    for text in (f"Answer: playing guitar{token}", f"playing guitar{token}{token}"):
        found = judged(GUITAR, text)
        assert (found.outcome, found.labels[0].extracted) == ("pass", "playing guitar")
    assert outcome(CHOICE, f"B{token}") == "pass"


def test_places_are_those_of_the_answer() -> None:
    text = "<think>Hm.</think> **Note**: two\nAnswer: **playing guitar**</s>"
    place = judged(GUITAR, text).labels[0].place
    assert place is not None
    assert text[slice(*place)] == "playing guitar"
    text = "From the start.\nAnswer: from 3.0 to 7.5 seconds."
    found = judged(SpanLabel(start=3, end=7.5), text).labels[0]
    assert found.place is not None
    assert text[slice(*found.place)] == found.extracted == "3.0 to 7.5 seconds"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Answer: B. Wait, no.\nAnswer: A", "doubtful"),
        ("Answer: A\nAnswer: B", "doubtful"),
        ("Answer: A, or rather, final answer: B", "doubtful"),
        ("Answer: B\nAnswer: B", "pass"),
        ("<answer>A</answer> <answer>B</answer>", "doubtful"),
        (r"\boxed{A} and \boxed{B}", "doubtful"),
        ("\n".join(f"Answer: {letter}" for letter in "ABABCDEFGHIJ"), "doubtful"),
    ],
)
def test_two_different_final_answers_are_doubtful(text: str, expected: str) -> None:
    assert outcome(CHOICE, text) == expected


def test_a_final_answer_that_its_reasoning_contradicts_is_doubtful() -> None:
    span = SpanLabel(start=3, end=7.5)
    text = "It happens from 11 to 19 seconds.\nAnswer: 3.0 - 7.5 seconds"
    found = judged(span, text)
    assert (found.outcome, found.reason) == ("doubtful", "contradicted")
    assert outcome(span, text.replace("11 to 19", "3 to 8")) == "pass"
    found = judged(GUITAR, "This is juggling balls.\nAnswer: playing guitar", others=("juggling",))
    assert (found.outcome, found.reason) == ("doubtful", "contradicted")


def test_a_final_answer_that_its_reasoning_denies_is_doubtful() -> None:
    assert outcome(GUITAR, "He is not playing guitar.\nAnswer: playing guitar") == "doubtful"
    things = SetLabel(names=("cup", "table"))
    assert outcome(things, "There is no cup on the table.\nAnswer: cup, table") == "doubtful"


def test_a_final_answer_may_be_a_list_on_the_lines_below() -> None:
    things = SetLabel(names=("cup", "table"))
    assert outcome(things, "Answer:\n- cup\n- table\n\nBoth are brown.") == "pass"
    assert outcome(things, "The answer is:\n1. **Cup**\n2. **Chair**") == "fail"


@pytest.mark.parametrize("label", ONE_OF_EACH, ids=lambda label: label.kind)
def test_half_a_character_is_no_error(label: object) -> None:
    assert outcome(label, "bad \ud800 a") in ("fail", "doubtful")


def test_a_final_line_decides_whatever_stands_before() -> None:
    scene = SetLabel(names=("cup", "table"))
    assert outcome(scene, "A cup stands on a table. Answer: a dog.") == "fail"
    assert outcome(scene, "A dog stands there. Answer: a cup, a table") == "pass"
    assert outcome(GUITAR, "He is playing guitar.\nAnswer: a dog", others=("juggling",)) != "pass"
    people = ScoreLabel(value=3)
    assert outcome(people, "There are 3 people.\nAnswer: 3") == "pass"
    assert outcome(people, "There are 3 people.\nAnswer: a dog") == "fail"
    assert outcome(CHOICE, "I first thought of A.\nAnswer: B") == "pass"


@pytest.mark.parametrize(
    "text",
    [
        "Neither sentence mentions taking a right turn.",
        "The car may be taking a right turn.",
        "Is the car taking a right turn? It is parked.",
        "The car is not taking a right turn.",
        "I cannot tell whether the car is taking a right turn.",
        "If the car were taking a right turn, it would slow down.",
        "It looked like taking a right turn, but the car goes straight on.",
        'A sign says "no taking a right turn here".',
    ],
)
def test_denial_and_hedging_without_a_final_line_are_doubtful(text: str) -> None:
    assert outcome(ClassLabel(name="taking a right turn"), text) == "doubtful"


def test_a_final_answer_may_be_denied_as_well() -> None:
    assert outcome(GUITAR, "Answer: not playing guitar") == "doubtful"
    assert outcome(GUITAR, "Answer: maybe playing guitar") == "doubtful"


@pytest.mark.parametrize("label", ONE_OF_EACH, ids=lambda label: label.kind)
@pytest.mark.parametrize("text", ["", " \n", "Answer:", "Answer: ", "<answer></answer>", "</s>"])
def test_an_empty_answer_fails(label: object, text: str) -> None:
    assert outcome(label, text) == "fail"  # type: ignore[arg-type]
