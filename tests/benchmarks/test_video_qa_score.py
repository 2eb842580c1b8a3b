"""`video-star score video-qa`: answers of any model, what is wrong with them, and the judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import score_runs
from chat_server import said, serve
from score_runs import Done

QUESTIONS: list[dict[str, Any]] = [
    {"video_name": f"video{n // 2}", "question": f"what is {n}?", "question_id": n}
    for n in range(4)
]
ANSWERS: list[dict[str, Any]] = [
    {"answer": f"word{'abcd'[n]}", "question_id": n} for n in reversed(range(4))
]
SAID = ("worda", "It is wordb.", "nothing", "not wordd")
PREDICTIONS: list[dict[str, Any]] = [
    {"id": n, "question": f"what is {n}?", "answer": f"word{'abcd'[n]}", "pred": SAID[n]}
    for n in range(4)
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    dump(tmp_path / "test_q.json", QUESTIONS)
    dump(tmp_path / "test_a.json", ANSWERS)
    dump(tmp_path / "pred.json", PREDICTIONS)
    return tmp_path


def dump(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def run(*options: object) -> Done:
    files = ["--questions", "test_q.json", "--answers", "test_a.json", "--out", "report.json"]
    if "--predictions" not in options:
        files += ["--predictions", "pred.json"]
    return score_runs.run("video-qa", *files, *options)


def report_of(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


def record(folder: Path, replies: list[dict[str, Any]]) -> None:
    (folder / "judged").mkdir()
    for own, reply in zip(PREDICTIONS, replies, strict=True):
        given = {"q": own["question"], "a": own["answer"], "pred": own["pred"]}
        dump(folder / "judged" / f"{own['id']}.json", [reply, given])


def test_without_a_judge_there_are_the_rules_and_no_accuracy(folder: Path) -> None:
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert "No judge" in done.stdout
    assert "unscored" in done.stdout
    report = report_of(folder)
    assert (report["accuracy"], report["score"], report["official"]) == (None, None, None)
    figures = report["figures"]
    assert (figures["contains"]["value"], figures["exact"]["value"]) == (50, 25)
    assert figures["contains"]["n"] == 4
    low, high = figures["contains"]["interval"]
    assert 0 <= low <= 50 <= high <= 100
    assert report["judge"]["name"] is None
    assert [item["contains"] for item in report["items"]] == [True, True, False, False]


def test_recorded_replies_judge_and_unclear_ones_are_unscored(folder: Path) -> None:
    replies = [
        {"pred": "yes", "score": 5},
        {"pred": "yes", "score": 4},
        {"pred": "no", "score": 1},
        {"pred": "hard to say", "score": 2},
    ]
    record(folder, replies)
    done = run("--judge", "recorded:judged")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Judge: recorded:judged (sha256 " in done.stdout
    assert "Judged: 3 of 4 answers, 75.0 %" in done.stdout
    assert "As the original scorer sums up: accuracy 66.7, score 3.00, of 4 answers." in done.stdout
    report = report_of(folder)
    assert report["accuracy"] == pytest.approx(200 / 3)
    assert report["score"] == pytest.approx(10 / 3)
    official = {"accuracy": pytest.approx(200 / 3), "score": 3.0, "yes": 2, "no": 1, "n": 4}
    assert report["official"] == official
    assert report["judge"]["unscored"] == {"judge unclear": 1}
    judged = [(item["yes"], item["score"]) for item in report["items"]]
    assert judged == [(True, 5), (True, 4), (False, 1), (None, None)]


def test_a_server_judges_and_its_replies_are_kept(folder: Path) -> None:
    with serve(lambda body: said("{'pred': 'yes', 'score': 3}")) as server:
        options = ("--judge", server.url, "--judge-model", "m-1", "--judge-replies", "r.jsonl")
        for _ in range(2):
            assert run(*options).returncode == 0
        assert len(server.bodies) == 4
    report = report_of(folder)
    assert (report["accuracy"], report["score"], report["judge"]["name"]) == (100, 3, "m-1")


def test_json_lines_in_several_files_are_read_and_repeated_ones_noted(folder: Path) -> None:
    """As Video-LLaVA leaves them: a file for each process, and one that holds all."""
    chunks = folder / "chunks"
    chunks.mkdir()
    parts = {"2_0.json": PREDICTIONS[:1], "2_1.json": PREDICTIONS[1:], "merge.jsonl": PREDICTIONS}
    for name, rows in parts.items():
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (chunks / name).write_text(lines, encoding="utf-8")
    dump(chunks / "notes.json", {"by": "me"})
    done = run("--predictions", "chunks")
    assert done.returncode == 0, done.stderr
    assert "note: 1 answers of merge.jsonl stand in 2_0.json already" in done.stderr
    report = report_of(folder)
    assert report["files"] == ["2_0.json", "2_1.json", "merge.jsonl"]
    assert report["ignored_files"] == ["notes.json"]
    assert report["figures"]["contains"]["value"] == 50


def test_predictions_with_wrong_correct_answers_are_scored_by_their_ids(folder: Path) -> None:
    """Several processes pair every chunk but the first with the answers of the first one."""
    wrong = [dict(row) for row in PREDICTIONS]
    wrong[2]["answer"], wrong[3]["answer"] = PREDICTIONS[0]["answer"], PREDICTIONS[1]["answer"]
    dump(folder / "pred.json", wrong)
    done = run()
    assert done.returncode == 0
    assert "problem: 2: pred.json[2] takes 'worda' as correct, not 'wordc'" in done.stderr
    assert "note: 2 predictions carry another correct answer" in done.stderr
    assert report_of(folder)["figures"]["contains"]["value"] == 50


@pytest.mark.parametrize(
    ("predictions", "problem"),
    [
        (PREDICTIONS[1:], "problem: 0: no file has an answer to it"),
        ([*PREDICTIONS, {"id": 9, "pred": "x"}], "problem: pred.json[4]: there is no question 9"),
        ([*PREDICTIONS, PREDICTIONS[0]], "problem: 0: two answers: pred.json[0] and pred.json[4]"),
        (
            [{**PREDICTIONS[0], "question": "what is 1?"}, *PREDICTIONS[1:]],
            "problem: 0: pred.json[0] answers another question, 'what is 1?'",
        ),
        ([*PREDICTIONS, {"pred": "x"}], 'problem: pred.json[4]: "id" is missing'),
        ([*PREDICTIONS, 7], "problem: pred.json[4]: not a JSON object"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_scored(
    folder: Path, predictions: Any, problem: str
) -> None:
    dump(folder / "pred.json", predictions)
    done = run()
    assert done.returncode == 3
    assert problem in done.stderr
    assert "1 problem" in done.stderr
    assert done.stdout == ""
    report = report_of(folder)
    assert (report["refused"], report["items"], report["accuracy"]) == (True, [], None)


def test_missing_answers_may_be_allowed_and_are_wrong(folder: Path) -> None:
    record(folder, [{"pred": "yes", "score": 5}] * 4)
    dump(folder / "pred.json", PREDICTIONS[1:])
    done = run("--allow-missing", "--judge", "recorded:judged")
    assert done.returncode == 0
    assert "1 answers are missing, and wrong." in done.stdout
    report = report_of(folder)
    assert (report["missing"], report["accuracy"], report["score"]) == (1, 75, 3.75)
    assert report["official"]["n"] == 3
    assert report["figures"]["contains"]["value"] == 25


@pytest.mark.parametrize(
    ("options", "sentence", "code"),
    [
        (("--judge", "gpt-4"), "--judge gpt-4: write none", 2),
        (("--judge", "http://127.0.0.1:1/v1"), "needs --judge-model", 2),
        (("--judge", "recorded:nowhere"), "nowhere: cannot be read", 3),
        (("--predictions", "nowhere.json"), "no such file or folder", 3),
        (("--predictions", "test_a.json"), "none of its files holds answers", 3),
    ],
)
def test_wrong_options_are_said_in_one_sentence(
    folder: Path, options: tuple[str, ...], sentence: str, code: int
) -> None:
    done = run(*options)
    assert done.returncode == code
    assert done.stderr.startswith("error: ")
    assert sentence in done.stderr


def test_answers_by_position_need_the_option(folder: Path) -> None:
    dump(folder / "test_a.json", [{"answer": a["answer"]} for a in reversed(ANSWERS)])
    assert "--aligned" in run().stderr
    assert run("--aligned").returncode == 0
    assert report_of(folder)["figures"]["exact"]["value"] == 25
