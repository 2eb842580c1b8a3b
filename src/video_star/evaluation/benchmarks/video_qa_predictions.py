"""Answers of any model in Video-ChatGPT's format, joined with the questions by their ids.

Each is {"id", "question", "answer", "pred"}: in a JSON list, in JSON lines as Video-LLaVA writes
them, or in a table, one file or a folder of them. ActivityNet-QA's own {"question_id", "answer"}
(MILVLG/activitynet-qa, evaluation/pred_val_example.json), lmms-eval's submissions ({"question_id",
"Q", "A", "pred"}) and sample logs, whose "doc" or metrics have these fields, are read as well. The
id decides. The question has to be the one of that id; an "answer" beside "pred" is not used, as
scripts that run in several processes write wrong ones there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from video_star.evaluation.benchmarks.prediction_files import Content, Problem, Rows
from video_star.evaluation.benchmarks.predictions import (
    Given,
    Malformed,
    NoAnswer,
    Predictions,
    answer_in_cell,
    answer_of,
    join,
    lmms_response,
    read_files,
)
from video_star.evaluation.benchmarks.video_qa_files import Gold

HARMLESS: Final = "answer"
"""Kind of the problems that change no score."""


_OWN: Final = {"question_id", "answer"}


@dataclass(frozen=True)
class QuestionAnswer(Given):
    """One answer and what its file has about the question."""

    id: str
    question: str | None
    answer: str | None


def read_predictions(
    path: Path, golds: Sequence[Gold], correct: Path
) -> Predictions[QuestionAnswer]:
    """Every answer with its question; DataError when no file holds any.

    A copy of `correct`, the file of correct answers, is none in ActivityNet-QA's own layout.
    """
    layouts = (
        'they are read as a JSON list, JSON lines or a table of {"id", "question", "answer", '
        '"pred"}, as {"question_id", "answer"} alone, or as lmms-eval sample logs'
    )
    answers = correct.read_bytes()

    def layout(file: Path, content: Content) -> tuple[str, Rows] | None:
        found = _layout(content)
        own = found is not None and found[0] == "ActivityNet-QA"
        return None if own and file.read_bytes() == answers else found

    found = read_files(path, layout, _READERS, layouts)
    by_id = {gold.id: gold for gold in golds}
    seen: set[str] = set()

    def find(given: QuestionAnswer) -> tuple[str | None, Problem | None]:
        gold = by_id.get(given.id)
        if gold is None:
            return None, Problem("unknown", given.where, f"there is no question {given.id}")
        problem = None if gold.id in seen else _problem(gold, given)
        seen.add(gold.id)
        return gold.id, problem

    join(list(by_id), found, find, {HARMLESS})
    wrong = sum(problem.kind == HARMLESS for problem in found.problems)
    if wrong:
        found.notes.append(
            f"{wrong} predictions carry another correct answer than the answers' file, which is "
            "the one that counts: the script that wrote them pairs answers by position"
        )
    return found


def _layout(content: Content) -> tuple[str, Rows] | None:
    entries = [entry for _, entry in content.rows if isinstance(entry, dict)]
    if any("pred" in entry for entry in entries):
        return "table" if content.is_table else "json", content.rows
    if entries and all(entry.keys() == _OWN for entry in entries):
        return "ActivityNet-QA", content.rows
    return ("lmms-eval", content.rows) if any(map(_details, entries)) else None


def _lmms_eval(file: Path, where: str, entry: dict[str, Any]) -> QuestionAnswer:
    own = _details(entry)
    if own is None:
        raise Malformed("nothing in it has a question_id")
    said = lmms_response(entry)
    return _made(file, where, own, answer_of(own.get("pred") if said is None else said))


_READERS: dict[str, Callable[[Path, str, dict[str, Any]], QuestionAnswer]] = {
    "json": lambda file, at, own: _made(file, at, own, answer_of(own.get("pred"))),
    "table": lambda file, at, own: _made(file, at, own, answer_in_cell(own.get("pred"))),
    "ActivityNet-QA": lambda file, at, own: _made(
        file, at, {"id": own["question_id"]}, answer_of(own["answer"])
    ),
    "lmms-eval": _lmms_eval,
}


def _details(entry: dict[str, Any]) -> dict[str, Any] | None:
    """What a line of lmms-eval has about its question: "doc", or what a metric reports."""
    parts = (value for value in entry.values() if isinstance(value, dict))
    return next((part for part in parts if "question_id" in part), None)


def _made(file: Path, where: str, entry: dict[str, Any], text: str | NoAnswer) -> QuestionAnswer:
    name = entry.get("id", entry.get("question_id"))
    if isinstance(name, bool) or not isinstance(name, str | int):
        raise Malformed('"id" is missing or neither text nor a whole number')
    question, answer = entry.get("question", entry.get("Q")), entry.get("answer", entry.get("A"))
    return QuestionAnswer(
        where,
        file.name,
        text,
        str(name),
        None if question is None else str(question),
        None if answer is None else str(answer),
    )


def _problem(gold: Gold, given: QuestionAnswer) -> Problem | None:
    if given.question is not None and _plain(given.question) != _plain(gold.question):
        what = f"{given.where} answers another question, {given.question[:80]!r}"
        return Problem("question", gold.id, what)
    if given.answer is not None and _plain(given.answer) != _plain(gold.answer):
        what = f"{given.where} takes {given.answer[:80]!r} as correct, not {gold.answer[:80]!r}"
        return Problem(HARMLESS, gold.id, what)
    return None


def _plain(text: str) -> str:
    return " ".join(text.split())
