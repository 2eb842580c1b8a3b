"""Video-ChatGPT's judge protocol: replies are read safely, unclear ones stay unscored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chat_server import said, serve
from hypothesis import given
from hypothesis import strategies as st

from video_star.core.errors import DataError
from video_star.core.paths import Workspace
from video_star.evaluation.benchmarks.judging import JudgeParams, Rating
from video_star.evaluation.benchmarks.video_chatgpt import (
    PROTOCOL,
    Answer,
    OriginalReplies,
    messages,
    official_figures,
    read_reply,
)

ANSWER = Answer("7", "What is he doing?", "swimming", "He swims.")


@pytest.mark.parametrize(
    ("reply", "yes", "score"),
    [
        ("{'pred': 'yes', 'score': 4}", True, 4),
        ("{'pred': 'no', 'score': 0}", False, 0),
        ('{"pred": "Yes.", "score": "5"}', True, 5),
        (
            "The form is {'pred': 'yes', 'score': 4}. They differ: {'pred': 'no', 'score': 1.8}",
            False,
            1,
        ),
        (
            "<think>\nThe format is {'pred': 'yes', 'score': 4}. The answers differ.\n</think>\n"
            "{'pred': 'no', 'score': 0}",
            False,
            0,
        ),
        ("{'pred': 'no', 'score': 0}\n</think>\n{'pred': 'yes', 'score': 5}", True, 5),
        ("{'pred': 'no', 'score': 0} {'note': 'as asked'}", False, 0),
        ("{'pred': 'no', 'score': 0, 'details': {'objects': 'differ'}}", False, 0),
        ('{"pred": "no", "score": 0, "reason": null}', False, 0),
        ('{"Pred": "Yes", "Score": 4}', True, 4),
        ("{\u2018pred\u2019: \u2018yes\u2019, \u2018score\u2019: 4}", True, 4),
        ("{'pred': 'no', 'score': 0, 'reason': \"it\u2019s another\"}", False, 0),
        ("<|begin_of_box|>{'pred': 'yes', 'score': 3}<|end_of_box|><|im_end|>", True, 3),
        ("```python\n{'pred': 'no',\n 'score': 2}\n```", False, 2),
    ],
)
def test_the_last_dictionary_is_the_rating(reply: str, yes: bool, score: int) -> None:
    rating = read_reply(ANSWER, reply)
    assert (rating.correct, rating.score, rating.reason) == (yes, score, "judged")


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "yes",
        "{'pred': 'yes'}",
        "{'score': 4}",
        "{'pred': 'yes or no', 'score': 4}",
        "{'pred': 'maybe', 'score': 4}",
        "{'pred': True, 'score': 4}",
        "{'pred': 'yes', 'score': True}",
        "{'pred': 'yes', 'score': 6}",
        "{'pred': 'yes', 'score': -1}",
        "{'pred': 'yes', 'score': 1e999}",
        "{'pred': 'yes', 'score': None}",
        "{'pred': 'yes', 'score': 4",
        "<think>The format is {'pred': 'yes', 'score': 4}. The answers",
        "{'pred': 'yes', 'score': 4} and yet {'pred': 'no', 'score': 'none'}",
        "{__import__('os').getcwd()}",
        "{'pred', 'score'}",
        "{[]: 1}",
        "{" + "[" * 5000 + "}",
    ],
)
def test_anything_else_is_unclear_and_unscored(reply: str) -> None:
    rating = read_reply(ANSWER, reply)
    assert (rating.correct, rating.score, rating.reason) == (None, None, "judge unclear")


@given(reply=st.one_of(st.text(), st.text("{}'pred: yesno,score0123456789.")))
def test_no_reply_raises(reply: str) -> None:
    rating = read_reply(ANSWER, reply)
    assert (rating.correct is None) == (rating.score is None)


def test_the_judge_is_told_question_answer_and_prediction_and_the_form_of_the_reply() -> None:
    system, user = messages(Answer("7", "What is he doing?", "swimming", "He \ud800 swims."))
    assert system["role"] == "system"
    assert "synonyms" in system["content"]
    for part in (
        "Question: What is he doing?\n",
        "Correct answer: swimming\n",
        "Predicted answer: He ? swims.\n",
        "{'pred': 'yes', 'score': 4}",
        "from 0 to 5",
    ):
        assert part in user["content"]


def test_a_server_judges_greedily_and_each_answer_once(tmp_path: Path) -> None:
    with serve(lambda body: said("{'pred': 'yes', 'score': 3}")) as server:
        for _ in range(2):
            judge = PROTOCOL.on_server(server.url, "m-1", tmp_path / "replies.jsonl")
            ratings = judge.rate([ANSWER, ANSWER])
        assert [(r.correct, r.score) for r in ratings] == [(True, 3)] * 2
        (body,) = server.bodies
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("m-1", 0, 64)
    assert (judge.name, judge.version) == ("m-1", "prompt 1, temperature 0, max_tokens 64")


def test_a_judge_that_reasons_gets_the_tokens_that_it_is_given(workspace: Workspace) -> None:
    with serve(lambda body: said("<think>Hm.</think>{'pred': 'no', 'score': 1}")) as server:
        params = JudgeParams(url=server.url, model="m-1", max_tokens=4000)
        judge = PROTOCOL.from_params(params, workspace)
        option = PROTOCOL.from_option(server.url, "m-1", None, 4000)
        assert option is not None
        for own in (judge, option):
            assert [(r.correct, r.score) for r in own.rate([ANSWER])] == [(False, 1)]
            assert own.version == "prompt 1, temperature 0, max_tokens 4000"
    assert [body["max_tokens"] for body in server.bodies] == [4000, 4000]


def test_a_judge_that_takes_no_temperature_is_noted() -> None:
    def answer(body: dict[str, Any]) -> Any:
        fault = "Unsupported value: 'temperature' does not support 0 with this model."
        return (400, {}, fault) if "temperature" in body else said("{'pred': 'no', 'score': 1}")

    with serve(answer) as server:
        judge = PROTOCOL.on_server(server.url, "m-1", None)
        judge.rate([ANSWER])
    assert judge.notes == ["m-1 takes no temperature, so another run may be judged otherwise"]


def test_the_original_sums_count_every_reply() -> None:
    ratings = [
        read_reply(ANSWER, text)
        for text in (
            "{'pred': 'yes', 'score': 4.8}",
            "{'pred': 'no', 'score': 1}",
            "{'pred': 'unknown', 'score': 2}",
            "{'pred': 'yes'}",
            "broken",
        )
    ]
    # "unknown" has a "no" in it; (4 + 1 + 2) / 5 replies.
    assert official_figures(ratings) == {
        "accuracy": 100 / 3,
        "score": 7 / 5,
        "yes": 1,
        "no": 2,
        "n": 5,
    }
    assert [r.correct for r in ratings] == [True, False, None, None, None]
    assert official_figures([])["accuracy"] is None


def record(folder: Path, name: str, value: Any) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")


GIVEN = {"q": "What is he doing?", "a": "swimming", "pred": "He swims."}


def test_recorded_replies_answer_only_for_what_they_were_given_for(tmp_path: Path) -> None:
    folder = tmp_path / "judged"
    record(folder, "7", [{"pred": "yes", "score": 5}, GIVEN])
    record(folder, "8", [{"pred": "yes", "score": 5}, {**GIVEN, "pred": "He runs."}])
    record(folder, "9", [{"pred": "perhaps"}, GIVEN])
    judge = OriginalReplies(folder)
    asked = [Answer(name, ANSWER.question, ANSWER.correct, ANSWER.text) for name in "789"]
    ratings = judge.rate([*asked, Answer("10", "a?", "b", "c")])
    assert [(r.correct, r.score, r.reason) for r in ratings] == [
        (True, 5, "judged"),
        (None, None, "recorded for another answer"),
        (None, None, "judge unclear"),
        (None, None, "not recorded"),
    ]
    assert judge.name == "recorded:judged"
    record(folder, "9", [{"pred": "no", "score": 0}, GIVEN])
    assert OriginalReplies(folder).version != judge.version


def test_the_combined_file_of_the_original_scorer_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    path.write_text(json.dumps({"7": [{"pred": "no", "score": 1}, GIVEN]}), encoding="utf-8")
    assert OriginalReplies(path).rate([ANSWER]) == [
        Rating(False, 1, "judged", {"pred": "no", "score": 1})
    ]


def test_records_that_are_none_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no judge's reply"):
        OriginalReplies(tmp_path)
    record(tmp_path / "a", "7", {"pred": "yes"})
    with pytest.raises(DataError, match=r"7\.json: not \[judge's dictionary"):
        OriginalReplies(tmp_path / "a")
    (tmp_path / "a" / "7.json").write_text('[{"pred": "y', encoding="utf-8")
    with pytest.raises(DataError, match=r"7\.json: cannot be read as JSON"):
        OriginalReplies(tmp_path / "a")
