"""A small TempCompass: questions, answers to them and official results, in all layouts."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from video_star.evaluation.benchmarks.judging import Judge
from video_star.evaluation.benchmarks.scoring import Scored
from video_star.evaluation.benchmarks.tempcompass_judge import Answer
from video_star.evaluation.benchmarks.tempcompass_official import Gold, load
from video_star.evaluation.benchmarks.tempcompass_scoring import Inputs, score
from video_star.evaluation.metrics import Bootstrap

Files = dict[str, dict[str, dict[str, list[dict[str, Any]]]]]

LEFT = {"question": "Which way?\nA. left\nB. right", "answer": "B. right"}
FIRST = {"question": "What is first?\nA. a jump\nB. a fall", "answer": "A. a jump"}
PACE = {"question": "How fast?\nA. slowly\nB. fast\nC. at 2x", "answer": "C. at 2x"}
CAPTION = {
    "question": "Which caption fits better?\nCaption A: It jumps.\nCaption B: It sits.",
    "answer": "Caption A: It jumps.",
}
INFORM = {
    "question": "Write a caption.\nInformation A: {'subject': 'it', 'order': 'a jump'}\n"
    "Information B: {'subject': 'it', 'order': 'a fall'}\nGenerated Caption:",
    "answer": "A. a jump",
}
SAME = {"question": "Is it going right?", "answer": "yes"}
QUESTIONS: Files = {
    "multi-choice": {"7": {"direction": [LEFT], "order": [FIRST]}, "8_reverse": {"speed": [PACE]}},
    "yes_no": {
        "7": {"direction": [SAME, SAME, {"question": "Is it going left?", "answer": "no"}]},
        "8_reverse": {"speed": [{"question": "Is it fast?", "answer": "no"}]},
    },
    "caption_matching": {"7": {"order": [CAPTION]}},
    "captioning": {"7": {"order": [INFORM, {**INFORM, "answer": "B. a fall"}]}},
}
META = {
    "7": {"eval_dim": {"direction": {"type": "object motion"}, "order": None}},
    "8_reverse": {"eval_dim": {"speed": {"type": "absolute speed"}}},
}
ANSWERS: dict[str, list[str]] = {
    "multi-choice": ["B", "The jump", "A) slowly"],
    "yes_no": ["Yes.", "No", "no way", "It is."],
    "caption_matching": ["Caption A"],
    "captioning": ["It jumps first.", "It falls, then it jumps."],
}
"""In the order of the questions. Rules: 1, unmatched, 0; 1, 0, 1, unmatched; 1; captions."""
RATINGS = {
    "multi-choice": [1, 1, 0],
    "yes_no": [1, 0, 1, 0],
    "caption_matching": [1],
    "captioning": [1, 0],
}
"""Of the official scorer with its judge."""


def write_questions(folder: Path) -> Path:
    """The official repository's files below a folder; returns the folder of the questions."""
    for task, content in QUESTIONS.items():
        _write_json(folder / "questions" / f"{task}.json", content)
    _write_json(folder / "meta_info.json", META)
    return folder / "questions"


