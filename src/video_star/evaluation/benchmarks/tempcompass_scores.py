"""Marks of TempCompass answers, and the report of them: official sums, intervals, match rates.

Accuracies are in percent, as the official files print them. A match rate is the share of answers
that an official rule recognises; captions have no rule, so they have none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from video_star.evaluation.benchmarks.tempcompass_files import Aspect
from video_star.evaluation.benchmarks.tempcompass_items import Gold, official_match, source_of
from video_star.evaluation.benchmarks.tempcompass_judge import Asked, Judge
from video_star.evaluation.benchmarks.tempcompass_rules import TASKS
from video_star.evaluation.metrics import Bootstrap, Point, mean_with_interval

ASPECTS: Final[tuple[str, ...]] = get_args(Aspect)
FINE_ASPECTS: Final = (
    *("fine-grained action", "coarse-grained action", "object motion", "camera motion"),
    *("absolute speed", "relative speed", "order", "color & light change"),
    *("size & shape change", "combined change", "other change"),
)
"""In the official order."""
ALL_SCORED: Final = 'question-weighted mean (the leaderboard\'s "Avg. All")'
NOT_ALL: Final = 'question-weighted mean of what is scored (not the "Avg. All")'
FINE_MEAN: Final = "mean of the fine-grained aspects (the Video-STaR paper's average)"


@dataclass(frozen=True)
class Mark:
    """What became of one question."""

    gold: Gold
    fine: str
    match_success: bool | None
    """Whether an official rule recognises the answer; None for captions, which have none."""
    rating: int | None
    """1, 0, or None: unscored."""
    judged: bool
    missing: bool
    reason: str


def mark_all(
    golds: Sequence[Gold],
    fine: Mapping[tuple[str, str], str],
    texts: Mapping[str, str],
    judge: Judge | None,
) -> list[Mark]:
    """A mark for each question, by rule where there is one that fits, else by the judge.

    Without a judge an answer that no rule recognises is rated 0, as by the official --disable_llm,
    and a caption is unscored. A missing answer is rated 0 whenever its task is scored.
    """
    marks: list[Mark] = []
    open_places: list[int] = []
    asked: list[Asked] = []
    for gold in golds:
        text = texts.get(gold.id)
        mark = _by_rule(gold, fine[gold.video, gold.aspect], text, judge)
        if text is not None and judge is not None and not mark.match_success:
            open_places.append(len(marks))
            asked.append(Asked(gold, text))
        marks.append(mark)
    if judge is not None and asked:
        for place, rating in zip(open_places, judge.rate(asked), strict=True):
            own = marks[place]
            judged = rating.value is not None
            marks[place] = Mark(
                own.gold, own.fine, own.match_success, rating.value, judged, False, rating.reason
            )
    return marks


def _by_rule(gold: Gold, fine: str, text: str | None, judge: Judge | None) -> Mark:
    caption = gold.task == "captioning"
    unmatched = None if caption else False
    if caption and judge is None:
        return Mark(gold, fine, None, None, False, text is None, "needs a judge")
    if text is None:
        return Mark(gold, fine, unmatched, 0, False, True, "missing")
    match = official_match(gold, text)
    if not match.matched:
        return Mark(gold, fine, unmatched, None if caption else 0, False, False, "unmatched")
    return Mark(gold, fine, True, match.rating, False, False, "rule")


def summary(marks: Sequence[Mark], bootstrap: Bootstrap) -> dict[str, Any]:
    """Everything about the marks: all, by task, by aspect, by fine-grained aspect."""
    return {
        **_figures(marks, bootstrap),
        "fine_aspects_mean": _mean_of_fine(marks, bootstrap),
        "averages": {
            "accuracy": NOT_ALL if any(mark.rating is None for mark in marks) else ALL_SCORED,
            "fine_aspects_mean": FINE_MEAN,
        },
        "tasks": {
            task: _task([m for m in marks if m.gold.task == task], bootstrap)
            for task in TASKS
            if any(m.gold.task == task for m in marks)
        },
        **_parts(marks, bootstrap),
    }


def item(mark: Mark) -> dict[str, Any]:
    """One question as the report lists it."""
    gold = mark.gold
    return {
        "id": gold.id,
        "task": gold.task,
        "video": gold.video,
        "aspect": gold.aspect,
        "fine_aspect": mark.fine,
        "index": gold.index,
        "match_success": mark.match_success,
        "rating": mark.rating,
        "judged": mark.judged,
        "reason": mark.reason,
    }


def _task(marks: Sequence[Mark], bootstrap: Bootstrap) -> dict[str, Any]:
    return {
        **_figures(marks, bootstrap),
        "fine_aspects_mean": _mean_of_fine(marks, bootstrap),
        **_parts(marks, bootstrap),
    }


def _parts(marks: Sequence[Mark], bootstrap: Bootstrap) -> dict[str, Any]:
    """Figures of each aspect and of each fine-grained aspect, in the official order."""
    order = {name: place for place, name in enumerate(FINE_ASPECTS)}
    fine = sorted({mark.fine for mark in marks}, key=lambda name: (order.get(name, 99), name))
    return {
        "aspects": {
            aspect: _figures(own, bootstrap)
            for aspect in ASPECTS
            if (own := [m for m in marks if m.gold.aspect == aspect])
        },
        "fine_aspects": {
            name: _figures([m for m in marks if m.fine == name], bootstrap) for name in fine
        },
    }


def _figures(marks: Sequence[Mark], bootstrap: Bootstrap) -> dict[str, Any]:
    """Accuracy with its interval, match rate, and how many are scored, judged and missing."""
    ratings = [mark.rating for mark in marks if mark.rating is not None]
    ruled = [mark.match_success for mark in marks if mark.match_success is not None]
    # The official sum, so that rounding it gives the official digits.
    accuracy = 100 * sum(ratings) / len(ratings) if ratings else None
    return {
        "accuracy": accuracy,
        "interval": _interval(_points(marks), bootstrap),
        "n": len(ratings),
        "unscored": len(marks) - len(ratings),
        "missing": sum(mark.missing for mark in marks),
        "judged": sum(mark.judged for mark in marks),
        "match_rate": 100 * sum(ruled) / len(ruled) if ruled else None,
    }


def _mean_of_fine(marks: Sequence[Mark], bootstrap: Bootstrap) -> dict[str, Any]:
    """The unweighted mean over the fine-grained aspects that have a scored question."""
    points = [
        Point(float(mark.rating), source_of(mark.gold.video), mark.fine)
        for mark in marks
        if mark.rating is not None
    ]
    if not points:
        return {"accuracy": None, "interval": None, "n": 0, "aspects": 0}
    return {
        "accuracy": 100 * mean_with_interval(points, bootstrap).value,
        "interval": _interval(points, bootstrap),
        "n": len(points),
        "aspects": len({point.group for point in points}),
    }


def _points(marks: Sequence[Mark]) -> list[Point]:
    return [
        Point(float(mark.rating), source_of(mark.gold.video))
        for mark in marks
        if mark.rating is not None
    ]


def _interval(points: Sequence[Point], bootstrap: Bootstrap) -> list[float] | None:
    """Low and high end of the 95 % interval in percent."""
    if not points:
        return None
    found = mean_with_interval(points, bootstrap)
    return [100 * found.low, 100 * found.high]
