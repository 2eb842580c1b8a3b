"""The verifier of class labels, answer by answer, and what holds for any answer at all."""

from __future__ import annotations

import pytest
from asked import verify_params
from hypothesis import given
from hypothesis import strategies as st

from video_star.domain import LabelVerdict
from video_star.labels import ClassLabel
from video_star.params import VerifyParams
from video_star.verifiers.classes import ClassIndex, verify_class
from video_star.verifiers.echo import is_echo

NAMES = (
    "diving",
    "surfing",
    "surfing crowd",
    "eating apple",
    "eating apple pie",
    "doing push ups",
    "waltzing",
    "air drumming",
    "playing guitar",
)
LABELS = {name: ClassLabel(name=name) for name in NAMES}
LABELS["doing push ups"] = ClassLabel(name="doing push ups", synonyms=("press-ups",))
INDEX = ClassIndex.of(LABELS.values())


def params(similarity: float = 0.85, hedge: bool = False) -> VerifyParams:
    return verify_params({"class_similarity": similarity}, allow_hedge=hedge)


def verdict(name: str, text: str, similarity: float = 0.85, hedge: bool = False) -> LabelVerdict:
    label = LABELS[name]
    return verify_class(label, text, [label], params(similarity, hedge), INDEX)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("diving", "The person is diving."),
        ("diving", "DIVING"),
        ("diving", "First he climbs up, then he dives. So this is diving."),
        ("diving", "There is no doubt that this is diving."),
        ("diving", "It is not surfing, it is diving."),
        ("diving", "This is diving rather than surfing."),
        ("eating apple pie", "She eats a pie made of apple; she is eating apple pie."),
        ("doing push ups", "A man does pushups on the floor."),
        ("doing push ups", "He is doing press-ups."),
        ("air drumming", "Someone is drumming in the air."),
        ("playing guitar", "The man is playing an old guitar."),
        ("air drumming", "This is air druming."),
        ("surfing", "He surfs."),
        ("surfing", "They surfed all day."),
        ("waltzing", "The couple waltzes."),
        ("eating apple", "She ate two apples."),
        ("eating apple", "The apple is eaten."),
        ("eating apple", "She picks up an apple and eats it."),
        ("eating apple", "She eats a pear and an apple."),
        ("doing push ups", "He does push-ups."),
        ("playing guitar", "There is a guitar. Is he playing the guitar? Yes."),
        ("playing guitar", "He is playing the guitar, isn't he?"),
        ("diving", "It could be surfing. The answer is diving."),
        ("diving", "At first I thought it was surfing, but it is diving."),
        ("diving", "This is nothing other than diving."),
    ],
)
def test_a_name_that_is_said_passes(name: str, text: str) -> None:
    found = verdict(name, text)
    assert found.passed, found
    assert found.place is not None
    assert found.extracted == text[found.place[0] : found.place[1]]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("diving", "", "no match"),
        ("diving", "The person is swimming.", "no match"),
        ("diving", "It is not diving.", "negated"),
        ("diving", "This isn't diving at all.", "negated"),
        ("diving", "The person is surfing instead of diving.", "negated"),
        ("diving", "Diving? No, something else.", "negated"),
        ("diving", "This is either diving or surfing.", "several classes"),
        ("surfing", "The wave is surging.", "no match"),
        ("eating apple", "She is eating apple pie.", "other class"),
        ("eating apple pie", "She is eating an apple.", "no match"),
        ("playing guitar", "The man holds a guitar.", "no match"),
        ("playing guitar", "The man holds a guitar and is playing chess.", "no match"),
        ("playing guitar", "The man is playing chess next to a guitar.", "no match"),
        ("playing guitar", "The guitarist is playing.", "no match"),
        ("surfing", "The water is surfaced.", "no match"),
        ("diving", "Is this diving?", "asked"),
        ("diving", "If he were diving, there would be water.", "supposed"),
        ("diving", "I thought it was diving, but it is something else.", "supposed"),
        ("diving", "It looks like diving, but it is actually falling.", "supposed"),
        ("diving", "This is diving or something else.", "hedged"),
        ("diving", "He is diving and surfing.", "several classes"),
        ("diving", "He dives in, diving deep. The answer is: swimming.", "other answer"),
        ("diving", "Nobody is diving.", "negated"),
        ("diving", "Diving can be ruled out.", "negated"),
        ("diving", "I doubt that this is diving.", "negated"),
        ("diving", "There is no sign in any part of this clip that he is diving.", "negated"),
        ("diving", "It is not, as one may think, diving.", "negated"),
    ],
)
def test_a_name_that_is_not_said_fails_for_its_reason(name: str, text: str, reason: str) -> None:
    found = verdict(name, text)
    assert not found.passed
    assert found.reason == reason


