"""The judge gets what the official one gets; its replies are read as the official scorer does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import official_world as world
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_star.core.chat import Messages
from video_star.core.errors import DataError
from video_star.evaluation.benchmarks import tempcompass_official as rules
from video_star.evaluation.benchmarks.judging import ChatJudge
from video_star.evaluation.benchmarks.tempcompass import rate
from video_star.evaluation.benchmarks.tempcompass_judge import (
    PROTOCOL,
    Answer,
    OfficialResults,
    messages,
    read_choice,
    read_reply,
)
from video_star.evaluation.benchmarks.tempcompass_official import Gold, official_match


class Chatty:
    """A chat model that answers by the first of its words that a question contains."""

    name = "chatty-1"

    def __init__(self, words: dict[str, str]) -> None:
        self.words = words
        self.asked: list[str] = []

    def replies(self, conversations: Sequence[Messages]) -> list[str]:
        self.asked = [messages[-1]["content"] for messages in conversations]
        return [
            next(reply for word, reply in self.words.items() if word in text) for text in self.asked
        ]


@pytest.fixture(scope="module")
def golds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Gold]:
    return {gold.id: gold for gold in world.load_golds(tmp_path_factory.mktemp("questions"))}


def test_a_chat_model_rates_what_no_rule_recognises(questions: Path, answers: Path) -> None:
    chat = Chatty(
        {
            "falls, then": "Reasoning: both.\nAnswer: A. a jump, B. a fall",
            "jumps first": "Reasoning: so it says.\nAnswer: A. a jump",
            "The jump": "Correct",
            "It is.": "Who can tell?",
        }
    )
    report = world.scored(questions, answers, ChatJudge(PROTOCOL, chat)).report
    assert len(chat.asked) == 4
    ratings = {item["id"]: item["rating"] for item in report["items"]}
    assert ratings["multi-choice/7/order/0"] == 1
    assert ratings["captioning/7/order/0"] == 1
    assert ratings["captioning/7/order/1"] == 0
    assert ratings["yes_no/8_reverse/speed/0"] is None
    assert report["n"] == 9
    judge = report["judge"]
    assert (judge["name"], judge["judged"], judge["share"]) == ("chatty-1", 3, 30)
    assert judge["version"] == "prompts 1, temperature 0, max_tokens 128"
    assert judge["unscored"] == {"judge unclear": 1}
    assert report["notes"] == [
        "1 of 4 replies of chatty-1 hold no verdict, so these answers are unscored (a model that "
        "reasons needs more --judge-max-tokens)"
    ]


def test_the_judge_of_a_caption_sees_the_caption_and_the_first_question_alone(
    golds: dict[str, Gold],
) -> None:
    system, user = messages(Answer(golds["captioning/7/order/1"], "It falls.</s>"))
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
    golds: dict[str, Gold], name: str, heading: str
) -> None:
    user = messages(Answer(golds[name], " Who knows? "))[1]["content"]
    assert heading in user
    truth = f"Ground-Truth Answer: {golds[name].answer}\nModel Prediction: Who knows?"
    assert user.endswith(truth)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("Correct", True),
        ("Incorrect", False),
        ("**Correct**", True),
        ("correct", True),
        ("It is Incorrect.", False),
        ("Not Incorrect but Correct", True),
        ("Correct answer: A. The prediction says B. Incorrect.", False),
        ("Incorrect. The correct answer is B.", False),
        ("<think>I reply Correct or Incorrect. Correct?</think>\nIncorrect", False),
        ("I am to reply Correct or Incorrect. They differ.\nIncorrect", False),
        ("<think>Correct would be", None),
        ("Who can tell?", None),
        ("", None),
    ],
)
def test_the_last_verdict_of_a_reply_counts(
    golds: dict[str, Gold], reply: str, verdict: bool | None
) -> None:
    answer = Answer(golds["multi-choice/7/order/0"], "The jump")
    assert read_reply(answer, reply).correct is verdict


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("Reasoning: it says so.\nAnswer: B. fast", True),
        ("Reasoning: it says so.\nAnswer: B. quick", True),
        ("Answer: A. slowly", False),
        ("Answer: A. slowly\nAnswer: B. fast", True),
        ("B. fast", True),
        ("Answer: B", True),
        ("**Answer:** B. fast", True),
        ("**Answer: (B)**", True),
        ("Answer: fast", True),
        ("<think>Answer: A. slowly, or B. fast?</think>Answer: B. fast<|im_end|>", True),
        # Clear, and not the one right option.
        ("Answer: B. fast, C. at 2x", False),
        ("Answer: None of the choices are correct", False),
        # Officially 0.
        ("The description mentions a dog.", None),
        ("<think>Answer: B. fast", None),
        ("  \n", None),
    ],
)
def test_the_last_answer_of_a_reply_is_its_choice(reply: str, verdict: bool | None) -> None:
    question = "How fast?\nA. slowly\nB. fast\nC. at 2x"
    assert read_choice(reply, question, "B. fast") is verdict


def _recorded(folder: Path, ratings: dict[str, list[int]] = world.RATINGS) -> Path:
    return world.write_tasks(folder / "model-a", world.results(ratings))


def test_recorded_ratings_hold_for_the_very_same_answer_only(
    golds: dict[str, Gold], tmp_path: Path
) -> None:
    judge = OfficialResults(_recorded(tmp_path))
    gold = golds["multi-choice/7/order/0"]
    texts = ("The jump", "The jump</s>", "The fall")
    values = [judge.rate([Answer(gold, text)])[0] for text in texts]
    assert [rating.correct for rating in values] == [True, True, None]
    assert values[2].reason == "recorded for another answer"


def test_recorded_captions_hold_by_place_and_say_how_many_are_others(
    golds: dict[str, Gold], tmp_path: Path
) -> None:
    judge = OfficialResults(_recorded(tmp_path))
    first, second = golds["captioning/7/order/0"], golds["captioning/7/order/1"]
    rated = judge.rate([Answer(first, "It jumps first."), Answer(second, "Something else.")])
    assert [rating.correct for rating in rated] == [True, False]
    assert judge.notes[0].startswith("1 of 2 recorded ratings of captions")
    with pytest.raises(DataError, match="2 of 2 ratings of captions were given to other texts"):
        judge.rate([Answer(first, "Else."), Answer(second, "Something else.")])


def test_what_the_official_scorer_left_to_its_judge_is_the_judges(
    questions: Path, answers: Path, tmp_path: Path
) -> None:
    """Published results are of several versions of the rules: some did not strip answers."""
    folder = _recorded(tmp_path)

    def left(content: Any) -> None:
        entry = content["7"]["direction"][0]
        assert entry["rating"] == 1
        entry.update({"match_success": False, "rating": 0, "video-llm-prediction": "B \n"})

    world.change(folder / "multi-choice.json", left)
    items = world.scored(questions, answers, OfficialResults(folder)).report["items"]
    first = (items[0]["rating"], items[0]["match_success"], items[0]["judged"])
    assert first == (0, False, True)
    world.change(answers / "multi-choice.json", lambda content: _say(content, "A"))
    items = world.scored(questions, answers, OfficialResults(folder)).report["items"]
    assert (items[0]["rating"], items[0]["match_success"]) == (0, True)
    world.change(answers / "multi-choice.json", lambda content: _say(content, "B."))
    items = world.scored(questions, answers, OfficialResults(folder)).report["items"]
    assert (items[0]["rating"], items[0]["match_success"]) == (1, True)


def _say(content: Any, text: str) -> None:
    content["7"]["direction"][0]["prediction"] = text


@pytest.mark.parametrize(
    ("reply", "rated"),
    [
        ("It jumps first.", "It jumps first."),
        (" It jumps first.</s>\n", "It jumps first."),
        (
            "## Analysis\n\nInformation A fits.\n\n**Caption:** *It jumps first.* \n",
            "It jumps first.",
        ),
        ('So the caption is:\n\n**"It jumps first."** \n', "It jumps first."),
        (
            'It jumps, as in A. A caption could be: "It jumps first." Others fail.',
            "It jumps first.",
        ),
        ("Generated Caption: It jumps first.", "It jumps first."),
        ("A caption: 00:00 - 00:10", "00"),
        ("One:\nA caption:", ""),
    ],
)
def test_captions_that_were_cut_out_of_replies_are_those_of_the_predictions(
    golds: dict[str, Gold], tmp_path: Path, reply: str, rated: str
) -> None:
    """As the official scorer does before it rates some models (utils/eval_utils.py)."""
    folder = _recorded(tmp_path)

    def cut(content: Any) -> None:
        for entry in content["7"]["order"]:
            entry["video-llm-prediction"] = rated

    world.change(folder / "captioning.json", cut)
    judge = OfficialResults(folder)
    asked = [Answer(golds[f"captioning/7/order/{n}"], reply) for n in range(2)]
    assert [rating.correct for rating in judge.rate(asked)] == [True, False]
    assert judge.notes == []


@pytest.mark.parametrize(
    "reply", ["It jumps first. Indeed.", "He says that it jumps first", "", "x"]
)
def test_a_caption_within_a_sentence_was_rated_for_another_reply(
    golds: dict[str, Gold], tmp_path: Path, reply: str
) -> None:
    judge = OfficialResults(_recorded(tmp_path))
    with pytest.raises(DataError, match="1 of 1 ratings of captions were given to other texts"):
        judge.rate([Answer(golds["captioning/7/order/0"], reply)])


def test_a_model_may_refuse_and_is_rated_0_as_officially(questions: Path, tmp_path: Path) -> None:
    """Published predictions of some models have nulls, in every task."""
    answers = {task: [None, *texts[1:]] for task, texts in world.ANSWERS.items()}
    given: Any = {**answers, "caption_matching": world.ANSWERS["caption_matching"]}
    files = world.official(answers=given)
    folder = world.write_tasks(tmp_path / "answers", files)
    judge = OfficialResults(_recorded(tmp_path, world.RATINGS))
    assert world.scored(questions, folder, judge).stopping == {"missing": 3}
    report = world.scored(questions, folder, judge, allow_missing=True).report
    assert [item["rating"] for item in report["items"]] == [0, 1, 0, 0, 0, 1, 0, 1, 0, 0]
    nulls = [item for item in report["items"] if item["reason"] == "missing"]
    assert [item["match_success"] for item in nulls] == [False] * 3
    assert report["tasks"]["captioning"]["match_rate"] is None


def test_what_was_not_recorded_or_failed_is_unscored_not_0(
    golds: dict[str, Gold], tmp_path: Path
) -> None:
    folder = _recorded(tmp_path, {**world.RATINGS, "captioning": [-1, 0]})
    (folder / "yes_no.json").unlink()
    judge = OfficialResults(folder)
    rated = judge.rate(
        [
            Answer(golds["captioning/7/order/0"], "It jumps first."),
            Answer(golds["yes_no/8_reverse/speed/0"], "It is."),
        ]
    )
    assert [rating.correct for rating in rated] == [None, None]
    assert [rating.reason for rating in rated] == ["recorded judge failed", "not recorded"]


def test_the_version_of_recorded_ratings_is_their_content(tmp_path: Path) -> None:
    one = OfficialResults(_recorded(tmp_path / "a"))
    two = OfficialResults(_recorded(tmp_path / "b"))
    other = OfficialResults(_recorded(tmp_path / "c", {**world.RATINGS, "captioning": [0, 0]}))
    assert one.version == two.version != other.version


def test_a_broken_or_empty_folder_of_ratings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no official result file"):
        OfficialResults(tmp_path)
    (tmp_path / "captioning.json").write_text('{"7": {"order": [')
    with pytest.raises(DataError, match=r"captioning\.json: cannot be read as JSON"):
        OfficialResults(tmp_path)
    (tmp_path / "captioning.json").write_text('{"7": ["order"]}')
    with pytest.raises(DataError, match=r"captioning\.json: not an official result file"):
        OfficialResults(tmp_path)


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


@given(reply=st.one_of(st.text(), st.text("ABCD. Answer:\nCorrectInc")))
def test_replies_are_read_without_raising(reply: str) -> None:
    for gold in GOLDS:
        assert read_reply(Answer(gold, "x"), reply).correct in (None, False, True)


def _golds() -> list[Gold]:
    with TemporaryDirectory() as folder:
        return world.load_golds(Path(folder))


GOLDS = _golds()
