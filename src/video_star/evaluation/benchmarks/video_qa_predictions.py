"""Answers of any model in Video-ChatGPT's format, joined with the questions by their ids.

Each is {"id", "question", "answer", "pred"}: in a JSON list, or in JSON lines as Video-LLaVA writes
them, one file or a folder of them. The id decides. The question has to be the one of that id; the
"answer" is not used, as scripts that run in several processes write wrong ones there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from video_star.evaluation.benchmarks.prediction_files import Content, Problem, Rows
from video_star.evaluation.benchmarks.predictions import (
    Given,
    Malformed,
    Predictions,
    answer_of,
    join,
    read_files,
)
from video_star.evaluation.benchmarks.video_qa_files import Gold

HARMLESS: Final = "answer"
"""Kind of the problems that change no score."""


@dataclass(frozen=True)
class QuestionAnswer(Given):
    """One answer and what its file has about the question."""

    id: str
    question: str | None
    answer: str | None


def read_predictions(path: Path, golds: Sequence[Gold]) -> Predictions[QuestionAnswer]:
    """Every answer with its question; DataError when no file holds any."""
    layouts = 'they are a JSON list, or JSON lines, of {"id", "question", "answer", "pred"}'
    found = read_files(path, _layout, {"json": _read}, layouts)
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


def _layout(_: Path, content: Content) -> tuple[str, Rows] | None:
    answers = any(isinstance(entry, dict) and "pred" in entry for _, entry in content.rows)
    return ("json", content.rows) if answers else None


def _read(file: Path, where: str, entry: dict[str, Any]) -> QuestionAnswer:
    name = entry.get("id")
    if isinstance(name, bool) or not isinstance(name, str | int):
        raise Malformed('"id" is missing or neither text nor a whole number')
    question, answer = (
        None if entry.get(key) is None else str(entry[key]) for key in ("question", "answer")
    )
    return QuestionAnswer(where, file.name, answer_of(entry, "pred"), str(name), question, answer)


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
