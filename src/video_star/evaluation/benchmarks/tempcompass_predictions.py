"""Reads TempCompass answers of any model: three layouts, recognised by their content.

official     one {task}.json: {video: {aspect: [{question, answer, prediction}, ...]}}
lmms-eval    *_samples_tempcompass_*.jsonl: one object per question, details in "avg_accuracy" or,
             as with --predict_only, in "doc"
VLMEvalKit   a table (xlsx, tsv, csv or JSON records) with columns video, dim, prediction, ...

Answers belong to questions by what was asked, never by their position alone.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from video_star.evaluation.benchmarks.prediction_files import Content, Problem, Rows
from video_star.evaluation.benchmarks.predictions import (
    Given,
    Malformed,
    Predictions,
    answer_in_cell,
    answer_of,
    join,
    lmms_response,
    read_files,
    text_of,
)
from video_star.evaluation.benchmarks.tempcompass_official import TASKS, Gold, Task, bare_id

_TABLE = frozenset({"video", "dim", "question", "prediction"})
_DOC = frozenset({"video_id", "dim", "question"})
_OPTIONS = ("multi-choice", "caption_matching")
_LAYOUTS = (
    "they are read in the official layout ({task}.json), as lmms-eval sample logs or as VLMEvalKit "
    "tables"
)


@dataclass(frozen=True)
class TaskAnswer(Given):
    """One answer and what its file has about the question."""

    video: str
    aspect: str
    question: str
    answer: str | None = None
    """The right answer by the file, where its layout has one for the question itself."""
    task: str | None = None
    index: int | None = None
    """Position in the list of the official layout."""


def read_predictions(path: Path, golds: Sequence[Gold]) -> Predictions[TaskAnswer]:
    """Every answer of a file or folder with its question; DataError when no file holds any."""
    found = read_files(path, _layout, _READERS, _LAYOUTS)
    join_answers(golds, found)
    return found


def join_answers(golds: Sequence[Gold], found: Predictions[TaskAnswer]) -> None:
    """Join each answer with its question, in place."""
    by_pair: dict[tuple[str, str], list[Gold]] = defaultdict(list)
    for gold in golds:
        by_pair[bare_id(gold.video), gold.aspect].append(gold)
    used: set[tuple[str, str]] = set()

    def one_of(asked: Sequence[Gold], given: TaskAnswer) -> Gold:
        """The same words can be asked twice of a video: by position, else the next unused one."""
        unused = (g for g in asked if (given.file, g.id) not in used)
        gold = next((g for g in asked if g.index == given.index), None) or next(unused, asked[0])
        used.add((given.file, gold.id))
        return gold

    def find(given: TaskAnswer) -> tuple[str | None, Problem | None]:
        """The question's id, and what is wrong with the answer; None for an unknown question."""
        pair = by_pair.get((given.video, given.aspect), ())
        listed = [gold for gold in pair if given.task in (None, gold.task)]
        if asked := [gold for gold in listed if gold.question == given.question]:
            gold = one_of(asked, given)
            if given.answer in (None, gold.answer) or gold.task == "captioning":
                return gold.id, None
            what = f"{given.where} takes {given.answer!r} as right, the questions {gold.answer!r}"
            return gold.id, Problem("answer", gold.id, what)
        at = next((g for g in listed if given.task and g.index == given.index), None)
        if at is not None:
            what = f"{given.where} answers another question, {given.question[:80]!r}"
            return at.id, Problem("question", at.id, what)
        about = "no such question" if listed else "no question"
        what = f"there is {about} about {given.video}/{given.aspect}: {given.question[:80]!r}"
        return None, Problem("unknown", given.where, what)

    join([gold.id for gold in golds], found, find)


def leave_out_absent_tasks(
    golds: Sequence[Gold], found: Predictions[TaskAnswer]
) -> tuple[list[Gold], list[Task]]:
    """The questions of tasks that are answered at all, and the other tasks.

    What is missing of those is one trouble, and noted; where no task is answered all are kept.
    """
    answered = {gold.task for gold in golds if gold.id in found.named}
    absent = [task for task in TASKS if task not in answered] if answered else []
    counts = Counter(gold.task for gold in golds)
    found.notes += [
        f"{task}: no file has an answer to any of its {counts[task]:,} questions, so it is absent"
        for task in absent
    ]
    gone = {gold.id for gold in golds if gold.task in absent}
    found.problems = [
        own for own in found.problems if own.kind != "missing" or own.where not in gone
    ]
    return [gold for gold in golds if gold.id not in gone], absent


