"""TempCompass' questions one by one: where each stands in the official files, and its cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from video_star.evaluation.benchmarks import tempcompass_rules as rules
from video_star.evaluation.benchmarks.tempcompass_files import Aspect, Question, Questions
from video_star.evaluation.benchmarks.tempcompass_rules import TASKS, UNRATED, Match, Task

_DERIVED = re.compile(r"(\d+)(?:_reverse|_concat_\d+|_\d+_\d+)")


@dataclass(frozen=True)
class Gold:
    """What an answer is marked against, and where the question stands in the official files."""

    task: Task
    video: str
    aspect: Aspect
    index: int
    question: str
    answer: str
    first_choice: Question | None
    """The first multi-choice question of the same video and aspect; captions always have one."""

    @property
    def id(self) -> str:
        return f"{self.task}/{self.video}/{self.aspect}/{self.index}"


def golds(questions: Questions) -> Iterator[Gold]:
    """Every question, task by task, in the order of the files."""
    for task in TASKS:
        for video, aspects in questions[task].items():
            for aspect, entries in aspects.items():
                choices = questions["multi-choice"].get(video, {}).get(aspect)
                first = choices[0] if choices else None
                for index, entry in enumerate(entries):
                    yield Gold(task, video, aspect, index, entry.question, entry.answer, first)


def official_match(gold: Gold, text: str) -> Match:
    """The mark of one answer by the official rules of its task; captions have none."""
    prediction = rules.clean(text)
    if gold.task == "multi-choice":
        return rules.match_multi_choice(prediction, gold.answer)
    if gold.task == "yes_no":
        return rules.match_yes_no(prediction, gold.answer)
    if gold.task == "caption_matching":
        return rules.match_caption(prediction, gold.question, gold.answer)
    return UNRATED


def choice_of(gold: Gold) -> Question:
    """The multi-choice question by whose options a caption is scored."""
    if gold.first_choice is None:
        raise ValueError(f"{gold.id} has no multi-choice question")
    return gold.first_choice


def bare_id(video: str) -> str:
    """The video id without an extension, as the official scorer looks it up."""
    return video.replace(".jpg", "").replace(".mp4", "")


def source_of(video: str) -> str:
    """The recording a video was made from: reversed and concatenated ones belong to their first."""
    derived = _DERIVED.fullmatch(bare_id(video))
    return derived[1] if derived else bare_id(video)
