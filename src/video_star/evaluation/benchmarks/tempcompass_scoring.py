"""`video-star score tempcompass`: official scores of any model's answers to TempCompass.

Accuracies are in percent, as the official files print them. A match rate is the share of answers
that an official rule recognises; captions have no rule, so they have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from video_star.core.errors import DataError
from video_star.evaluation.benchmarks.judging import Judge, Rating
from video_star.evaluation.benchmarks.predictions import Predictions
from video_star.evaluation.benchmarks.scoring import (
    Scored,
    closing_lines,
    judge_report,
    report_of,
    table,
)
from video_star.evaluation.benchmarks.tempcompass_judge import PROTOCOL, Answer, rate_unmatched
from video_star.evaluation.benchmarks.tempcompass_official import (
    TASKS,
    Aspect,
    Gold,
    load,
    official_match,
    source_of,
)
from video_star.evaluation.benchmarks.tempcompass_predictions import (
    TaskAnswer,
    leave_out_absent_tasks,
    read_predictions,
)
from video_star.evaluation.metrics import Bootstrap, Point, mean_with_interval

__all__ = ["PROTOCOL", "Inputs", "render", "score"]

ASPECTS: Final[tuple[str, ...]] = get_args(Aspect)
FINE_ASPECTS: Final = (
    *("fine-grained action", "coarse-grained action", "object motion", "camera motion"),
    *("absolute speed", "relative speed", "order", "color & light change"),
    *("size & shape change", "combined change", "other change"),
)
"""In the official order, in which they are printed."""
ALL_SCORED: Final = 'question-weighted mean (the leaderboard\'s "Avg. All")'
NOT_ALL: Final = 'question-weighted mean of what is scored (not the "Avg. All")'
FINE_MEAN: Final = "mean of the fine-grained aspects (the Video-STaR paper's average)"


@dataclass(frozen=True)
class Inputs:
    """Questions and the answers to them."""

    questions: Path
    """Folder with the four official question files, or the one that holds it as questions/."""
    predictions: Path
    """Folder (or file) with answers in any of the layouts of tempcompass_predictions.py."""
    meta: Path | None = None
    """meta_info.json; None looks for it in the questions' folder and the folder around it."""


@dataclass(frozen=True)
class ItemScore:
    """The score of one question."""

    gold: Gold
    matched: bool | None
    """Whether an official rule recognises the answer; None for captions, which have none."""
    rating: int | None
    """1, 0, or None: unscored."""
    judged: bool
    missing: bool
    reason: str


def score(
    inputs: Inputs, judge: Judge[Answer] | None, bootstrap: Bootstrap, allow_missing: bool = False
) -> Scored:
    """Score the answers unless there are problems; missing answers may be allowed."""
    folder = questions_folder(inputs.questions)
    golds = load(folder, meta_file(folder, inputs.meta))
    predictions = read_predictions(inputs.predictions, golds)
    golds, absent = leave_out_absent_tasks(golds, predictions)
    stopping = predictions.stopping(allow_missing)
    items = [] if stopping else score_items(golds, predictions, judge)
    unscored = [own.reason for own in items if own.rating is None]
    figures = {
        "benchmark": "tempcompass",
        "unit": "percent",
        "questions": len(golds),
        "absent_tasks": absent,
        **({"accuracy": None} if stopping else summary(items, bootstrap)),
        "judge": judge_report(judge, sum(own.judged for own in items), len(items), unscored),
        "items": [_item(own) for own in items],
    }
    return report_of(figures, predictions, stopping, judge, bootstrap)


def questions_folder(folder: Path) -> Path:
    """The folder that holds the four question files itself."""
    inner = folder / "questions"
    return inner if inner.is_dir() and not (folder / "multi-choice.json").exists() else folder


def meta_file(questions: Path, meta: Path | None) -> Path:
    """The given file, or meta_info.json in the questions' folder, or in the folder around it."""
    if meta is not None:
        return meta
    own, around = questions / "meta_info.json", questions.absolute().parent / "meta_info.json"
    if not own.exists() and not around.exists():
        raise DataError(
            f"{around}: there is no meta_info.json there or in {questions}; it names the "
            "fine-grained aspects: fetch it with the questions or name it with --meta."
        )
    return own if own.exists() else around


