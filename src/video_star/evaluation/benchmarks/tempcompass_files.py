"""Reads TempCompass' official question files and meta_info.json; refuses what cannot be scored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from video_star.core.errors import DataError
from video_star.evaluation.benchmarks.tempcompass_rules import (
    TASKS,
    Task,
    option_lines,
    option_text,
)

T = TypeVar("T")
Aspect = Literal["action", "direction", "speed", "order", "attribute_change"]


class Question(BaseModel):
    """One question with its right answer; other keys of the files are not needed."""

    model_config = ConfigDict(frozen=True)

    question: str = Field(min_length=1)
    answer: str = Field(min_length=1)


class _Kind(BaseModel):
    type: str | None = None


class _Meta(BaseModel):
    eval_dim: dict[str, _Kind | None]


Entries: TypeAlias = Annotated[list[Question], Field(min_length=1)]
ByVideo: TypeAlias = dict[str, dict[Aspect, Entries]]
Questions: TypeAlias = dict[Task, ByVideo]
_QUESTIONS: TypeAdapter[ByVideo] = TypeAdapter(ByVideo)
_META: TypeAdapter[dict[str, _Meta]] = TypeAdapter(dict[str, _Meta])


def load(folder: Path) -> Questions:
    """The four question files in `folder`; DataError names file, video, aspect and index."""
    questions: Questions = {}
    for task in TASKS:
        path = folder / f"{task}.json"
        questions[task] = _read(path, _QUESTIONS)
        for problem in _problems(task, questions[task]):
            raise DataError(f"{path}: {problem}; correct the file or fetch it again.")
    choices = questions["multi-choice"]
    for video, aspects in questions["captioning"].items():
        for aspect in aspects:
            if aspect not in choices.get(video, {}):
                raise DataError(
                    f"{folder}/captioning.json: {video}/{aspect} has no multi-choice "
                    "question, by whose options captions are scored; add it to multi-choice.json."
                )
    return questions


def load_types(path: Path, questions: Questions) -> dict[tuple[str, str], str]:
    """The fine-grained type of each (video, aspect), from the file meta_info.json.

    Order has none there, and its entry may be null: the type is "order", as in the official scorer.
    """
    metas = _read(path, _META)
    types: dict[tuple[str, str], str] = {}
    for video, aspect in {
        (v, a) for task in TASKS for v, own in questions[task].items() for a in own
    }:
        if aspect == "order":
            types[video, aspect] = "order"
            continue
        meta = metas.get(video.replace(".jpg", "").replace(".mp4", ""))
        kind = meta.eval_dim.get(aspect) if meta else None
        if kind is None or kind.type is None:
            raise DataError(f"{path}: no type for {video}/{aspect}; add it under eval_dim.")
        types[video, aspect] = kind.type
    return types


def _problems(task: Task, videos: ByVideo) -> Iterator[str]:
    for video, aspects in videos.items():
        for aspect, entries in aspects.items():
            for index, entry in enumerate(entries):
                problem = _problem(task, entry)
                if problem:
                    yield f"{video}/{aspect}[{index}]: {problem}"


def _problem(task: Task, entry: Question) -> str | None:
    """What makes a question impossible to score, or None."""
    if task == "yes_no":
        known = entry.answer in ("yes", "no")
        return None if known else f'the answer {entry.answer!r} is neither "yes" nor "no"'
    if task == "captioning":
        return None
    lines = option_lines(entry.question)
    if task == "multi-choice" and any(option_text(line) is None for line in lines):
        return "an option line does not begin with a letter and a full stop"
    if task == "caption_matching" and any(": " not in line for line in lines):
        return "an option line has no ': ' after its name"
    if task == "caption_matching" and any(" " not in line.split(": ")[0] for line in lines):
        return "an option's name is not two words, such as 'Caption A'"
    return None if entry.answer in lines else f"the answer {entry.answer!r} is not an option line"


def _read(path: Path, kind: TypeAdapter[T]) -> T:
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); "
            "the official question files and meta_info.json are needed, as in the TempCompass "
            "repository."
        ) from error
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}); fetch the file again.") from error
    try:
        return kind.validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = "/".join(str(part) for part in first["loc"])
        raise DataError(f"{path}: {where}: {first['msg']}; correct the entry.") from error
