"""Reads anybody's TempCompass answers: three layouts, told apart by their content.

official     one {task}.json: {video: {aspect: [{question, answer, prediction}, ...]}}
lmms-eval    *_samples_tempcompass_*.jsonl: one object per question, details in "avg_accuracy"
VLMEvalKit   a table (xlsx, tsv, csv or JSON records) with columns video, dim, prediction, ...
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from video_star.core.errors import DataError
from video_star.evaluation.benchmarks.prediction_files import (
    Content,
    Document,
    Lines,
    Problem,
    files_of,
    read_content,
)
from video_star.evaluation.benchmarks.tempcompass_items import bare_id
from video_star.evaluation.benchmarks.tempcompass_rules import TASKS

Layout = Literal["official", "lmms-eval", "VLMEvalKit"]
_TABLE = frozenset({"video", "dim", "question", "prediction"})
_OPTIONS = ("multi-choice", "caption_matching")


@dataclass(frozen=True)
class Given:
    """One answer as it stands in a file; text None is an answer that there is not."""

    where: str
    file: str
    video: str
    aspect: str
    question: str
    text: str | None
    answer: str | None = None
    """What the file says is right, where its layout says so of the question itself."""
    task: str | None = None
    index: int | None = None
    """Place in the list of the official layout."""


@dataclass
class Found:
    """What the files of a folder hold."""

    given: list[Given] = field(default_factory=list)
    files: dict[str, Layout] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    """Files that hold no answers to TempCompass."""
    problems: list[Problem] = field(default_factory=list)


class _Malformed(Exception):
    """One entry cannot be used; the message says why."""


def read_predictions(path: Path) -> Found:
    """Every answer of a file or folder; DataError when no file of it holds any."""
    found = Found()
    for file in files_of(path):
        content = read_content(file)
        if isinstance(content, Problem):
            found.problems.append(content)
            continue
        layout = _layout(file, content)
        if layout is None or content is None:
            found.ignored.append(file.name)
            continue
        found.files[file.name] = layout
        found.problems.extend(content.problems)
        for where, entry in _entries(file, content):
            try:
                found.given.append(_READERS[layout](file, where, entry))
            except _Malformed as error:
                found.problems.append(Problem("malformed", where, str(error)))
    if not found.files and not found.problems:
        raise DataError(
            f"{path}: none of its files holds TempCompass answers; they are read in the official "
            "layout ({task}.json), as lmms-eval sample logs or as VLMEvalKit tables."
        )
    return found


def _layout(file: Path, content: Content) -> Layout | None:
    """Whose layout it is, by the first entry."""
    first = next((entry for _, entry in _entries(file, content)), None)
    if first is None:
        return None
    if isinstance(first.get("avg_accuracy"), dict):
        return "lmms-eval" if "dim" in first["avg_accuracy"] else None
    if isinstance(content, Document) and isinstance(content.value, dict):
        # Official results, which may lie beside answers, have ratings.
        return "official" if "question" in first and "rating" not in first else None
    return "VLMEvalKit" if first.keys() >= _TABLE else None


def _entries(file: Path, content: Content) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where each entry stands, and the entry; what is no entry is left to the readers."""
    if isinstance(content, Lines):
        yield from content.rows
    elif isinstance(content, Document) and isinstance(content.value, list):
        for index, entry in enumerate(content.value):
            yield f"{file.name}[{index}]", entry if isinstance(entry, dict) else {}
    elif isinstance(content, Document) and isinstance(content.value, dict):
        if isinstance(content.value.get("avg_accuracy"), dict):
            yield f"{file.name}:1", content.value  # JSON lines, of which there is but one
            return
        for video, aspects in content.value.items():
            for aspect, entries in aspects.items() if isinstance(aspects, dict) else ():
                for index, entry in enumerate(entries if isinstance(entries, list) else ()):
                    place = {"video": video, "aspect": aspect, "index": index}
                    where = f"{file.name} {video}/{aspect}/{index}"
                    yield where, {**(entry if isinstance(entry, dict) else {}), **place}


def _official(file: Path, where: str, entry: dict[str, Any]) -> Given:
    text = entry["prediction"] if "prediction" in entry else entry.get("response")
    if text is not None and not isinstance(text, str):
        raise _Malformed(f"the prediction {text!r} is not a text")
    return Given(
        where=where,
        file=file.name,
        video=bare_id(entry["video"]),
        aspect=entry["aspect"],
        question=_text(entry, "question"),
        text=text,
        answer=_text(entry, "answer"),
        task=file.stem if file.stem in TASKS else None,
        index=entry["index"],
    )


def _lmms_eval(file: Path, where: str, entry: dict[str, Any]) -> Given:
    own = entry.get("avg_accuracy")
    if not isinstance(own, dict):
        raise _Malformed('has no "avg_accuracy"')
    text = own.get("video-llm-prediction")
    if text is not None and not isinstance(text, str):
        raise _Malformed(f"the prediction {text!r} is not a text")
    caption = "chatgpt-answer" in own
    return Given(
        where=where,
        file=file.name,
        video=bare_id(_text(own, "video_id")),
        aspect=_text(own, "dim"),
        question=_text(own, "question"),
        text=text,
        # Of a caption, it is the answer to another question that stands there.
        answer=None if caption else _text(own, "gt-answer"),
        task="captioning" if caption else None,
    )


def _vlmevalkit(file: Path, where: str, row: dict[str, Any]) -> Given:
    task = row.get("task_type")
    question = _text(row, "question")
    if task in _OPTIONS:
        question = "\n".join([question, *_options(row.get("candidates"))])
    text = row.get("prediction")
    return Given(
        where=where,
        file=file.name,
        video=bare_id(_cell(row, "video")),
        aspect=_text(row, "dim"),
        question=question,
        # A table cannot tell an empty answer from none: the row is there, so it is an answer.
        text="" if text is None or text != text else str(text),
        answer=_cell(row, "answer") if "answer" in row else None,
        task=task if task in TASKS else None,
    )


_READERS = {"official": _official, "lmms-eval": _lmms_eval, "VLMEvalKit": _vlmevalkit}


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise _Malformed(f'"{key}" is missing or no text')
    return value


def _cell(row: dict[str, Any], key: str) -> str:
    """A cell that table programs may have turned into a number, such as the id of a video."""
    value = row.get(key)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int):
        return str(value)
    return _text(row, key)


def _options(cell: Any) -> list[str]:
    """The option lines, which tables keep as the text of a Python list."""
    if isinstance(cell, str):
        try:
            cell = ast.literal_eval(cell)
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise _Malformed(f'"candidates" {cell[:60]!r} is not a list') from error
    if not isinstance(cell, list) or not all(isinstance(option, str) for option in cell):
        raise _Malformed('"candidates" is not a list of texts')
    return cell
