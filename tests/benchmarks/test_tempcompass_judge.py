"""The judge gets what the official one gets; its replies are read as the official scorer does."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import official_world as world
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_star.core.errors import DataError, ServiceError, UsageError
from video_star.evaluation.benchmarks import tempcompass_rules as rules
from video_star.evaluation.benchmarks.tempcompass import rate
from video_star.evaluation.benchmarks.tempcompass_files import load
from video_star.evaluation.benchmarks.tempcompass_items import Gold, golds, official_match
from video_star.evaluation.benchmarks.tempcompass_judge import (
    Asked,
    ChatJudge,
    RecordedJudge,
    messages,
    read_choice,
    read_mark,
)
from video_star.evaluation.benchmarks.tempcompass_scoring import Inputs, open_judge, score
from video_star.evaluation.metrics import Bootstrap

RATINGS = {
    "multi-choice": [1, 1, 0],
    "yes_no": [1, 0, 1, 0],
    "caption_matching": [1],
    "captioning": [1, 0],
}


class Chatty:
    """A chat model that answers by the first of its words that a question contains."""

    name = "chatty-1"

    def __init__(self, words: dict[str, str]) -> None:
        self.words = words
        self.heard: list[str] = []
        self._lock = threading.Lock()

    def reply(self, messages: Sequence[Any]) -> str:
        text = messages[-1]["content"]
        with self._lock:
            self.heard.append(text)
        return next(reply for word, reply in self.words.items() if word in text)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Gold]:
    return {gold.id: gold for gold in _all(tmp_path_factory.mktemp("questions"))}


def _all(folder: Path) -> Iterator[Gold]:
    return golds(load(world.write_questions(folder)))


def test_a_chat_model_rates_what_no_rule_recognises(tmp_path: Path) -> None:
    chat = Chatty(
        {
            "falls, then": "Reasoning: both.\nAnswer: A. a jump, B. a fall",
            "jumps first": "Reasoning: so it says.\nAnswer: A. a jump",
            "The jump": "Correct",
            "It is.": "Who can tell?",
        }
    )
    inputs = Inputs(
        world.write_questions(tmp_path / "official"),
        world.write_tasks(tmp_path / "answers", world.official()),
    )
    report = score(inputs, ChatJudge(chat), Bootstrap(100, 0), False).report
    assert len(chat.heard) == 4
    ratings = {item["id"]: item["rating"] for item in report["items"]}
    assert ratings["multi-choice/7/order/0"] == 1
    assert ratings["captioning/7/order/0"] == 1
    assert ratings["captioning/7/order/1"] == 0
    assert ratings["yes_no/8_reverse/speed/0"] is None
    assert report["n"] == 9
    judge = report["judge"]
    assert (judge["name"], judge["judged"], judge["share"]) == ("chatty-1", 3, 30)
    assert judge["version"] == "prompts 1, temperature 0, max_tokens 128"
    assert judge["unscored"] == {"judge unclear: 'Who can tell?'": 1}


def test_the_judge_of_a_caption_sees_the_caption_and_the_first_question_alone(
    asked: dict[str, Gold],
) -> None:
    system, user = messages(Asked(asked["captioning/7/order/1"], "It falls.</s>"))
    assert (system["role"], user["role"]) == ("system", "user")
    shown = f"Video Description: It falls.\nMulti-Choice Question:\n{world.FIRST['question']}"
    assert user["content"].endswith(shown)
    assert "Information" not in user["content"]


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("multi-choice/7/direction/0", "Multi-Choice Question:\nWhich way?\nA. left\nB. right"),
        ("yes_no/7/direction/0", "Yes/No Question:\nIs it going right?"),
        ("caption_matching/7/order/0", "Caption Matching Question:\nWhich caption fits better?"),
    ],
)
def test_the_judge_of_an_answer_sees_question_truth_and_answer(
    asked: dict[str, Gold], name: str, heading: str
) -> None:
    user = messages(Asked(asked[name], " Who knows? "))[1]["content"]
    assert heading in user
    truth = f"Ground-Truth Answer: {asked[name].answer}\nModel Prediction: Who knows?"
    assert user.endswith(truth)


@pytest.mark.parametrize(
    ("reply", "mark"),
    [
        ("Correct", 1),
        ("Correct. Incorrect would be B.", 1),
        ("Incorrect", 0),
        ("Incorrect, as Correct is B", 0),
        ("It is Correct.", 1),
        ("It is Incorrect.", 0),
        ("Not Incorrect but Correct", 0),
        ("correct", None),
        ("", None),
    ],
)
def test_marks_are_read_as_officially(reply: str, mark: int | None) -> None:
    assert read_mark(reply) == mark


@pytest.mark.parametrize(
    ("reply", "mark"),
    [
        ("Reasoning: it says so.\nAnswer: B. fast", 1),
        ("Reasoning: it says so.\nAnswer: B. quick", 1),
        ("Answer: A. slowly", 0),
        ("Answer: B. fast, C. at 2x", 0),
        ("Answer: B", 0),
        ("Answer: None of the choices are correct", 0),
        ("Answer: A. slowly\nAnswer: B. fast", 1),
        ("B. fast", 1),
        ("  \n", None),
    ],
)
def test_choices_are_read_as_officially(reply: str, mark: int | None) -> None:
    assert read_choice(reply, "B. fast") == mark


def _recorded(folder: Path, ratings: dict[str, list[int]] = RATINGS) -> Path:
    return world.write_tasks(folder / "model-a", world.results(ratings))


def test_recorded_ratings_hold_for_the_very_same_answer_only(
    asked: dict[str, Gold], tmp_path: Path
) -> None:
    judge = RecordedJudge(_recorded(tmp_path))
    gold = asked["multi-choice/7/order/0"]
    texts = ("The jump", "The jump</s>", "The fall")
    values = [judge.rate([Asked(gold, text)])[0] for text in texts]
    assert [rating.value for rating in values] == [1, 1, None]
    assert values[2].reason == "recorded for another answer"


def test_recorded_captions_hold_by_place_and_say_how_many_are_others(
    asked: dict[str, Gold], tmp_path: Path
) -> None:
    judge = RecordedJudge(_recorded(tmp_path))
    first, second = asked["captioning/7/order/0"], asked["captioning/7/order/1"]
    rated = judge.rate([Asked(first, "It jumps first."), Asked(second, "Something else.")])
    assert [rating.value for rating in rated] == [1, 0]
    assert judge.notes[0].startswith("1 of 2 recorded ratings of captions")
    with pytest.raises(DataError, match="2 of 2 ratings of captions were given to other texts"):
        judge.rate([Asked(first, "Else."), Asked(second, "Something else.")])


def test_what_was_not_recorded_or_failed_is_unscored_not_0(
    asked: dict[str, Gold], tmp_path: Path
) -> None:
    folder = _recorded(tmp_path, {**RATINGS, "captioning": [-1, 0]})
    (folder / "yes_no.json").unlink()
    judge = RecordedJudge(folder)
    rated = judge.rate(
        [
            Asked(asked["captioning/7/order/0"], "It jumps first."),
            Asked(asked["yes_no/8_reverse/speed/0"], "It is."),
        ]
    )
    assert [rating.value for rating in rated] == [None, None]
    assert [rating.reason for rating in rated] == ["recorded judge failed", "not recorded"]


def test_the_version_of_recorded_ratings_is_their_content(tmp_path: Path) -> None:
    one = RecordedJudge(_recorded(tmp_path / "a"))
    two = RecordedJudge(_recorded(tmp_path / "b"))
    other = RecordedJudge(_recorded(tmp_path / "c", {**RATINGS, "captioning": [0, 0]}))
    assert one.version == two.version != other.version


def test_a_broken_or_empty_folder_of_ratings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no official result file"):
        RecordedJudge(tmp_path)
    (tmp_path / "captioning.json").write_text('{"7": {"order": [')
    with pytest.raises(DataError, match=r"captioning\.json: not an official result file"):
        RecordedJudge(tmp_path)


def test_the_judge_is_named_on_the_command_line(tmp_path: Path) -> None:
    assert open_judge("none", None, None) is None
    judge = open_judge("http://127.0.0.1:9/v1", "m", tmp_path / "replies.jsonl")
    assert judge is not None
    assert judge.name == "m"
    with pytest.raises(UsageError, match="--judge-model"):
        open_judge("http://127.0.0.1:9/v1", None, None)
    with pytest.raises(UsageError, match="write none, recorded:FOLDER or the URL"):
        open_judge("gpt-4", None, None)


def test_a_judge_that_does_not_answer_stops_the_scoring(tmp_path: Path) -> None:
    class Silent:
        name = "silent"

        def reply(self, messages: Sequence[Any]) -> str:
            raise ServiceError("no server")

    inputs = Inputs(
        world.write_questions(tmp_path / "official"),
        world.write_tasks(tmp_path / "answers", world.official()),
    )
    with pytest.raises(ServiceError, match="no server"):
        score(inputs, ChatJudge(Silent()), Bootstrap(100, 0), False)


ANSWERISH = st.one_of(
    st.text(),
    st.text("ABCD.): </s>yesnoYN1", max_size=12),
    st.sampled_from([e["question"] for *_, e in world.answered()]),
    st.sampled_from([e["answer"] for *_, e in world.answered()]),
)


@given(text=ANSWERISH)
def test_rules_never_raise_and_rate_only_what_they_recognise(text: str) -> None:
    for gold in GOLDS:
        match = official_match(gold, text)
        assert match.rating in ((0, 1) if gold.task != "captioning" else (None,))
        assert match.matched or not match.rating
        assert official_match(gold, f"  {text}</s>\n") == match
        assert rate(gold, text).rating in (None, 0, 1)


@given(text=st.text())
def test_the_right_answer_is_always_right(text: str) -> None:
    for gold in GOLDS:
        if gold.task != "captioning":
            assert official_match(gold, gold.answer) == rules.Match(1, True)
        if gold.task == "yes_no":
            assert official_match(gold, gold.answer + text).rating == 1


@given(reply=st.one_of(st.text(), st.text("ABCD. Answer:\nCorrectInc")), right=st.text())
def test_replies_are_read_without_raising(reply: str, right: str) -> None:
    assert read_mark(reply) in (None, 0, 1)
    assert read_choice(reply, right) in (None, 0, 1)


def _golds() -> list[Gold]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        return list(_all(Path(folder)))


GOLDS = _golds()
