"""Files that are no predictions, no questions or no results end in one sentence."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import official_world as world
import pytest

from video_star.core.errors import DataError
from video_star.evaluation.benchmarks.prediction_files import Content, read_content
from video_star.evaluation.benchmarks.tempcompass_judge import OfficialResults
from video_star.evaluation.benchmarks.tempcompass_predictions import read_predictions
from video_star.evaluation.benchmarks.video_chatgpt import OriginalReplies
from video_star.evaluation.benchmarks.video_qa_files import load_questions

DEEP = "[" * 100_000 + "]" * 100_000
"""Deeper than Python's json reads."""


def zipped(**files: bytes) -> bytes:
    made = BytesIO()
    with ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return made.getvalue()


GARBAGE = {
    "deep.json": DEEP.encode(),
    "deep_object.json": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep_line.jsonl": f'{{"id": 1, "pred": {DEEP}}}\n'.encode(),
    "digits.json": b"[" + b"1" * 5000 + b"]",
    "latin.json": '[{"id": 1, "pred": "caf\u00e9"}]'.encode("latin-1"),
    "latin.csv": "id,pred\n1,caf\u00e9\n".encode("latin-1"),
    "wide.csv": "id,pred\n1,boat\n".encode("utf-16"),
    "noise.json": bytes(range(256)),
    "nul.json": b"[\0\0\0",
    "no.xlsx": zipped(nothing=b"x"),
    "bad.xlsx": zipped(**{"[Content_Types]": b"<Types", "xl__workbook": b"<"}),
    "cut.xlsx": zipped(nothing=b"x" * 99)[:60],
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_among_predictions_is_named(questions: Path, answers: Path, name: str) -> None:
    (answers / name).write_bytes(GARBAGE[name])
    scored = world.scored(questions, answers)
    (problem,) = scored.problems
    assert (problem.kind, problem.where.split(":")[0]) == ("unreadable", name)
    assert scored.stopping == {"unreadable": 1}
    assert len(str(problem)) < 300


@pytest.mark.parametrize("name", ["deep.json", "latin.json", "noise.json"])
def test_garbage_in_place_of_other_inputs_is_one_sentence(tmp_path: Path, name: str) -> None:
    for folder in ("questions", "results"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "captioning.json").write_bytes(GARBAGE[name])
    with pytest.raises(DataError, match=r"captioning\.json: (cannot be read as|not) JSON"):
        OfficialResults(tmp_path / "results")
    with pytest.raises(DataError, match=r"captioning\.json: (cannot be read as|not) JSON"):
        OriginalReplies(tmp_path / "results")
    with pytest.raises(DataError, match=r"captioning\.json: not"):
        load_questions(tmp_path / "questions" / "captioning.json")


def test_garbage_in_place_of_the_official_questions_is_one_sentence(
    questions: Path, answers: Path
) -> None:
    (questions / "yes_no.json").write_text(DEEP, encoding="utf-8")
    with pytest.raises(DataError, match=r"yes_no\.json: not JSON"):
        world.scored(questions, answers)


def test_official_questions_may_begin_with_a_byte_order_mark(
    questions: Path, answers: Path
) -> None:
    path = questions / "yes_no.json"
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert not world.scored(questions, answers).problems


def test_a_prediction_that_is_a_deep_list_is_named_shortly(tmp_path: Path) -> None:
    deep = json.loads("[" * 500 + "]" * 500)
    path = tmp_path / "yes_no.json"
    entry = {"question": "a?", "answer": "yes", "prediction": deep}
    path.write_text(json.dumps({"7": {"direction": [entry]}}), encoding="utf-8")
    found = read_predictions(path, [])
    assert [str(problem)[:200] for problem in found.problems] != []
    assert all(len(str(problem)) < 200 for problem in found.problems)


def test_an_excel_file_is_read_to_its_end_whatever_its_dimension_says(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = pytest.importorskip("openpyxl").Workbook()
    for row in (["id", "pred"], ["q0", "boat"], ["q1", "yes"]):
        book.active.append(row)
    book.save(path)
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert b'ref="A1:B3"' in parts[sheet]
    parts[sheet] = parts[sheet].replace(b'ref="A1:B3"', b'ref="A1:B1"')
    with ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    content = read_content(path)
    assert isinstance(content, Content)
    assert [row["id"] for _, row in content.rows] == ["q0", "q1"]
