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


def score(
    inputs: Inputs, judge: Judge[Answer] | None, bootstrap: Bootstrap, allow_missing: bool = False
) -> Scored:
    """Score the answers unless there are problems; missing ones may be allowed, and are wrong."""
    golds = load(inputs.questions, inputs.answers, inputs.aligned)
    predictions = read_predictions(inputs.predictions, golds, inputs.answers)
    stopping = predictions.stopping(allow_missing, {HARMLESS})
    scored = [gold for gold in golds if not stopping and gold.id not in predictions.lost]
    texts = predictions.texts
    asked = [Answer(g.id, g.question, g.answer, texts[g.id]) for g in scored if g.id in texts]
    ratings = judge.rate(asked) if judge and asked else []
    rated = dict(zip((own.id for own in asked), ratings, strict=False))
    items = [
        _item(gold, texts.get(gold.id), rated.get(gold.id, _MISSING) if judge else None)
        for gold in scored
    ]
    figures = _figures(items, bootstrap)
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
        "items": items,
        "lost": sorted(predictions.lost),
    }
    return report_of(report, predictions, stopping, judge, bootstrap)


def _item(gold: Gold, text: str | None, rating: Rating | None) -> dict[str, Any]:
    """One question as the report lists it; without an answer it is wrong by the rules."""
    return {
        "id": gold.id,
        "video": gold.video,
        "exact": text is not None and exact(gold.answer, text),
        "contains": text is not None and contains(gold.answer, text)[0],
        "yes": rating and rating.correct,
        "score": rating and rating.score,
        "reason": rating.reason if rating else "no judge",
    }


def _figures(items: Sequence[Mapping[str, Any]], bootstrap: Bootstrap) -> dict[str, dict[str, Any]]:
    """Each number with its interval and n; shares in percent, the judge's score on its scale."""
    keys = {"accuracy": "yes", "score": "score", "contains": "contains", "exact": "exact"}
    made: dict[str, dict[str, Any]] = {}
    for name, key in keys.items():
        scale, most = (1.0, BEST) if name == "score" else (100.0, 100)
        points = [
            Point(scale * own[key], source_of(own["video"]))
            for own in items
            if own[key] is not None
        ]
        if not points:
            made[name] = {"value": None, "interval": None, "n": 0}
            continue
        found = mean_with_interval(points, bootstrap, (0.0, float(most)))
        made[name] = {"value": found.value, "interval": [found.low, found.high], "n": found.n}
    return made


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
