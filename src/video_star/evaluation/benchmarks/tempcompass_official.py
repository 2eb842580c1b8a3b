"""TempCompass' official question files with meta_info.json, and its rules without the judge model.

What cannot be scored is refused. The rules match words (llyx97/TempCompass, eval_multi-choice.py,
eval_yes_no.py, eval_caption_matching.py of August 2024): case-sensitive where the official ones
are. An answer that no rule recognises is rated 0 and counted as not matched, as the official
`--disable_llm` does. Captions have no official rule, as a judge reads them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from video_star.core.errors import DataError
from video_star.evaluation.benchmarks.answer_text import bare

T = TypeVar("T")
Task = Literal["multi-choice", "yes_no", "caption_matching", "captioning"]
TASKS: tuple[Task, ...] = ("multi-choice", "yes_no", "caption_matching", "captioning")
Aspect = Literal["action", "direction", "speed", "order", "attribute_change"]
_DERIVED = re.compile(r"(\d+)(?:_reverse|_concat_\d+|_\d+_\d+)")
_LETTERS = ("A", "B", "C", "D")
_OPTION_LINE = re.compile(r"\s*[A-Z]\.\s*(.+)")
_CAPTION_NAMES = re.compile(r"Sentence |Option |Caption ")


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
_QUESTIONS: TypeAdapter[ByVideo] = TypeAdapter(ByVideo)
_META: TypeAdapter[dict[str, _Meta]] = TypeAdapter(dict[str, _Meta])


@dataclass(frozen=True)
class Gold:
    """What an answer is scored against, and where the question stands in the official files."""

    task: Task
    video: str
    aspect: Aspect
    index: int
    question: str
    answer: str
    type: str
    """The fine-grained aspect."""
    first_choice: Question | None
    """The first multi-choice question of the same video and aspect."""

    @property
    def id(self) -> str:
        return f"{self.task}/{self.video}/{self.aspect}/{self.index}"

    @property
    def choice(self) -> Question:
        """The multi-choice question by whose options a caption is scored."""
        if self.first_choice is None:
            raise ValueError(f"{self.id} has no multi-choice question")
        return self.first_choice


def load(folder: Path, meta: Path) -> list[Gold]:
    """The questions of the four files in `folder`, task by task, in the order of the files.

    `meta` is the file meta_info.json. DataError names file, video, aspect and index.
    """
    files = {task: _read(folder / f"{task}.json", _QUESTIONS) for task in TASKS}
    metas = _read(meta, _META)
    golds = []
    for task, videos in files.items():
        for video, aspects in videos.items():
            for aspect, entries in aspects.items():
                choices = files["multi-choice"].get(video, {}).get(aspect, [])
                first = choices[0] if choices else None
                kind = _type(metas.get(bare_id(video)), aspect)
                for index, entry in enumerate(entries):
                    if problem := _problem(task, entry, first):
                        raise DataError(
                            f"{folder}/{task}.json: {video}/{aspect}[{index}]: {problem}; "
                            "correct the file or fetch it again."
                        )
                    if kind is None:
                        raise DataError(
                            f"{meta}: no type for {video}/{aspect}; add it under eval_dim."
                        )
                    question, answer = entry.question, entry.answer
                    golds.append(Gold(task, video, aspect, index, question, answer, kind, first))
    return golds


def _type(meta: _Meta | None, aspect: Aspect) -> str | None:
    """The fine-grained type of an aspect of a video.

    Order has none in meta_info.json: its type is "order", as in the official scorer.
    """
    if aspect == "order":
        return "order"
    kind = meta.eval_dim.get(aspect) if meta else None
    return kind.type if kind else None


def _problem(task: Task, entry: Question, first_choice: Question | None) -> str | None:
    """What makes a question impossible to score, or None."""
    if task == "yes_no":
        known = entry.answer in ("yes", "no")
        return None if known else f'the answer {entry.answer!r} is neither "yes" nor "no"'
    if task == "captioning":
        what = "there is no multi-choice question, by whose options captions are scored"
        return None if first_choice else what
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
        raw: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); "
            "the official question files and meta_info.json are needed, as in the TempCompass "
            "repository."
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON ({error}); fetch the file again.") from error
    try:
        return kind.validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = "/".join(str(part) for part in first["loc"])
        raise DataError(f"{path}: {where}: {first['msg']}; correct the entry.") from error


def bare_id(video: str) -> str:
    """The video id without an extension, as the official scorer looks it up."""
    return video.replace(".jpg", "").replace(".mp4", "")


def source_of(video: str) -> str:
    """The recording a video was made from: reversed and concatenated ones belong to their first."""
    derived = _DERIVED.fullmatch(bare_id(video))
    return derived[1] if derived else bare_id(video)


@dataclass(frozen=True)
class Match:
    """Rating 0 or 1 by the rules (None: only a judge could rate it), and whether a rule applied."""

    rating: int | None
    matched: bool


UNMATCHED = Match(0, False)
UNRATED = Match(None, False)


def official_match(gold: Gold, text: str) -> Match:
    """The rating of one answer by the official rules of its task; captions have none."""
    prediction = bare(text)
    if gold.task == "multi-choice":
        return match_multi_choice(prediction, gold.answer)
    if gold.task == "yes_no":
        return match_yes_no(prediction, gold.answer)
    if gold.task == "caption_matching":
        return match_caption(prediction, gold.question, gold.answer)
    return UNRATED


def option_lines(question: str) -> list[str]:
    """The option lines of a multi-choice or caption-matching question."""
    return question.split("\n")[1:]


def option_text(line: str) -> str | None:
    """The text of a multi-choice option line, None when it is none.

    Three lines of the official file have a blank before the letter or none after its full stop.
    """
    found = _OPTION_LINE.fullmatch(line)
    return found[1] if found else None


def match_multi_choice(prediction: str, answer: str) -> Match:
    """`answer` is a full option line, such as "C. dunking"."""
    if prediction == answer:
        return Match(1, True)
    if prediction in _LETTERS:
        return Match(int(prediction == answer[0]), True)
    for end in (".", ")"):
        if prediction.startswith(tuple(letter + end for letter in _LETTERS)):
            return Match(int(prediction.split(end)[0] == answer[0]), True)
    return UNMATCHED


def match_yes_no(prediction: str, answer: str) -> Match:
    """`answer` is "yes" or "no"; the first letters decide ("not sure" counts as no)."""
    for word in ("yes", "no"):
        if prediction.lower().startswith(word):
            return Match(int(word == answer), True)
    return UNMATCHED


def match_caption(prediction: str, question: str, answer: str) -> Match:
    """`answer` is a full option line, such as "Sentence A: A man is dunking."

    A later test overrides an earlier one: full line, sentence (also after ") "), name or bare
    letter or digit (also with full stops deleted).
    """
    lines = option_lines(question)
    names = [line.split(": ")[0] for line in lines]
    names += [_CAPTION_NAMES.sub("", name) for name in names]
    unstopped = prediction.replace(".", "")
    chosen: str | None = prediction if prediction in lines else None
    for sentence in (line.split(": ")[1] for line in lines):
        if sentence == prediction or sentence in prediction.split(") ")[1:2]:
            chosen = sentence
    for name in names:
        if name in (prediction, unstopped):
            chosen = name
    if chosen is None:
        return UNMATCHED
    name = answer.split(": ")[0]
    right = (answer, answer.split(":")[0], answer.split(": ")[1], name.split()[1])
    return Match(int(chosen in right), True)
