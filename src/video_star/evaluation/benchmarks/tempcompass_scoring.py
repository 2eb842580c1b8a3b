"""`video-star score tempcompass`: anybody's answers to TempCompass get the official scores.

No model is loaded. What is wrong with the answers is named item by item before anything is scored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from video_star.core.errors import DataError
from video_star.evaluation.benchmarks import judge_option
from video_star.evaluation.benchmarks.prediction_files import Problem
from video_star.evaluation.benchmarks.tempcompass_files import load, load_types
from video_star.evaluation.benchmarks.tempcompass_items import golds
from video_star.evaluation.benchmarks.tempcompass_join import Joined, join
from video_star.evaluation.benchmarks.tempcompass_judge import (
    ChatJudge,
    Judge,
    RecordedJudge,
    open_chat,
)
from video_star.evaluation.benchmarks.tempcompass_predictions import Found, read_predictions
from video_star.evaluation.benchmarks.tempcompass_scores import Mark, item, mark_all, summary
from video_star.evaluation.metrics import Bootstrap

VERSION = 1
"""Version of the report."""


@dataclass(frozen=True)
class Inputs:
    """Questions and the answers to them."""

    questions: Path
    """Folder with the four official question files, or the one that holds it as questions/."""
    predictions: Path
    """Folder (or file) with answers in any of the layouts of tempcompass_predictions.py."""
    meta: Path | None = None
    """meta_info.json; None looks for it in the questions' folder and the folder around it."""


@dataclass(frozen=True)
class Scored:
    """The report, and what was wrong with the answers."""

    report: dict[str, Any]
    refused: bool
    """Whether the answers are wrong, so that nothing was scored."""
    problems: Sequence[Problem]


def score(inputs: Inputs, judge: Judge | None, bootstrap: Bootstrap, allow_missing: bool) -> Scored:
    """Score the answers, or say why not: any problem stops it, but missing ones may be allowed."""
    folder = questions_folder(inputs.questions)
    questions = load(folder)
    fine = load_types(meta_file(folder, inputs.meta), questions)
    asked = list(golds(questions))
    found = read_predictions(inputs.predictions)
    joined = join(asked, found)
    stops = [p for p in joined.problems if not (allow_missing and p.kind == "missing")]
    marks = [] if stops else mark_all(asked, fine, joined.texts, judge)
    figures = {"accuracy": None} if stops else summary(marks, bootstrap)
    report = {
        "benchmark": "tempcompass",
        "report": VERSION,
        "unit": "percent",
        "refused": bool(stops),
        "questions": len(asked),
        **figures,
        "bootstrap": {"resamples": bootstrap.resamples, "seed": bootstrap.seed, "by": "video"},
        "judge": _judge(judge, marks),
        **_inputs(found, joined, judge),
        "items": [item(mark) for mark in marks],
    }
    return Scored(report, bool(stops), joined.problems)


def open_judge(text: str, model: str | None, replies: Path | None) -> Judge | None:
    """The judge that `--judge` names; see judge_option."""

    def served(url: str, name: str) -> Judge:
        return ChatJudge(open_chat(url, name, replies))

    return judge_option.open_judge(text, model, RecordedJudge, served)


def questions_folder(folder: Path) -> Path:
    """The folder that holds the four question files itself."""
    inner = folder / "questions"
    return inner if inner.is_dir() and not (folder / "multi-choice.json").exists() else folder


def meta_file(questions: Path, meta: Path | None) -> Path:
    """The given file, or meta_info.json in the questions' folder, or in the folder around it."""
    if meta is not None:
        return meta
    own, around = questions / "meta_info.json", questions.absolute().parent / "meta_info.json"
    if not own.exists() and not around.exists():
        raise DataError(
            f"{around}: there is no meta_info.json there or in {questions}; it names the "
            "fine-grained aspects: fetch it with the questions or name it with --meta."
        )
    return own if own.exists() else around


def _judge(judge: Judge | None, marks: Sequence[Mark]) -> dict[str, Any]:
    """Who judged, how much of it, and what it left unscored."""
    judged = sum(mark.judged for mark in marks)
    unscored = Counter(mark.reason for mark in marks if mark.rating is None)
    return {
        "name": None if judge is None else judge.name,
        "version": None if judge is None else judge.version,
        "judged": judged,
        "share": 100 * judged / len(marks) if marks else None,
        "unscored": dict(sorted(unscored.items())),
    }


def _inputs(found: Found, joined: Joined, judge: Judge | None) -> dict[str, Any]:
    """What was read and what is to be said about it."""
    notes = [*joined.notes, *(judge.notes if judge else [])]
    return {
        "files": found.files,
        "ignored_files": found.ignored,
        "notes": notes,
        "problems": [asdict(problem) for problem in joined.problems],
    }