def score_items(
    golds: Sequence[Gold], given: Predictions[TaskAnswer], judge: Judge[Answer] | None
) -> list[ItemScore]:
    """A score for each question, by rule where there is one that fits, else by the judge.

    Without a judge an answer that no rule recognises is rated 0, as by the official --disable_llm,
    and a caption is unscored. A missing answer is rated 0 whenever its task is scored, a lost one
    is unscored.
    """
    texts = given.texts
    ratings = rate_unmatched(golds, texts, judge) if judge else {}
    return [
        ItemScore(gold, None, None, judged=False, missing=False, reason="lost")
        if gold.id in given.lost
        else _scored(gold, texts.get(gold.id), judge, ratings.get(gold.id))
        for gold in golds
    ]


def _scored(
    gold: Gold, text: str | None, judge: Judge[Answer] | None, rating: Rating | None
) -> ItemScore:
    caption = gold.task == "captioning"
    unmatched = None if caption else False
    if rating is not None:
        judged = rating.correct is not None
        value = int(rating.correct) if rating.correct is not None else None
        return ItemScore(gold, unmatched, value, judged, False, rating.reason)
    if caption and judge is None:
        return ItemScore(gold, None, None, False, text is None, "needs a judge")
    if text is None:
        return ItemScore(gold, unmatched, 0, False, True, "missing")
    match = official_match(gold, text)
    reason = "rule" if match.matched else "unmatched"
    return ItemScore(gold, match.matched, match.rating, False, False, reason)


def summary(items: Sequence[ItemScore], bootstrap: Bootstrap) -> dict[str, Any]:
    """All figures: of all items, by task, by aspect, by fine-grained aspect."""
    unscored = any(own.rating is None for own in items)
    by_task = {task: [own for own in items if own.gold.task == task] for task in TASKS}
    return {
        **_parts(items, bootstrap),
        "averages": {
            "accuracy": NOT_ALL if unscored or not all(by_task.values()) else ALL_SCORED,
            "fine_aspects_mean": FINE_MEAN,
        },
        "tasks": {task: _parts(part, bootstrap) for task, part in by_task.items() if part},
    }


def _item(own: ItemScore) -> dict[str, Any]:
    """One question as the report lists it."""
    gold = own.gold
    return {
        "id": gold.id,
        "task": gold.task,
        "video": gold.video,
        "aspect": gold.aspect,
        "fine_aspect": gold.type,
        "index": gold.index,
        "match_success": False if own.missing else own.matched,
        "rating": own.rating,
        "judged": own.judged,
        "reason": own.reason,
    }


def _parts(items: Sequence[ItemScore], bootstrap: Bootstrap) -> dict[str, Any]:
    """Figures of all items, of each aspect and of each fine-grained aspect."""
    return {
        **_figures(items, bootstrap),
        "fine_aspects_mean": _mean_of_types(items, bootstrap),
        "aspects": _by("aspect", ASPECTS, items, bootstrap),
        "fine_aspects": _by("type", FINE_ASPECTS, items, bootstrap),
    }


def _by(
    part: str, order: Sequence[str], items: Sequence[ItemScore], bootstrap: Bootstrap
) -> dict[str, dict[str, Any]]:
    """Figures of the items of each aspect or type, in the official order, then by name."""
    groups: dict[str, list[ItemScore]] = {name: [] for name in order}
    for own in sorted(items, key=lambda own: str(getattr(own.gold, part))):
        groups.setdefault(getattr(own.gold, part), []).append(own)
    return {name: _figures(own, bootstrap) for name, own in groups.items() if own}


def _figures(items: Sequence[ItemScore], bootstrap: Bootstrap) -> dict[str, Any]:
    """Accuracy with its interval, match rate, and how many are scored, judged and missing."""
    points = _points(items)
    ruled = [own.matched for own in items if own.matched is not None]
    return {
        **_mean(points, bootstrap),
        # The official sum, so that rounding it gives the official digits.
        "accuracy": 100 * sum(point.value for point in points) / len(points) if points else None,
        "unscored": len(items) - len(points),
        "missing": sum(own.missing for own in items),
        "judged": sum(own.judged for own in items),
        "match_rate": 100 * sum(ruled) / len(ruled) if ruled else None,
    }


