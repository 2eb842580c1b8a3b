"""TempCompass (arXiv 2403.00476): temporal perception asked in four ways, from the official files.

    <annotations>/questions/{multi-choice,yes_no,caption_matching,captioning}.json
    <annotations>/meta_info.json          fine-grained types
    <annotations>/videos/<video id>.mp4

Without a judge it is marked by rules alone (tempcompass_rules.py), the official ones of three tasks
and our own of captions, which officially need a judge. `rules_accuracy` is the mean over all
questions of those three tasks, what `video-star score tempcompass --judge none` prints; `accuracy`
is the mean over all questions, captions that our rule can mark included. With a judge, captions and
what no official rule recognises are the judge's: `accuracy` is then the leaderboard's "Avg. All",
and `judged_share` names the judge. `video-star score` reads what `write_predictions` writes.
`mean_of_aspects` is the mean over the five aspects, `mean_of_fine_aspects` the one over the
fine-grained aspects, which the Video-STaR paper calls its average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from video_star.core.context import StepContext
from video_star.core.engine import Clip
from video_star.core.jsonl import dump_json, write_text
from video_star.core.records import Score
from video_star.evaluation.benchmarks import tempcompass_rules as rules
from video_star.evaluation.benchmarks.base import (
    BenchmarkParams,
    Item,
    Measure,
    own_params,
    plain_measures,
)
from video_star.evaluation.benchmarks.tempcompass_files import load, load_types
from video_star.evaluation.benchmarks.tempcompass_items import (
    Gold,
    bare_id,
    choice_of,
    golds,
    official_match,
    source_of,
)
from video_star.evaluation.benchmarks.tempcompass_judge import Asked, ChatJudge, Rating, open_chat
from video_star.evaluation.benchmarks.tempcompass_rules import TASKS, Match, Task
from video_star.evaluation.benchmarks.video_chatgpt import ChatParams
from video_star.evaluation.metrics import Point

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


class TempCompassParams(BenchmarkParams):
    annotations: str
    """Folder of the official files, inside the data folder."""
    suffixes: Literal["official", "plm"]
    judge: ChatParams | None


class TempCompass:
    """The benchmark `tempcompass`."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.params = own_params(TempCompassParams, "tempcompass", raw)

    def videos(self, context: StepContext) -> dict[Path, str]:
        """Every file in its folder of videos, with its recording."""
        folder = context.workspace.video(self.params.annotations) / "videos"
        return {path: source_of(path.stem) for path in folder.glob("*.*")}

    def items(self, context: StepContext) -> list[Item[Gold]]:
        """Every question of the four files, task by task, in the order of the files."""
        folder = context.workspace.video(self.params.annotations)
        questions = load(folder / "questions")
        types = load_types(folder / "meta_info.json", questions)
        made = []
        for gold in golds(questions):
            relative = f"{self.params.annotations}/videos/{bare_id(gold.video)}.mp4"
            made.append(
                Item(
                    id=gold.id,
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

    def score_all(
        self, context: StepContext, items: Sequence[Item[Gold]], texts: Mapping[str, str]
    ) -> list[Score]:
        """Marks by rules; with a judge, its marks of captions and of what no rule recognises."""
        if self.params.judge is None:
            return [self.score(item, texts[item.id]) for item in items]
        replies = context.workspace.work / "judge" / "tempcompass.jsonl"
        judge = ChatJudge(open_chat(self.params.judge.url, self.params.judge.model, replies))
        marks = {item.id: official_match(item.gold, texts[item.id]) for item in items}
        asked = [item for item in items if not marks[item.id].matched]
        ratings = judge.rate([Asked(item.gold, texts[item.id]) for item in asked])
        opinions = dict(zip((item.id for item in asked), ratings, strict=True))
        name = f"judge={judge.name} ({judge.version})"
        return [_with_judge(item, marks[item.id], opinions.get(item.id), name) for item in items]

    def measures(self, scores: Sequence[Score]) -> list[Measure]:
        """Accuracy (all questions), of official rules alone, by aspects; both rates by task."""
        made = [*plain_measures(scores), *_judged_share(scores)]
        scored = [score for score in scores if score.value is not None]
        ruled = [_point(score) for score in scored if _slice(score, "task") != "captioning"]
        if ruled and not _judges(scores):
            made.append(Measure("rules_accuracy", tuple(ruled), {}))
        if scored:
            for part, name in (("aspect", "mean_of_aspects"), ("type", "mean_of_fine_aspects")):
                points = [_point(score, group=_slice(score, part)) for score in scored]
                made.append(Measure(name, tuple(points), {}))
        for task in TASKS:
            own = [score for score in scores if _slice(score, "task") == task]
            rule = "own_rule_" if task == "captioning" and not _judges(scores) else ""
            marks = [_point(score) for score in own if score.value is not None]
            # A match rate is over every answer that there is, scored or not.
            matches = [
                Point(float(score.reason in RULED), score.cluster, item=score.item_id)
                for score in own
                if score.reason in (*RULED, *UNRULED)
            ]
            for name, points in (("accuracy", marks), ("match_rate", matches)):
                if points:
                    made.append(Measure(f"{task}/{rule}{name}", tuple(points), {}))
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
    """The mark of one answer by the rules of its task: official ones, and ours for captions."""
    if gold.task != "captioning":
        return official_match(gold, text)
    first = choice_of(gold)
    return rules.match_captioning(
        rules.clean(text), gold.question, gold.answer, first.question, first.answer
    )


RULED: Final = ("right", "wrong")
"""Reasons of marks by a rule."""
UNRULED: Final = ("unmatched", "judged right", "judged wrong", "judge unclear")
"""Reasons of answers that no rule recognises."""


def _with_judge(item: Item[Gold], match: Match, opinion: Rating | None, judge: str) -> Score:
    """The rule's mark, else the judge's; an unclear judge leaves it unscored."""
    if opinion is None:
        score = item.scored(match.rating, "right" if match.rating else "wrong")
    elif opinion.value is None:
        score = item.scored(None, "judge unclear")
    else:
        word = "right" if opinion.value else "wrong"
        score = item.scored(float(opinion.value), f"judged {word}")
    return score.model_copy(update={"slices": (*score.slices, judge)})


def _judges(scores: Sequence[Score]) -> set[str]:
    return {name for score in scores for name in score.slices if name.startswith("judge=")}


def _judged_share(scores: Sequence[Score]) -> list[Measure]:
    """The share of answers that the judge marked, as a slice under its name and version."""
    points = tuple(
        Point(float(score.reason.startswith("judged")), score.cluster, item=score.item_id)
        for score in scores
        if score.reason in (*RULED, *UNRULED)
    )
    names = _judges(scores)
    return [Measure("judged_share", points, dict.fromkeys(sorted(names), points))] if names else []


def _slice(score: Score, key: str) -> str:
    """The value of one of the score's slices, such as "direction" for "aspect"."""
    return next(text.partition("=")[2] for text in score.slices if text.startswith(f"{key}="))


def _point(score: Score, group: str = "") -> Point:
    if score.value is None:
        raise ValueError(f"{score.item_id} is unscored")
    return Point(score.value, score.cluster, group, item=score.item_id)
