"""Sample logs of lmms-eval, of every version, are read by both `score` commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import official_world as world
import pytest

from video_star.core.errors import DataError
from video_star.evaluation.benchmarks.predictions import lmms_response
from video_star.evaluation.benchmarks.scoring import Scored
from video_star.evaluation.benchmarks.tempcompass_judge import OfficialResults
from video_star.evaluation.benchmarks.video_qa_scoring import Inputs, score
from video_star.evaluation.metrics import Bootstrap


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ({"resps": [["A"]], "filtered_resps": ["B"]}, "B"),
        ({"resps": [["A", "C"]]}, "A"),
        ({"filtered_resps": "B"}, "B"),
        ({"filtered_resps": [["B"]]}, "B"),
        ({"resps": ["A"], "filtered_resps": []}, "A"),
        ({"filtered_resps": [""]}, ""),
        ({"filtered_resps": [[-3.0, False]]}, None),
        ({"resps": None}, None),
        ({}, None),
    ],
)
def test_the_first_response_is_found_in_every_form(line: dict[str, Any], text: str | None) -> None:
    assert lmms_response(line) == text


def predict_only(form: str) -> dict[str, list[dict[str, Any]]]:
    """Logs of --predict_only by task: the data set's row and the response, no metric."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for task, video, aspect, entry in world.answered():
        own = lines.setdefault(task, [])
        doc = {"video_id": video, "question": entry["question"], "answer": entry["answer"]}
        doc["dim"] = aspect
        if task == "captioning":
            choice = world.QUESTIONS["multi-choice"][video][aspect][0]
            doc |= {"mc_question": choice["question"], "mc_answer": choice["answer"]}
        said = entry["prediction"]
        responses = {
            "lists": {"resps": [[said]], "filtered_resps": [said]},
            "text": {"filtered_resps": said},
            "unfiltered": {"resps": [[said]]},
        }
        line = {"doc_id": len(own), "doc": doc, "target": entry["answer"], "bypass": 999}
        own.append(line | responses[form])
    return lines


@pytest.mark.parametrize("form", ["lists", "text", "unfiltered"])
def test_logs_without_metrics_give_the_same_items(
    questions: Path, answers: Path, tmp_path: Path, form: str, recorded: OfficialResults
) -> None:
    logs = world.write_lmms(tmp_path / "logs", predict_only(form))
    scored = world.scored(questions, logs, recorded)
    assert not scored.problems
    assert scored.report["items"] == world.scored(questions, answers, recorded).report["items"]
    assert set(scored.report["files"].values()) == {"lmms-eval"}
    assert scored.report["ignored_files"] == ["20240910_results.json"]


def test_a_log_of_one_line_or_in_one_object_is_a_log(questions: Path, tmp_path: Path) -> None:
    lines = world.lmms_lines()
    logs = world.write_lmms(
        tmp_path / "logs", {"caption_matching": predict_only("lists")["caption_matching"]}
    )
    whole = {"args": {"model": "m"}, "model_configs": {}, "logs": lines["yes_no"]}
    (logs / "tempcompass_yes_no.json").write_text(json.dumps(whole), encoding="utf-8")
    report = world.scored(questions, logs).report
    assert {task: own["n"] for task, own in report["tasks"].items()} == {
        "yes_no": 4,
        "caption_matching": 1,
    }
    assert report["absent_tasks"] == ["multi-choice", "captioning"]


def test_lines_without_their_question_are_named(questions: Path, tmp_path: Path) -> None:
    lines = predict_only("lists")
    del lines["yes_no"][1]["doc"]
    logs = world.write_lmms(tmp_path / "logs", lines)
    first, second = world.scored(questions, logs).problems
    assert (first.kind, second.kind) == ("malformed", "missing")
    assert 'neither "avg_accuracy" nor "doc"' in str(first)


QUESTIONS = [
    {"video_name": "1.mp4", "question": "What is the vehicle?", "question_id": "q0"},
    {"video_name": "1.mp4", "question": "is there a man", "question_id": "q1"},
    {"video_name": "2", "question": "how many people", "question_id": "q2"},
]
ANSWERS: list[Any] = ["A boat.", "yes", 3]
SAID = ["boat", "Yes, there is.", "Three people"]


def line(number: int, *parts: str) -> dict[str, Any]:
    """A line of the log of activitynetqa, with some of what versions write."""
    doc = {**QUESTIONS[number], "answer": str(ANSWERS[number])}
    metric = {"Q": doc["question"], "A": doc["answer"], "pred": SAID[number]}
    metric |= {"video_name": doc["video_name"], "question_id": doc["question_id"]}
    every: dict[str, Any] = {
        "doc": doc,
        "resps": [[SAID[number]]],
        "filtered_resps": [SAID[number]],
        "submission": metric,
        "gpt_eval_score": {**metric, "score": 5},
    }
    found = {"doc_id": number, "target": doc["answer"], "arguments": {"0": "x"}}
    return found | {part: every[part] for part in parts}


def open_answers(folder: Path, name: str, text: str) -> Scored:
    (folder / "q.json").write_text(json.dumps(QUESTIONS), encoding="utf-8")
    answers = [
        {"answer": own, "question_id": q["question_id"]}
        for own, q in zip(ANSWERS, QUESTIONS, strict=True)
    ]
    (folder / "a.json").write_text(json.dumps(answers), encoding="utf-8")
    (folder / name).write_text(text, encoding="utf-8")
    return score(
        Inputs(folder / "q.json", folder / "a.json", folder / name), None, Bootstrap(100, 0)
    )


@pytest.mark.parametrize(
    "parts",
    [
        ("doc", "resps", "filtered_resps", "gpt_eval_score"),
        ("doc", "resps", "filtered_resps"),
        ("doc", "filtered_resps", "submission"),
        ("submission",),
        ("filtered_resps", "gpt_eval_score"),
    ],
    ids="-".join,
)
def test_open_answers_are_read_from_logs(tmp_path: Path, parts: tuple[str, ...]) -> None:
    text = "".join(json.dumps(line(n, *parts)) + "\n" for n in range(3))
    scored = open_answers(tmp_path, "samples_activitynetqa.jsonl", text)
    assert not scored.problems
    items = scored.report["items"]
    assert [item["exact"] for item in items] == [True, False, False]
    assert [item["contains"] for item in items] == [True, True, False]


def test_a_submission_file_is_read_as_well(tmp_path: Path) -> None:
    """activitynetqa-Generation-*.json, which lmms-eval writes for its own judge."""
    rows = [line(n, "submission")["submission"] for n in range(3)]
    assert not open_answers(tmp_path, "activitynetqa.json", json.dumps(rows)).problems


def test_activitynet_qa_s_own_layout_is_read_and_its_correct_answers_are_no_predictions(
    tmp_path: Path,
) -> None:
    """MILVLG/activitynet-qa: test_a.json and evaluation/pred_val_example.json have these fields."""
    rows = [
        {"question_id": q["question_id"], "answer": own}
        for own, q in zip(SAID, QUESTIONS, strict=True)
    ]
    scored = open_answers(tmp_path, "pred.json", json.dumps(rows))
    assert [item["contains"] for item in scored.report["items"]] == [True, True, False]
    correct = (tmp_path / "a.json").read_text(encoding="utf-8")
    with pytest.raises(DataError, match="none of its files holds answers"):
        open_answers(tmp_path, "copy.json", correct)
