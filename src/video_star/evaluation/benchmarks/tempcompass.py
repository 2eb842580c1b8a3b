"""TempCompass (arXiv 2403.00476): temporal perception asked in four ways, from the official files.

    <annotations>/questions/{multi-choice,yes_no,caption_matching,captioning}.json
    <annotations>/meta_info.json          fine-grained types
    <annotations>/videos/<video id>.mp4

Without a judge it is scored by rules alone (tempcompass_official.py) of three tasks, and by
one of our own of captions, which officially need a judge. `rules_accuracy` is the mean over all
questions of those three tasks, what `video-star score tempcompass --judge none` prints; `accuracy`
is the mean over all questions, with the captions that our rule can score. With a judge, captions
and what no official rule recognises are the judge's: `accuracy` is then the leaderboard's
"Avg. All", and `judged_share` names the judge.
`video-star score` reads what `write_predictions` writes.
`mean_of_aspects` is the mean over the five aspects, `mean_of_fine_aspects` the one over the
fine-grained aspects, which the Video-STaR paper calls its average.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

from video_star.core.context import StepContext
from video_star.core.engine import Clip
from video_star.core.jsonl import dump_json, write_text
from video_star.core.records import Score
from video_star.evaluation.benchmarks.answer_text import bare
from video_star.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkParams,
    Item,
    Measure,
    overall,
    plain_measures,
    slice_of,
    values_of,
)
from video_star.evaluation.benchmarks.judging import JudgeParams, Rating
from video_star.evaluation.benchmarks.tempcompass_judge import PROTOCOL, rate_unmatched
from video_star.evaluation.benchmarks.tempcompass_official import (
    TASKS,
    UNRATED,
    Gold,
    Match,
    Task,
    bare_id,
    load,
    official_match,
    option_lines,
    option_text,
    source_of,
)

_INFORMATION = re.compile(
    r"""^Information ([A-Z]): \{.*'(?!subject')\w+': (?:'(.+)'|"(.+)")\}$""", re.MULTILINE
)
"""Letter and last value of a line such as: Information A: {'subject': 'man', 'order': 'x'}"""
SUFFIXES: Final[dict[str, dict[Task, str]]] = {
    name: {"multi-choice": option, "caption_matching": option, "yes_no": polar, "captioning": ""}
    for name, option, polar in (
        ("official", "\nPlease directly give the best option:", "\nPlease answer yes or no:"),
        ("plm", "\nOnly give the best option.", "\nOnly answer yes or no."),
    )
}
"""What is appended to each question: the official texts, and lmms-eval's `plm` variant."""


class TempCompassParams(BenchmarkParams):
    annotations: str
    """Folder of the official files, inside the data folder."""
    suffixes: Literal["official", "plm"]
    judge: JudgeParams | None