def _layout(file: Path, content: Content) -> tuple[str, Rows] | None:
    """The layout of a file by its entries, and these."""
    rows = content.rows
    if any(_details(entry) for _, entry in rows):
        return "lmms-eval", rows
    if content.is_object:
        rows = list(_official_rows(file.name, rows[0][1]))
        # Official results, which may lie beside answers, have ratings.
        is_answer = rows and "question" in rows[0][1] and "rating" not in rows[0][1]
        return ("official", rows) if is_answer else None
    is_table = any(isinstance(entry, dict) and entry.keys() >= _TABLE for _, entry in rows[:1])
    return ("VLMEvalKit", rows) if is_table else None


def _details(entry: Any) -> dict[str, Any] | None:
    """What a line of lmms-eval has about its question: what its task reports, else the question."""
    own = entry if isinstance(entry, dict) else {}
    found = (own.get("avg_accuracy"), own.get("doc"))
    return next((one for one in found if isinstance(one, dict) and one.keys() >= _DOC), None)


def _official_rows(file: str, videos: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for video, aspects in videos.items():
        for aspect, entries in aspects.items() if isinstance(aspects, dict) else ():
            for index, entry in enumerate(entries if isinstance(entries, list) else ()):
                place = {"video": video, "aspect": aspect, "index": index}
                where = f"{file} {video}/{aspect}/{index}"
                yield where, {**(entry if isinstance(entry, dict) else {}), **place}


def _official(file: Path, where: str, entry: dict[str, Any]) -> TaskAnswer:
    return TaskAnswer(
        where=where,
        file=file.name,
        video=bare_id(entry["video"]),
        aspect=entry["aspect"],
        question=text_of(entry, "question"),
        text=answer_of(entry.get("prediction", entry.get("response"))),
        answer=text_of(entry, "answer"),
        task=file.stem if file.stem in TASKS else None,
        index=entry["index"],
    )


def _lmms_eval(file: Path, where: str, entry: dict[str, Any]) -> TaskAnswer:
    own = _details(entry)
    if own is None:
        raise Malformed('has neither "avg_accuracy" nor "doc" with video_id, dim and question')
    is_caption = "chatgpt-answer" in own or "mc_question" in own
    is_doc = own is entry.get("doc")
    return TaskAnswer(
        where=where,
        file=file.name,
        video=bare_id(text_of(own, "video_id")),
        aspect=text_of(own, "dim"),
        question=text_of(own, "question"),
        text=answer_of(lmms_response(entry) if is_doc else own.get("video-llm-prediction")),
        # For captions, this is the answer to another question.
        answer=None if is_caption else text_of(own, "answer" if is_doc else "gt-answer"),
        task="captioning" if is_caption else None,
    )


def _vlmevalkit(file: Path, where: str, row: dict[str, Any]) -> TaskAnswer:
    task = row.get("task_type")
    question = text_of(row, "question")
    if task in _OPTIONS:
        question = "\n".join([question, *_options(row.get("candidates"))])
    return TaskAnswer(
        where=where,
        file=file.name,
        video=bare_id(_cell(row, "video")),
        aspect=text_of(row, "dim"),
        question=question,
        text=answer_in_cell(row.get("prediction")),
        answer=_cell(row, "answer") if "answer" in row else None,
        task=task if task in TASKS else None,
    )


_READERS = {"official": _official, "lmms-eval": _lmms_eval, "VLMEvalKit": _vlmevalkit}


def _cell(row: dict[str, Any], key: str) -> str:
    """A cell that table programs may have turned into a number, such as the id of a video."""
    value = row.get(key)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int):
        return str(value)
    return text_of(row, key)


def _options(cell: Any) -> list[str]:
    """The option lines, which tables keep as the text of a Python list."""
    if isinstance(cell, str):
        try:
            cell = ast.literal_eval(cell)
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise Malformed(f'"candidates" {cell[:60]!r} is not a list') from error
    if not isinstance(cell, list) or not all(isinstance(option, str) for option in cell):
        raise Malformed('"candidates" is not a list of texts')
    return cell
