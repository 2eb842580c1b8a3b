"""Answers that the tool which asked has lost are named and unscored, never 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import official_world as world
import pytest

from video_star.evaluation.benchmarks.tempcompass_judge import OfficialResults
from video_star.evaluation.benchmarks.video_qa_scoring import Inputs, score
from video_star.evaluation.metrics import Bootstrap

FAILED = [
    # What VLMEvalKit writes, for APIs and with SKIP_ERR for models of its own.
    "Failed to obtain answer via API.",
    "Failed to obtain answer via API. ",
    "Failed to obtain answer via API.: <class 'RuntimeError'> CUDA out of memory",
    # lmms-eval's models behind a server.
    "[LMMS_EVAL_REQUEST_FAILED after 5 retries] Connection error.",
]
EMPTY = [None, "", " ", "nan", "None", float("nan")]
"""Cells: xlsxwriter drops long texts that begin with an address."""


LAYOUTS = ("tsv", "json", "xlsx")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("text", [*FAILED, *EMPTY], ids=repr)
def test_lost_predictions_of_a_table_are_unscored(
    questions: Path, tmp_path: Path, layout: str, text: Any, recorded: OfficialResults
) -> None:
    rows = world.table_rows()
    at = [0, 3, len(rows) - 1]  # a choice, a yes/no question and a caption
    for number in at:
        rows[number]["prediction"] = text
    table = tmp_path / f"model_TempCompass.{layout}"
    world.write_table(table, rows)
    for judge in (None, recorded):
        report = world.scored(questions, table, judge).report
        lost = [item for item in report["items"] if item["reason"] == "lost"]
        assert len(lost) == 3
        assert {item["rating"] for item in lost} == {None}
        assert [p["kind"] for p in report["problems"]] == ["lost"] * 3
        note = "3 predictions are lost (empty cells, or the text of a tool that failed)"
        assert any(line.startswith(note) for line in report["notes"])
    # The official ratings of the other seven: 1 1 0, then 1 0 1 0, 1 and 1 0 without those three.
    assert (report["n"], report["missing"], report["unscored"]) == (7, 0, 3)
    assert report["accuracy"] == pytest.approx(100 * 4 / 7)
    assert report["match_rate"] == pytest.approx(100 * 4 / 6)


@pytest.mark.parametrize("allow_missing", [True, False])
def test_a_table_without_any_answer_left_has_no_score(
    questions: Path, tmp_path: Path, allow_missing: bool
) -> None:
    rows = [{**row, "prediction": FAILED[0]} for row in world.table_rows()]
    table = tmp_path / "m.tsv"
    world.write_table(table, rows)
    report = world.scored(questions, table, None, allow_missing).report
    assert (report["accuracy"], report["n"], report["unscored"]) == (None, 0, 10)
    assert {own["accuracy"] for own in report["tasks"].values()} == {None}


def test_an_official_null_is_missing_and_an_empty_text_an_answer(
    questions: Path, answers: Path
) -> None:
    """The official scorer rates both 0; nulls are what it lets a model refuse with."""

    def edit(content: Any) -> None:
        content["7"]["direction"][0]["prediction"] = None
        content["7"]["direction"][1]["prediction"] = ""

    world.change(answers / "yes_no.json", edit)
    (problem,) = world.scored(questions, answers).problems
    assert (problem.kind, problem.where) == ("missing", "yes_no/7/direction/0")
    items = world.scored(questions, answers, None, allow_missing=True).report["items"]
    chosen = [item for item in items if item["task"] == "yes_no"][:2]
    assert [(item["rating"], item["match_success"]) for item in chosen] == [(0, False), (0, False)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("text", [FAILED[0], float("nan")], ids=["failed", "nan"])
def test_lost_answers_to_open_questions_are_unscored(
    tmp_path: Path, layout: str, text: Any
) -> None:
    asked = [{"video_name": "v", "question": f"q {n}?", "question_id": n} for n in range(3)]
    world.write_table(tmp_path / "q.json", asked)
    answers = [{"answer": "a boat", "question_id": n} for n in range(3)]
    world.write_table(tmp_path / "a.json", answers)
    rows = [{"id": n, "question": f"q {n}?", "pred": ["boat", text, "no"][n]} for n in range(3)]
    world.write_table(tmp_path / f"pred.{layout}", rows)
    inputs = Inputs(tmp_path / "q.json", tmp_path / "a.json", tmp_path / f"pred.{layout}")
    scored = score(inputs, None, Bootstrap(100, 0))
    assert not scored.stopping
    assert scored.report["figures"]["exact"]["value"] == 50
    assert (scored.report["figures"]["exact"]["n"], scored.report["missing"]) == (2, 0)
    assert scored.report["lost"] == ["1"]
    assert scored.report["notes"][0].startswith("1 predictions are lost")