def test_a_hedge_passes_only_when_it_is_allowed() -> None:
    text = "This is either diving or surfing."
    assert not verdict("diving", text).passed
    assert verdict("diving", text, hedge=True).passed


def test_a_similarity_just_below_the_threshold_is_rejected() -> None:
    score = verdict("air drumming", "This is air druming.").score
    assert 0.85 < score < 1
    assert verdict("air drumming", "This is air druming.", score).passed
    assert not verdict("air drumming", "This is air druming.", score + 1e-6).passed


def test_a_name_that_denies_something_is_found_with_its_denial() -> None:
    label = ClassLabel(name="person not moving")
    index = ClassIndex.of([label])
    said = verify_class(label, "The person is not moving.", [label], params(), index)
    unsaid = verify_class(label, "The person is moving.", [label], params(), index)
    assert said.passed
    assert not unsaid.passed


def test_a_second_label_of_the_sample_is_no_rival() -> None:
    both = [LABELS["diving"], LABELS["surfing"]]
    for label in both:
        assert verify_class(label, "They are diving and surfing.", both, params(), INDEX).passed


def test_a_part_of_an_own_longer_name_is_no_rival() -> None:
    assert verdict("surfing crowd", "They are surfing the crowd.").passed


@given(st.sampled_from(NAMES), st.text(max_size=80))
def test_no_text_makes_the_verifier_raise(name: str, text: str) -> None:
    found = verdict(name, text)
    assert 0 <= found.score <= 1
    assert found.passed == (found.reason == "match")
    if found.place is not None:
        assert found.extracted == text[found.place[0] : found.place[1]]


SAID = (
    *("it", "is", "not", "diving", "surfing", "eating", "apple", "pie", "or", "the", "man"),
    *("then", "rather", "than", "waltzing", ".", ","),
)
WORDS = st.lists(st.sampled_from(SAID), max_size=12).map(" ".join)


@given(st.sampled_from(NAMES), WORDS)
def test_case_and_white_space_change_nothing(name: str, text: str) -> None:
    plain, loud = verdict(name, text), verdict(name, f"  {text.upper()}\n".replace(" ", "  "))
    assert (plain.passed, plain.reason, plain.score) == (loud.passed, loud.reason, loud.score)


@given(st.sampled_from(NAMES), WORDS, st.floats(0, 1), st.floats(0, 1))
def test_a_lower_threshold_never_rejects_what_a_higher_one_accepts(
    name: str, text: str, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert verdict(name, text, low).passed or not verdict(name, text, high).passed


@given(st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_only_the_named_class_passes(said: str, asked: str) -> None:
    assert verdict(asked, f"This is {said}.").passed == (said == asked)


@pytest.mark.parametrize(
    ("text", "echo"),
    [
        ("The answer is: diving.", True),
        ("This is diving.", True),
        ("What is happening in this video? The answer is: diving. Explain step by step.", True),
        ("A person jumps from a board into the water. This is diving.", False),
    ],
)
def test_an_answer_that_adds_nothing_to_the_hint_is_an_echo(text: str, echo: bool) -> None:
    assert is_echo("What is happening in this video?", [LABELS["diving"]], text) is echo


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("What happens after surfing?", "match"),
        ("What happens here?", "several classes"),
        ("Which is shown after the start, surfing or diving?", "several classes"),
    ],
)
def test_a_class_that_the_question_is_around_is_no_other_class(question: str, reason: str) -> None:
    label = LABELS["diving"]
    said = "After surfing, she is diving."
    assert verify_class(label, said, [label], params(), INDEX, question).reason == reason


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("diving", "He might be diving.", "hedged"),
        ("diving", "Diving, perhaps.", "hedged"),
        ("diving", "It is possible that he is diving.", "hedged"),
        ("diving", "He is probably diving.", "match"),
        ("diving", "One could say that this is diving.", "match"),
        ("playing guitar", "He stopped playing the guitar.", "negated"),
        ("diving", "Diving: no. Surfing: no.", "negated"),
        ("diving", "He tries to dive but fails.", "supposed"),
    ],
)
def test_a_class_that_is_only_guessed_or_over_is_not_asserted(
    name: str, text: str, reason: str
) -> None:
    assert verdict(name, text).reason == reason