class TempCompass(Benchmark[Gold]):
    """The benchmark `tempcompass`."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.params = TempCompassParams.model_validate(raw)

    def videos(self, context: StepContext) -> dict[Path, str]:
        """Every file in its folder of videos, with its recording."""
        folder = context.workspace.video(self.params.annotations) / "videos"
        return {path: source_of(path.stem) for path in folder.glob("*.*")}

    def items(self, context: StepContext) -> list[Item[Gold]]:
        """Every question of the four files, task by task, in the order of the files."""
        folder = context.workspace.video(self.params.annotations)
        videos = f"{self.params.annotations}/videos"
        return [
            Item(
                id=gold.id,
                clip=Clip(
                    context.workspace.video(f"{videos}/{bare_id(gold.video)}.mp4"), None, None
                ),
                cluster=source_of(gold.video),
                prompt=gold.question + SUFFIXES[self.params.suffixes][gold.task],
                metric="accuracy",
                slices=(f"task={gold.task}", f"aspect={gold.aspect}", f"type={gold.type}"),
                gold=gold,
            )
            for gold in load(folder / "questions", folder / "meta_info.json")
        ]

    def score(self, item: Item[Gold], text: str) -> Score:
        """Official rules; a caption that names no single option is unscored (it needs a judge)."""
        match = rate(item.gold, text)
        reason = ("right" if match.rating else "wrong") if match.matched else "unmatched"
        return item.scored(match.rating, reason)

    def score_all(
        self, context: StepContext, items: Sequence[Item[Gold]], texts: Mapping[str, str]
    ) -> list[Score]:
        """Scores by rules; with a judge, its scores of captions and of what no rule recognises."""
        if self.params.judge is None:
            return [self.score(item, texts[item.id]) for item in items]
        judge = PROTOCOL.from_params(self.params.judge, context.workspace)
        ratings = rate_unmatched([item.gold for item in items], texts, judge)
        return [_judged(item, texts[item.id], ratings.get(item.id), judge.slice) for item in items]

    def measures(self, scores: Sequence[Score]) -> list[Measure]:
        """Accuracy (all questions), of official rules alone, by aspects; both rates by task."""
        values = values_of(scores)
        # A match rate is over every answer that there is, scored or not.
        matches = [
            (score, float(score.reason in RULED))
            for score in scores
            if score.reason in (*RULED, *UNRULED)
        ]
        judges = {name for score in scores for name in score.slices if name.startswith("judge=")}
        made = plain_measures(scores)
        if judges:
            pairs = [(score, float(score.reason.startswith("judged"))) for score, _ in matches]
            for share in overall("judged_share", pairs):
                made.append(replace(share, slices=dict.fromkeys(sorted(judges), share.points)))
        else:
            pairs = [pair for pair in values if slice_of(pair[0], "task") != "captioning"]
            made += overall("rules_accuracy", pairs)
        made += overall("mean_of_aspects", values, "aspect")
        made += overall("mean_of_fine_aspects", values, "type")
        for task in TASKS:
            rule = "own_rule_" if task == "captioning" and not judges else ""
            for name, every in (("accuracy", values), ("match_rate", matches)):
                pairs = [pair for pair in every if slice_of(pair[0], "task") == task]
                made += overall(f"{task}/{rule}{name}", pairs)
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
    """The rating of one answer by the rules of its task: official ones, and ours for captions."""
    if gold.task != "captioning":
        return official_match(gold, text)
    first = gold.choice
    return match_captioning(bare(text), gold.question, gold.answer, first.question, first.answer)


RULED: Final = ("right", "wrong")
"""Reasons of scores by a rule."""
UNRULED: Final = ("unmatched", "judged right", "judged wrong", "judge unclear")
"""Reasons of answers that no rule recognises."""


def _judged(item: Item[Gold], text: str, rating: Rating | None, judge: str) -> Score:
    """The rule's score, else the judge's; an unclear judge leaves it unscored."""
    correct = official_match(item.gold, text).rating if rating is None else rating.correct
    word = "judge unclear" if correct is None else "right" if correct else "wrong"
    reason = word if rating is None or correct is None else f"judged {word}"
    score = item.scored(None if correct is None else float(correct), reason)
    return score.model_copy(update={"slices": (*score.slices, judge)})


def match_captioning(
    prediction: str, question: str, answer: str, choice_question: str, choice_answer: str
) -> Match:
    """Which option a caption decides for; `choice_*` are the first multi-choice question about it.

    The rule is ours. As the official judge is asked to, it reads the caption as an answer to the
    first multi-choice question of the same video and aspect: the one option whose text stands in
    the caption. A caption that names none of these may name one of the pieces of information of its
    own `question` (with `answer`). Naming nothing, or several, is left unrated.
    """
    lines = option_lines(choice_question)
    named = _named_options(prediction, [option_text(line) or line for line in lines])
    if len(named) == 1:
        return Match(int(lines[named.pop()] == choice_answer), True)
    if named:
        return UNRATED
    informed = _INFORMATION.findall(question)
    named = _named_options(prediction, [single or double for _, single, double in informed])
    if len(named) == 1:
        return Match(int(informed[named.pop()][0] == answer[0]), True)
    return UNRATED


def _named_options(text: str, options: Sequence[str]) -> set[int]:
    """Indices of the options whose text is in `text`, in whole words, whatever the case.

    A longer option hides a shorter one inside of it, so "moving left and then growing" does not
    also name "moving left".
    """
    rest, found = _plain(text), set()
    for index in sorted(range(len(options)), key=lambda i: -len(options[i])):
        option = re.escape(_plain(options[index]).rstrip("."))
        rest, times = re.subn(rf"(?<!\w){option}(?!\w)", "\n", rest)
        if times:
            found.add(index)
    return found


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
