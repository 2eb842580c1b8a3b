"""TempCompass (arXiv 2403.00476): temporal perception asked in four ways, from the official files.

    <annotations>/questions/{multi-choice,yes_no,caption_matching,captioning}.json
    <annotations>/meta_info.json          fine-grained types
    <annotations>/videos/<video id>.mp4

Marked by the official word-matching rules (tempcompass_rules.py). `accuracy` is the mean over all
questions (the leaderboard's "Avg. All"), `mean_of_aspects` the mean over the five aspects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from video_star.benchmarks import tempcompass_rules as rules
from video_star.benchmarks.base import BenchmarkParams, Item, Measure, own_params, plain_measures
from video_star.benchmarks.tempcompass_files import Aspect, Question, Questions, load, load_types
from video_star.benchmarks.tempcompass_rules import TASKS, Match, Task
from video_star.context import StepContext
from video_star.domain import Score
from video_star.engines.base import Clip
from video_star.metrics import Point
from video_star.records import dump_json, write_text

SUFFIXES: Final[dict[str, dict[Task, str]]] = {
    "official": {
        "multi-choice": "\nPlease directly give the best option:",
        "caption_matching": "\nPlease directly give the best option:",
        "yes_no": "\nPlease answer yes or no:",
        "captioning": "",
    },
    "plm": {
        "multi-choice": "\nOnly give the best option.",
        "caption_matching": "\nOnly give the best option.",
        "yes_no": "\nOnly answer yes or no.",
        "captioning": "",
    },
}
"""What is appended to each question: the official texts, and lmms-eval's `plm` variant."""

_DERIVED = re.compile(r"(\d+)(?:_reverse|_concat_\d+|_\d+_\d+)")


class TempCompassParams(BenchmarkParams):
    annotations: str
    """Folder of the official files, inside the data folder."""
    suffixes: Literal["official", "plm"]


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


class TempCompass:
    """The benchmark `tempcompass`."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.params = own_params(TempCompassParams, "tempcompass", raw)

    def items(self, context: StepContext) -> list[Item[Gold]]:
        """Every question of the four files, task by task, in the order of the files."""
        folder = context.workspace.video(self.params.annotations)
        questions = load(folder)
        types = load_types(folder, questions)
        made = []
        for gold in _golds(questions):
            relative = f"{self.params.annotations}/videos/{bare_id(gold.video)}.mp4"
            made.append(
                Item(
                    id=f"{gold.task}/{gold.video}/{gold.aspect}/{gold.index}",
                    clip=Clip(context.workspace.video(relative), None, None),
                    cluster=source_of(gold.video),
                    prompt=gold.question + SUFFIXES[self.params.suffixes][gold.task],
                    metric="accuracy",
                    slices=(
                        f"task={gold.task}",
                        f"aspect={gold.aspect}",
                        f"type={types[gold.video, gold.aspect]}",
                    ),
                    gold=gold,
                )
            )
        return made

    def score(self, item: Item[Gold], text: str) -> Score:
        """Official rules; a caption that names no single option is unscored (it needs a judge)."""
        match = rate(item.gold, text)
        reason = ("right" if match.rating else "wrong") if match.matched else "unmatched"
        return item.scored(match.rating, reason)

    def measures(self, scores: Sequence[Score]) -> list[Measure]:
        """Accuracy (all questions), mean of aspects, and accuracy and match rate per task."""
        made = plain_measures(scores)
        scored = [score for score in scores if score.value is not None]
        if scored:
            points = [_point(score, group=_slice(score, "aspect")) for score in scored]
            made.append(Measure("mean_of_aspects", tuple(points), {}))
        for task in TASKS:
            own = [score for score in scores if _slice(score, "task") == task]
            marks = [_point(score) for score in own if score.value is not None]
            # A match rate is over every answer that there is, scored or not.
            matches = [
                Point(float(score.reason != "unmatched"), score.cluster)
                for score in own
                if score.value is not None or score.reason == "unmatched"
            ]
            for name, points in ((f"{task}/accuracy", marks), (f"{task}/match_rate", matches)):
                if points:
                    made.append(Measure(name, tuple(points), {}))
        return made

    def write_predictions(
        self, folder: Path, items: Sequence[Item[Gold]], texts: Mapping[str, str]
    ) -> None:
        """One {task}.json in the official layout; an answer that there is not is null."""
        layout: dict[str, dict[str, dict[str, list[dict[str, str | None]]]]] = {}
        for item in items:
            gold = item.gold
            place = layout.setdefault(gold.task, {}).setdefault(gold.video, {})
            place.setdefault(gold.aspect, []).append(
                {
                    "question": gold.question,
                    "answer": gold.answer,
                    "prediction": texts.get(item.id),
                }
            )
        for task, videos in layout.items():
            write_text(folder / f"{task}.json", dump_json(videos))


def rate(gold: Gold, text: str) -> Match:
    """The mark of one answer by the rules of its task."""
    prediction = rules.clean(text)
    if gold.task == "multi-choice":
        return rules.match_multi_choice(prediction, gold.answer)
    if gold.task == "yes_no":
        return rules.match_yes_no(prediction, gold.answer)
    if gold.task == "caption_matching":
        return rules.match_caption(prediction, gold.question, gold.answer)
    first = gold.first_choice
    if first is None:
        raise ValueError(f"captioning {gold.video}/{gold.aspect} has no multi-choice question")
    return rules.match_captioning(
        prediction, gold.question, gold.answer, first.question, first.answer
    )


def bare_id(video: str) -> str:
    """The video id without an extension, as the official scorer looks it up."""
    return video.replace(".jpg", "").replace(".mp4", "")


def source_of(video: str) -> str:
    """The recording a video was made from: reversed and concatenated ones belong to their first."""
    derived = _DERIVED.fullmatch(bare_id(video))
    return derived[1] if derived else bare_id(video)


def _golds(questions: Questions) -> Iterator[Gold]:
    for task in TASKS:
        for video, aspects in questions[task].items():
            for aspect, entries in aspects.items():
                choices = questions["multi-choice"].get(video, {}).get(aspect)
                first = choices[0] if choices else None
                for index, entry in enumerate(entries):
                    yield Gold(task, video, aspect, index, entry.question, entry.answer, first)


def _slice(score: Score, key: str) -> str:
    """The value of one of the score's slices, such as "direction" for "aspect"."""
    return next(text.partition("=")[2] for text in score.slices if text.startswith(f"{key}="))


def _point(score: Score, group: str = "") -> Point:
    if score.value is None:
        raise ValueError(f"{score.item_id} is unscored")
    return Point(score.value, score.cluster, group)