def _mean_of_types(items: Sequence[ItemScore], bootstrap: Bootstrap) -> dict[str, Any]:
    """The unweighted mean over the fine-grained aspects that have a scored question."""
    points = _points(items, by_type=True)
    return {**_mean(points, bootstrap), "aspects": len({point.group for point in points})}


def _points(items: Sequence[ItemScore], by_type: bool = False) -> list[Point]:
    return [
        Point(float(own.rating), source_of(own.gold.video), own.gold.type if by_type else "")
        for own in items
        if own.rating is not None
    ]


def _mean(points: Sequence[Point], bootstrap: Bootstrap) -> dict[str, Any]:
    """The mean and the ends of its 95 % interval, in percent."""
    if not points:
        return {"accuracy": None, "interval": None, "n": 0}
    found = mean_with_interval(points, bootstrap)
    interval = [100 * found.low, 100 * found.high]
    return {"accuracy": 100 * found.value, "interval": interval, "n": found.n}


def render(report: Mapping[str, Any]) -> RenderableType:
    """Tables of tasks and of aspects, then the averages and who judged."""
    return Group(_tasks(report), _aspects(report), *map(Text, _lines(report)))


def _tasks(report: Mapping[str, Any]) -> Table:
    """One row for each task, as the official scorer prints it: one decimal."""
    headings = ("task", "accuracy", "95 % interval", "match rate", "n", "judged", "unscored")
    made = table(headings)
    for name, own in report["tasks"].items():
        counts = (str(own[key]) for key in ("n", "judged", "unscored"))
        made.add_row(name, *_accuracy(own, 1), _percent(own["match_rate"], 1), *counts)
    return made


def _aspects(report: Mapping[str, Any]) -> Table:
    """Aspects, fine-grained aspects and both averages, by scored task and over all questions.

    Without a judge each row has its match rate, over the tasks that have rules.
    """
    by_rules = report["judge"]["name"] is None
    scored = {name: own for name, own in report["tasks"].items() if own["n"]}
    tasks = list(scored.values())
    names = [name.replace("-", "\n").replace("_", "\n") for name in scored]
    made = table(("aspect", *names, "all", "95 %\ninterval", *(["match\nrate"] * by_rules)))

    def add(name: str, parts: Iterable[Mapping[str, Any] | None], whole: Mapping[str, Any]) -> None:
        """A cell for each task (one decimal, as official), then all (two) and its interval."""
        cells = ["-" if part is None else _percent(part["accuracy"], 1) for part in parts]
        rate = [_percent(whole.get("match_rate", report["match_rate"]), 1)] * by_rules
        made.add_row(name, *cells, *_accuracy(whole, 2), *rate)

    for group in ("aspects", "fine_aspects"):
        for name, own in report[group].items():
            add(name, (task[group].get(name) for task in tasks), own)
        made.add_section()
    mean = "fine_aspects_mean"
    add("mean of questions", tasks, report)
    add("mean of fine aspects", (task[mean] for task in tasks), report[mean])
    return made


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    names = report["averages"]
    yield f"{_accuracy(report, 2)[0]}  {names['accuracy']}"
    yield f"{_accuracy(report['fine_aspects_mean'], 2)[0]}  {names['fine_aspects_mean']}"
    yield from closing_lines(
        report,
        no_judge="what no rule recognises is rated 0, captions are unscored.",
        missing="rated 0 where their task is scored.",
    )


def _accuracy(figures: Mapping[str, Any], places: int) -> tuple[str, str]:
    """Accuracy and interval as text."""
    if figures["accuracy"] is None:
        return "unscored", "-"
    low, high = figures["interval"]
    return f"{round(figures['accuracy'], places):.{places}f}", f"{low:.1f} - {high:.1f}"


def _percent(value: float | None, places: int) -> str:
    # round() as in the official scorer, then print that many digits.
    return "-" if value is None else f"{round(value, places):.{places}f}"
