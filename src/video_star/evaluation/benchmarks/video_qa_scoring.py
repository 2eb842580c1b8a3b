"""`video-star score video-qa`: any model's answers in Video-ChatGPT's file format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from video_star.evaluation.benchmarks.judging import Judge, Rating
from video_star.evaluation.benchmarks.scoring import (
    Scored,
    closing_lines,
    judge_report,
    report_of,
    table,
)
from video_star.evaluation.benchmarks.video_chatgpt import BEST, PROTOCOL, Answer, official_figures
from video_star.evaluation.benchmarks.video_qa_files import Gold, load, source_of
from video_star.evaluation.benchmarks.video_qa_predictions import HARMLESS, read_predictions
from video_star.evaluation.benchmarks.video_qa_rules import contains, exact
from video_star.evaluation.metrics import Bootstrap, Point, mean_with_interval

__all__ = ["PROTOCOL", "Inputs", "render", "score"]

_MISSING = Rating(False, 0, "missing")
_NAMES = {
    "accuracy": 'accuracy (judge\'s "yes")',
    "score": f"score (judge, 0 to {BEST})",
    "contains": "contains (own rule)",
    "exact": "exact (own rule)",
}


@dataclass(frozen=True)
class Inputs:
    """Questions and answers as in video_qa_files.py, and predictions of any model."""

    questions: Path
    answers: Path
    predictions: Path
    aligned: bool = False


@dataclass(frozen=True)
class _ItemScore:
    gold: Gold
    exact: bool
    contains: bool
    rating: Rating | None
    """None without a judge."""


def score(
    inputs: Inputs, judge: Judge[Answer] | None, bootstrap: Bootstrap, allow_missing: bool = False
) -> Scored:
    """Score the answers unless there are problems; missing ones may be allowed, and are wrong."""
    golds = load(inputs.questions, inputs.answers, inputs.aligned)
    predictions = read_predictions(inputs.predictions, golds, inputs.answers)
    stopping = predictions.stopping(allow_missing, {HARMLESS})
    scored = [gold for gold in golds if gold.id not in predictions.lost]
    items = [] if stopping else _score_items(scored, predictions.texts, judge)
    figures = _figures(items, bootstrap)
    ratings = [own.rating for own in items if own.rating and own.rating is not _MISSING]
    unscored = [rating.reason for rating in ratings if rating.correct is None]
    report = {
        "benchmark": "video_qa",
        "unit": f"percent; score: 0 to {BEST}",
        "questions": len(golds),
        "missing": sum(problem.kind == "missing" for problem in predictions.problems),
        "accuracy": figures["accuracy"]["value"],
        "score": figures["score"]["value"],
        "figures": figures,
        "official": official_figures(ratings) if judge else None,
        "judge": judge_report(judge, len(ratings) - len(unscored), len(items), unscored),
        "files": list(predictions.files),
        "items": [_item(own) for own in items],
        "lost": sorted(predictions.lost),
    }
    return report_of(report, predictions, stopping, judge, bootstrap)


def _score_items(
    golds: Sequence[Gold], texts: Mapping[str, str], judge: Judge[Answer] | None
) -> list[_ItemScore]:
    """A score for each question; without an answer it is wrong by rules and by the judge."""
    asked = [Answer(g.id, g.question, g.answer, texts[g.id]) for g in golds if g.id in texts]
    by_id = dict(zip((own.id for own in asked), judge.rate(asked), strict=True)) if judge else {}
    items = []
    for gold in golds:
        text, rating = texts.get(gold.id), by_id.get(gold.id, _MISSING) if judge else None
        if text is None:
            items.append(_ItemScore(gold, False, False, rating))
        else:
            by_rule = exact(gold.answer, text), contains(gold.answer, text)[0]
            items.append(_ItemScore(gold, *by_rule, rating))
    return items


def _figures(items: Sequence[_ItemScore], bootstrap: Bootstrap) -> dict[str, dict[str, Any]]:
    """Each number with its interval and n; shares in percent, the judge's score on its scale."""
    rated = [(own.gold, own.rating) for own in items if own.rating]
    clear = [(gold, rating) for gold, rating in rated if rating.correct is not None]
    values = {
        "accuracy": [(gold, 100.0 * bool(rating.correct)) for gold, rating in clear],
        "score": [(gold, float(rating.score or 0)) for gold, rating in clear],
        "contains": [(own.gold, 100.0 * own.contains) for own in items],
        "exact": [(own.gold, 100.0 * own.exact) for own in items],
    }
    made: dict[str, dict[str, Any]] = {}
    for name, own in values.items():
        points = [Point(value, source_of(gold.video)) for gold, value in own]
        if not points:
            made[name] = {"value": None, "interval": None, "n": 0}
            continue
        bounds = (0.0, float(BEST if name == "score" else 100))
        found = mean_with_interval(points, bootstrap, bounds)
        made[name] = {"value": found.value, "interval": [found.low, found.high], "n": found.n}
    return made


def _item(own: _ItemScore) -> dict[str, Any]:
    rating = own.rating
    return {
        "id": own.gold.id,
        "video": own.gold.video,
        "exact": own.exact,
        "contains": own.contains,
        "yes": rating and rating.correct,
        "score": rating and rating.score,
        "reason": rating.reason if rating else "no judge",
    }


def render(report: Mapping[str, Any]) -> RenderableType:
    """The report as a person reads it."""
    made = table(("", "value", "95 % interval", "n"))
    for name, own in report["figures"].items():
        places = 2 if name == "score" else 1
        if own["value"] is None:
            made.add_row(_NAMES[name], "unscored", "-", "0")
            continue
        low, high = own["interval"]
        interval = f"{low:.{places}f} - {high:.{places}f}"
        made.add_row(_NAMES[name], f"{own['value']:.{places}f}", interval, str(own["n"]))
    official = report["official"] or {"accuracy": None}
    original = (
        f"As the original scorer sums up: accuracy {official['accuracy']:.1f}, "
        f"score {official['score']:.2f}, of {official['n']} answers."
        if official["accuracy"] is not None
        else ""
    )
    lines = closing_lines(
        report,
        no_judge="the field's accuracy and score need one.",
        missing="and wrong.",
        judged=[original] if original else [],
    )
    return Group(made, *map(Text, lines))
