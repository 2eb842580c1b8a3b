"""The verifier of text labels with a real embedding model, and what holds for any answer."""

from __future__ import annotations

import numpy as np
import pytest
from asked import verify_params
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import known, similarity, verdict

from video_star.labels import TextLabel, say
from video_star.verifiers import Case, prepare
from video_star.verifiers.meaning import sentences_of, verify_text
from video_star.verifiers.polarity import contradicts, saying

DOOR = "The person opens the door."


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (DOOR, "The person opens the door."),
        (DOOR, "First he sits on a chair. Later a man is opening a door."),
        (DOOR, "It is not a window. The person walks to the door. Then he opens it."),
        (DOOR, "The person does not open the window but opens the door."),
        (DOOR, "The person opens the door, although the face cannot be seen."),
        (DOOR, "- A person stands there\n- The person opens the door\n- The person sits"),
        ("The person does not open the door.", "The person never opens the door."),
        ("The person does not open the door.", "The person leaves the door closed."),
        ("The person opens the door. He sits on a chair.", "He sits on a chair. He opens a door."),
        ("C picks up a cup from the table.", "The camera wearer picks a cup up from the table."),
        ("A goal in 3.5 seconds.", "There is a goal in 3.5 seconds."),
    ],
)
def test_an_answer_that_means_the_label_passes(label: str, text: str) -> None:
    found = verdict(label, text)
    assert found.passed, found
    assert found.place is not None
    assert found.extracted == text[found.place[0] : found.place[1]]


@pytest.mark.parametrize(
    ("label", "text", "reason"),
    [
        (DOOR, "", "no match"),
        (DOOR, " ... !", "no match"),
        (DOOR, "A dog runs over the beach.", "no match"),
        (DOOR, "Does the person open the door?", "no match"),
        (DOOR, "The person does not open the door.", "negated"),
        (DOOR, "The person never opens the door.", "no match"),
        (DOOR, "The door is not opened by the person.", "negated"),
        (DOOR, "Nobody opens the door.", "no match"),
        (DOOR, "The person closes the door.", "negated"),
        (DOOR, "The person opens or closes the door.", "negated"),
        (DOOR, "The person opens the door. No, the person does not open the door.", "negated"),
        ("The person does not open the door.", "The person opens the door.", "negated"),
        ("He turns on the light.", "He turns the light off.", "negated"),
        ("The player uses the left hand.", "The player uses the right hand.", "negated"),
        ("The person opens the door. A dog runs in.", "The person opens the door.", "no match"),
    ],
)
def test_an_answer_that_means_something_else_fails(label: str, text: str, reason: str) -> None:
    found = verdict(label, text)
    assert (found.passed, found.reason) == (False, reason), found


def test_the_score_is_that_of_the_sentence_that_is_met_least() -> None:
    text = "He opens the door. A cat sleeps."
    both = verdict("The person opens the door. A dog runs in.", text)
    alone = verdict("A dog runs in.", text)
    assert both.score == alone.score < verdict("The person opens the door.", text).score


def test_the_place_is_the_best_sentence_of_the_answer() -> None:
    text = "A man stands still. A man opens the door. Then he sings."
    assert verdict(DOOR, text).extracted == "A man opens the door."


def test_a_similarity_just_below_the_threshold_is_rejected() -> None:
    score = verdict(DOOR, "A man is opening a door.").score
    assert 0.6 < score < 1
    assert verdict(DOOR, "A man is opening a door.", score).passed
    assert not verdict(DOOR, "A man is opening a door.", score + 1e-4).passed


def test_the_words_of_a_hint_are_accepted() -> None:
    label = TextLabel(text="The person opens the door. Then they sit on a chair.")
    assert verify_text(label, Case(say(label), "", (label,)), similarity(), known()).passed


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("He runs 3.5 m. Then he stops!", ["He runs 3.5 m.", "Then he stops!"]),
        ("1. He runs\n2. He stops", ["He runs\n2.", "He stops"]),
        ("no end", ["no end"]),
        ("42", ["42"]),
        ("  ", []),
        ("...", []),
    ],
)
def test_sentences_keep_their_places(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in sentences_of(text)] == sentences


@pytest.mark.parametrize(
    ("label", "answer", "expected"),
    [
        ("He opens the door.", "He opens the door.", False),
        ("He opens the door.", "He doesn't open the door.", True),
        ("He opens the door.", "It is not a window, it is a door.", False),
        ("He picks up the phone.", "He lifts the phone, then puts it down.", False),
        ("He walks up the stairs.", "He walks down the stairs.", True),
        ("He opens the door without a key.", "He opens the door.", False),
        ("He does not move.", "He runs.", True),
        ("A person is there.", "No person is there.", True),
    ],
)
def test_contradictions_are_told_by_words(label: str, answer: str, expected: bool) -> None:
    assert contradicts(saying(label), saying(answer)) is expected


def test_judging_after_preparation_gives_the_same_verdicts() -> None:
    label = TextLabel(text="The runner falls over a hurdle.")
    texts = ["A runner trips over a hurdle and falls.", "The runner wins.", "A runner is fast."]
    alone = [verdict(label.text, text) for text in texts]
    cases = [Case(text, "", (label,)) for text in texts]
    assert known().embed is not None
    known().embed._kept.clear()  # type: ignore[union-attr]
    prepare(cases, verify_params(), known())
    together = [verify_text(label, case, similarity(), known()) for case in cases]
    assert together == alone


SAID = (
    *("the", "person", "opens", "not", "door", "closes", "a", "window", "or", "never", "then"),
    *(".", ",", "?"),
)
WORDS = st.lists(st.sampled_from(SAID), max_size=12).map(" ".join)
LABELS = st.sampled_from(
    [DOOR, "The person does not open the window.", "A dog runs. A person walks."]
)


@settings(deadline=None)
@given(LABELS, st.text(max_size=60))
def test_no_text_makes_the_verifier_raise(label: str, text: str) -> None:
    found = verdict(label, text)
    assert 0 <= found.score <= 1
    assert found.passed == (found.reason == "match")
    if found.place is not None:
        assert found.extracted == text[found.place[0] : found.place[1]]


def test_broken_unicode_is_judged_like_any_text() -> None:
    assert verdict(DOOR, "The person opens the door \ud800.").passed


@settings(deadline=None)
@given(LABELS, WORDS)
def test_case_and_white_space_change_nothing(label: str, text: str) -> None:
    plain = verdict(label, text)
    loud = verdict(label, f"  {text.upper()}\n".replace(" ", "\n  "))
    assert (plain.passed, plain.reason, plain.score) == (loud.passed, loud.reason, loud.score)


@settings(deadline=None)
@given(LABELS, WORDS, st.floats(0, 1), st.floats(0, 1))
def test_a_lower_threshold_never_rejects_what_a_higher_one_accepts(
    label: str, text: str, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert verdict(label, text, low).passed or not verdict(label, text, high).passed


def test_embeddings_have_length_one_and_the_order_of_their_texts() -> None:
    embed = known().embed
    assert embed is not None
    texts = ["a dog", "A  DOG", "a cat on a mat", "a dog"]
    vectors = embed(texts)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors[0] == vectors[1]).all()
    assert (vectors[0] == vectors[3]).all()
    assert not np.allclose(vectors[0], vectors[2])
