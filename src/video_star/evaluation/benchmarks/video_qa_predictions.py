"""Anybody's answers to questions in Video-ChatGPT's format, put to the questions by their ids.

Each is {"id", "question", "answer", "pred"}: in a JSON list, or in JSON lines as Video-LLaVA writes
them, one file or a folder of them. The id decides. The question has to be the one of that id; the
"answer" is not used, as scripts that run in several processes write wrong ones there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from video_star.core.errors import DataError
from video_star.evaluation.benchmarks.prediction_files import (
    Content,
    Document,
    Lines,
    Problem,
    files_of,
    read_content,
)
from video_star.evaluation.benchmarks.video_qa_files import Gold

_ORDER = ("unreadable", "malformed", "unknown", "twice", "question", "missing", "answer")
HARMLESS: Final = "answer"
"""Kind of the problems that change no mark."""


@dataclass(frozen=True)
class _Given:
    where: str
    file: str
    id: str
    question: str | None
    answer: str | None
    text: str | None


@dataclass
class Found:
    """The answers by question id, and what is wrong with them."""

    texts: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    """Files that hold no such answers."""


def read_predictions(path: Path, golds: Sequence[Gold]) -> Found:
    """Every answer with its question; DataError when no file holds any."""
    found = Found()
    given = list(_read(path, found))
    if not found.files and not found.problems:
        raise DataError(
            f"{path}: none of its files holds answers; they are a JSON list, or JSON lines, of "
            '{"id", "question", "answer", "pred"}.'
        )
    _join(golds, given, found)
    found.problems.sort(key=lambda problem: _ORDER.index(problem.kind))
    return found


def _read(path: Path, found: Found) -> Iterator[_Given]:
    for file in files_of(path):
        content = read_content(file)
        if isinstance(content, Problem):
            found.problems.append(content)
            continue
        entries = list(_entries(file, content))
        if not any(isinstance(entry, dict) and "pred" in entry for _, entry in entries):
            found.ignored.append(file.name)
            continue
        found.files.append(file.name)
        found.problems.extend(content.problems if content else ())
        for where, entry in entries:
            try:
                yield _given(file, where, entry)
            except ValueError as error:
                found.problems.append(Problem("malformed", where, str(error)))


def _entries(file: Path, content: Content) -> Iterator[tuple[str, Any]]:
    if isinstance(content, Lines):
        yield from content.rows
    elif isinstance(content, Document) and isinstance(content.value, list):
        for index, entry in enumerate(content.value):
            yield f"{file.name}[{index}]", entry
    elif isinstance(content, Document):
        yield f"{file.name}:1", content.value  # JSON lines, of which there is but one


def _given(file: Path, where: str, entry: Any) -> _Given:
    if not isinstance(entry, dict):
        raise ValueError("not a JSON object")
    name, text = entry.get("id"), entry.get("pred")
    if isinstance(name, bool) or not isinstance(name, str | int):
        raise ValueError('"id" is missing or neither text nor a whole number')
    if text is not None and not isinstance(text, str):
        raise ValueError(f'"pred" of {name} is {text!r}, not a text')
    question, answer = (
        None if entry.get(key) is None else str(entry[key]) for key in ("question", "answer")
    )
    return _Given(where, file.name, str(name), question, answer, text)


def _join(golds: Sequence[Gold], given: Sequence[_Given], found: Found) -> None:
    by_id = {gold.id: gold for gold in golds}
    first: dict[str, _Given] = {}
    same: Counter[tuple[str, str]] = Counter()
    for one in given:
        gold, before = by_id.get(one.id), first.setdefault(one.id, one)
        if gold is None:
            what = f"there is no question {one.id}"
            found.problems.append(Problem("unknown", one.where, what))
        elif before is not one and before.file != one.file and before.text == one.text:
            same[before.file, one.file] += 1
        elif before is not one:
            what = f"two answers: {before.where} and {one.where}"
            found.problems.append(Problem("twice", gold.id, what))
        else:
            _take(gold, one, found)
    for gold in golds:
        if gold.id not in first:
            found.problems.append(Problem("missing", gold.id, "no file has an answer to it"))
    found.notes += [f"{n} answers of {b} stand in {a} already" for (a, b), n in same.items()]
    wrong = sum(problem.kind == HARMLESS for problem in found.problems)
    if wrong:
        found.notes.append(
            f"{wrong} predictions carry another correct answer than the answers' file, which is "
            "the one that counts: the script that wrote them pairs answers by position"
        )


def _take(gold: Gold, one: _Given, found: Found) -> None:
    if one.question is not None and _plain(one.question) != _plain(gold.question):
        what = f"{one.where} answers another question, {one.question[:80]!r}"
        found.problems.append(Problem("question", gold.id, what))
        return
    if one.answer is not None and _plain(one.answer) != _plain(gold.answer):
        what = f"{one.where} takes {one.answer[:80]!r} as correct, not {gold.answer[:80]!r}"
        found.problems.append(Problem(HARMLESS, gold.id, what))
    if one.text is None:
        what = f"its pred is null or there is none ({one.where})"
        found.problems.append(Problem("missing", gold.id, what))
    else:
        found.texts[gold.id] = one.text


def _plain(text: str) -> str:
    return " ".join(text.split())
