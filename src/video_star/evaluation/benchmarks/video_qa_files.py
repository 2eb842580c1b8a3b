"""Questions and answers in Video-ChatGPT's file format, and the videos that they are about.

    test_q.json   a list of {"video_name", "question", "question_id"}
    test_a.json   a list of {"answer", "question_id"}; "type", where it has one, makes a slice
    videos/       <video_name>.mp4, .avi, .mov, .mkv, .webm or .gif, with or without "v_" before it

Answers belong to questions by their id. The original scripts take them by position, and with
several processes pair most questions with answers to others. Answers without any id can only be
taken by position: that has to be asked for (`aligned`), and needs as many answers as questions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from video_star.core.errors import DataError
from video_star.data.manifest import LISTED
from video_star.evaluation.benchmarks.prediction_files import Problem, read_content

SUFFIXES: Final = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".gif")
"""In the order in which they are looked for."""
_CUT = re.compile(r"([\w-]{11})_\d{1,6}_\d{1,6}", re.ASCII)
"""A clip of a YouTube video, as MSVD names them."""


@dataclass(frozen=True)
class Gold:
    """One question and its correct answer."""

    id: str
    question_id: str | int
    """The id as the file has it."""
    video: str
    question: str
    answer: str
    type: str | None


@dataclass(frozen=True)
class _Answer:
    id: str | None
    text: str
    type: str | None


def load(questions: Path, answers: Path, aligned: bool) -> list[Gold]:
    """Every question with its answer, in the order of the questions' file.

    DataError names each entry that is malformed, has its id twice, or has no counterpart.
    """
    asked, given = load_questions(questions), _entries(answers, _answer)
    if any(answer.id for _, answer in given):
        found = _by_id(answers, asked, given)
    elif not aligned:
        raise DataError(
            f"{answers}: its answers have no question_id, so they can only be taken by position; "
            "set aligned (--aligned) if they are in the order of the questions."
        )
    elif len(asked) != len(given):
        raise DataError(
            f"{answers}: has {len(given)} answers without question_id to the {len(asked)} "
            f"questions of {questions}; name the file that belongs to them."
        )
    else:
        found = [answer for _, answer in given]
    return [
        Gold(own.id, own.question_id, own.video, own.question, answer.text, answer.type)
        for own, answer in zip(asked, found, strict=True)
    ]


def load_questions(path: Path) -> list[Gold]:
    """The questions alone, their answers empty."""
    asked = _entries(path, _question)
    times = Counter(own.id for _, own in asked)
    _refuse(path, [f"question_id {name} is there {n} times" for name, n in times.items() if n > 1])
    return [own for _, own in asked]


def _by_id(answers: Path, asked: list[Gold], given: list[tuple[str, _Answer]]) -> list[_Answer]:
    found: dict[str, _Answer] = {}
    problems = []
    known = {own.id for own in asked}
    for where, answer in given:
        if answer.id is None:
            problems.append(f"{where} has no question_id")
        elif answer.id not in known:
            problems.append(f"{where} answers question {answer.id}, which does not exist")
        elif answer.id in found:
            problems.append(f"{where} is another answer to question {answer.id}")
        else:
            found[answer.id] = answer
    problems += [f"question {own.id} has no answer" for own in asked if own.id not in found]
    _refuse(answers, problems)
    return [found[own.id] for own in asked]


def _entries(path: Path, make: Any) -> list[tuple[str, Any]]:
    """The entries of a file with their places, each as `make` reads it."""
    content = read_content(path)
    if content is None:
        raise DataError(f"{path}: neither JSON nor JSON lines; name the file with the list.")
    if isinstance(content, Problem):
        raise DataError(f"{path}: {content.what}; fetch it again.")
    problems = [str(problem) for problem in content.problems]
    made = []
    for where, entry in content.rows if not content.is_object else ():
        try:
            made.append((where, make(entry if isinstance(entry, dict) else {})))
        except ValueError as error:
            problems.append(f"{where}: {error}")
    _refuse(path, problems)
    if not made:
        raise DataError(f"{path}: holds no list of entries; name the file that does.")
    return made


def _question(entry: dict[str, Any]) -> Gold:
    name = _value(entry, "question_id", str, int)
    return Gold(
        id=str(name),
        question_id=name,
        video=str(_value(entry, "video_name", str, int)),
        question=_value(entry, "question", str),
        answer="",
        type=None,
    )


def _answer(entry: dict[str, Any]) -> _Answer:
    text = str(_value(entry, "answer", str, int, float))
    name = str(_value(entry, "question_id", str, int)) if "question_id" in entry else None
    return _Answer(name, text, str(entry["type"]) if "type" in entry else None)


def _value(entry: dict[str, Any], key: str, *kinds: type) -> Any:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, kinds) or value == "":
        raise ValueError(f'"{key}" is missing, empty or no {kinds[0].__name__}')
    return value


def _refuse(path: Path, problems: list[str]) -> None:
    if problems:
        listed = "; ".join(problems[:LISTED]) + ("; ..." if len(problems) > LISTED else "")
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise DataError(f"{path}: {count} ({listed}); correct the file.")


def source_of(video: str) -> str:
    """The recording that a video was cut from, if its name contains it; else the video itself."""
    bare = video.removeprefix("v_")
    cut = _CUT.fullmatch(bare)
    return cut[1] if cut else bare


class VideoFolder:
    """The files of a folder by the video names that questions use."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise DataError(f"{folder}: there is no such folder; correct `videos`.")
        self._files = {path.name: path for path in folder.iterdir() if path.is_file()}

    def find(self, video: str) -> Path | None:
        """The file of a video, None where there is none."""
        return next((self._files[n] for n in _names(video) if n in self._files), None)


def _names(video: str) -> Iterator[str]:
    """The file names of a video, the likeliest first."""
    if video.lower().endswith(SUFFIXES):
        yield video
    other = video.removeprefix("v_") if video.startswith("v_") else f"v_{video}"
    for stem in (video, other):
        yield from (stem + suffix for suffix in SUFFIXES)