def answered(
    questions: Files = QUESTIONS, answers: dict[str, list[str]] = ANSWERS
) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Task, video, aspect and the entry with its prediction, in the order of the questions."""
    for task, videos in questions.items():
        texts = iter(answers[task])
        for video, aspects in videos.items():
            for aspect, entries in aspects.items():
                for entry in entries:
                    yield task, video, aspect, {**entry, "prediction": next(texts)}


def official(questions: Files = QUESTIONS, answers: dict[str, list[str]] = ANSWERS) -> Files:
    """The answers in the official layout."""
    files: Files = {task: {} for task in questions}
    for task, video, aspect, entry in answered(questions, answers):
        files[task].setdefault(video, {}).setdefault(aspect, []).append(entry)
    return files


def results(ratings: dict[str, list[int]] = RATINGS) -> Files:
    """Official result files with these ratings, in the order of the questions."""
    files: Files = {task: {} for task in QUESTIONS}
    left = {task: iter(values) for task, values in ratings.items()}
    for task, video, aspect, entry in answered():
        result = {
            "question": entry["question"],
            "gt-answer": entry["answer"],
            "video-llm-prediction": entry["prediction"],
            "rating": next(left[task]),
        }
        if task == "captioning":
            del result["question"]
        files[task].setdefault(video, {}).setdefault(aspect, []).append(result)
    return files


def scored(
    questions: Path,
    answers: Path,
    judge: Judge[Answer] | None = None,
    allow_missing: bool = False,
) -> Scored:
    """What `video-star score tempcompass` makes of answers."""
    return score(Inputs(questions, answers), judge, Bootstrap(100, 0), allow_missing)


def load_golds(folder: Path) -> list[Gold]:
    """The questions, written below a folder and read."""
    questions = write_questions(folder)
    return load(questions, questions.parent / "meta_info.json")


def write_tasks(folder: Path, files: Files) -> Path:
    """One {task}.json for each task."""
    for task, content in files.items():
        _write_json(folder / f"{task}.json", content)
    return folder


def lmms_lines(
    questions: Files = QUESTIONS, answers: dict[str, list[str]] = ANSWERS
) -> dict[str, list[dict[str, Any]]]:
    """Sample logs of lmms-eval by task: what its TempCompass task writes for each question."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for task, video, aspect, entry in answered(questions, answers):
        own = lines.setdefault(task, [])
        details = {
            "video_id": video,
            "question": entry["question"],
            "gt-answer": entry["answer"],
            "video-llm-prediction": entry["prediction"],
            "rating": 0,
            "dim": aspect,
        }
        if task == "captioning":
            details |= {"chatgpt-reasoning": None, "chatgpt-answer": None}
            details["gt-answer"] = questions["multi-choice"][video][aspect][0]["answer"]
        own.append(
            {
                "doc_id": len(own),
                "target": entry["answer"],
                "input": entry["question"],
                "filtered_resps": entry["prediction"],
                "doc_hash": "0" * 8,
                "avg_accuracy": details,
                f"{aspect}_accuracy": details,
            }
        )
    return lines


def write_lmms(folder: Path, lines: dict[str, list[dict[str, Any]]]) -> Path:
    """Its files, with the summary that lies beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for task, own in lines.items():
        name = f"20240910_samples_tempcompass_{task.replace('-', '_')}.jsonl"
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in own)
        (folder / name).write_text(text, encoding="utf-8")
    _write_json(folder / "20240910_results.json", {"results": {"tempcompass_yes_no": {}}})
    return folder


def table_rows(
    questions: Files = QUESTIONS, answers: dict[str, list[str]] = ANSWERS
) -> list[dict[str, Any]]:
    """The rows of VLMEvalKit's table of all tasks."""
    rows = []
    for task, video, aspect, entry in answered(questions, answers):
        stem, *options = entry["question"].split("\n")
        choice = task in ("multi-choice", "caption_matching")
        rows.append(
            {
                "task_type": task,
                "prefix": "./videos",
                "suffix": ".mp4",
                "video": video,
                "question": stem if choice else entry["question"],
                "answer": entry["answer"],
                "dim": aspect,
                "candidates": str(options) if choice else None,
                "index": len(rows),
                "prediction": entry["prediction"],
            }
        )
    return rows


def write_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A table as pandas writes it, by the suffix of its name: NaN where there are no candidates."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        bare = {"candidates": math.nan}
        filled = [row | bare if row.get("candidates", "") is None else row for row in rows]
        path.write_text(json.dumps(filled), encoding="utf-8")
    elif path.suffix == ".xlsx":
        book = pytest.importorskip("openpyxl").Workbook()
        book.active.append(list(rows[0]))
        for row in rows:
            cells = (None if value != value else value for value in row.values())
            book.active.append([int(v) if str(v).isdecimal() else v for v in cells])
        book.save(path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            comma = "," if path.suffix == ".csv" else "\t"
            writer = csv.DictWriter(file, rows[0], delimiter=comma, quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(rows)
    return path


def change(path: Path, edit: Callable[[Any], None]) -> None:
    """Edit a JSON file in place."""
    content = json.loads(path.read_text(encoding="utf-8"))
    edit(content)
    _write_json(path, content)


def _write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=4), encoding="utf-8")
