"""`video-star score video-qa`: anybody's answers to questions in Video-ChatGPT's file format.

No model is loaded. What is wrong with the answers is named item by item before anything is scored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from video_star.evaluation.benchmarks import judge_option
from video_star.evaluation.benchmarks.prediction_files import Problem
from video_star.evaluation.benchmarks.video_chatgpt import (
    BEST,
    Asked,
    Judge,
    Opinion,
    RecordedJudge,
    official_figures,
    open_chat_judge,
)
from video_star.evaluation.benchmarks.video_qa_files import Gold, load, source_of
from video_star.evaluation.benchmarks.video_qa_predictions import HARMLESS, Found, read_predictions
from video_star.evaluation.benchmarks.video_qa_rules import contains, exact
from video_star.evaluation.metrics import Bootstrap, Point, mean_with_interval

VERSION = 1
"""Version of the report."""
_MISSING = Opinion(False, 0, "missing")
_NAMES = {
    "accuracy": 'accuracy (judge\'s "yes")',
    "score": f"score (judge, 0 to {BEST})",
    "contains": "contains (own rule)",
    "exact": "exact (own rule)",
}


@dataclass(frozen=True)
class Inputs:
    """Questions and answers as in video_qa_files.py, and somebody's predictions."""

    questions: Path
    answers: Path
    predictions: Path
    aligned: bool = False


@dataclass(frozen=True)
class Scored:
    """The report, and what was wrong with the answers."""

    report: dict[str, Any]
    problems: Sequence[Problem]
    stopping: int
    """How many of the problems are such that nothing was scored."""


@dataclass(frozen=True)
class _Mark:
    gold: Gold
    exact: bool
    contains: bool
    opinion: Opinion | None
    """None without a judge."""


def score(inputs: Inputs, judge: Judge | None, bootstrap: Bootstrap, allow_missing: bool) -> Scored:
    """Score the answers, or say why not; missing ones may be allowed, and are then wrong."""
    golds = load(inputs.questions, inputs.answers, inputs.aligned)
    found = read_predictions(inputs.predictions, golds)
    harmless = {HARMLESS, "missing"} if allow_missing else {HARMLESS}
    stopping = sum(problem.kind not in harmless for problem in found.problems)
    marks = [] if stopping else _marks(golds, found.texts, judge)
    figures = _figures(marks, bootstrap)
    report = {
        "benchmark": "video_qa",
        "report": VERSION,
        "unit": f"percent; score: 0 to {BEST}",
        "refused": bool(stopping),
        "questions": len(golds),
        "missing": sum(problem.kind == "missing" for problem in found.problems),
        "accuracy": figures["accuracy"]["value"],
        "score": figures["score"]["value"],
        "figures": figures,
        "official": official_figures(_opinions(marks)) if judge else None,
        "judge": _judge(judge, marks),
        "bootstrap": {"resamples": bootstrap.resamples, "seed": bootstrap.seed, "by": "video"},
        **_inputs(found),
        "items": [_item(mark) for mark in marks],
    }
    return Scored(report, found.problems, stopping)


def open_judge(text: str, model: str | None, replies: Path | None) -> Judge | None:
    """The judge that `--judge` names; see judge_option."""

    def served(url: str, name: str) -> Judge:
        return open_chat_judge(url, name, replies)

    return judge_option.open_judge(text, model, RecordedJudge, served)


def _marks(golds: Sequence[Gold], texts: Mapping[str, str], judge: Judge | None) -> list[_Mark]:
    """A mark for each question; without an answer it is wrong by rules and by the judge."""
    answered = [gold for gold in golds if gold.id in texts]
    opinions: dict[str, Opinion] = {}
    if judge is not None:
        asked = [Asked(gold.id, gold.question, gold.answer, texts[gold.id]) for gold in answered]
        opinions = {own.id: said for own, said in zip(asked, judge.rate(asked), strict=True)}
    marks = []
    for gold in golds:
        text = texts.get(gold.id)
        by_rule = (
            (exact(gold.answer, text), contains(gold.answer, text)[0])
            if text is not None
            else (False, False)
        )
        opinion = opinions.get(gold.id, _MISSING) if judge is not None else None
        marks.append(_Mark(gold, *by_rule, opinion))
    return marks


def _figures(marks: Sequence[_Mark], bootstrap: Bootstrap) -> dict[str, dict[str, Any]]:
    """Each number with its interval and n; shares in percent, the judge's score on its scale."""
    opinions = [(m.gold, m.opinion) for m in marks if m.opinion and m.opinion.yes is not None]
    values: dict[str, list[tuple[Gold, float]]] = {
        "accuracy": [(gold, 100.0 * bool(said.yes)) for gold, said in opinions],
        "score": [(gold, float(said.score or 0)) for gold, said in opinions],
        "contains": [(m.gold, 100.0 * m.contains) for m in marks],
        "exact": [(m.gold, 100.0 * m.exact) for m in marks],
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


def _judge(judge: Judge | None, marks: Sequence[_Mark]) -> dict[str, Any]:
    """Who judged, how much of it, and what it left unscored."""
    opinions = _opinions(marks)
    judged = sum(opinion.yes is not None for opinion in opinions)
    unscored = Counter(opinion.reason for opinion in opinions if opinion.yes is None)
    return {
        "name": None if judge is None else judge.name,
        "version": None if judge is None else judge.version,
        "judged": judged,
        "share": 100 * judged / len(marks) if marks else None,
        "unscored": dict(sorted(unscored.items())),
    }


def _opinions(marks: Sequence[_Mark]) -> list[Opinion]:
    """The judge's opinions on the answers that there are."""
    return [m.opinion for m in marks if m.opinion is not None and m.opinion is not _MISSING]


def _inputs(found: Found) -> dict[str, Any]:
    return {
        "files": found.files,
        "ignored_files": found.ignored,
        "notes": found.notes,
        "problems": [asdict(problem) for problem in found.problems],
    }


def _item(mark: _Mark) -> dict[str, Any]:
    said = mark.opinion
    return {
        "id": mark.gold.id,
        "video": mark.gold.video,
        "exact": mark.exact,
        "contains": mark.contains,
        "yes": None if said is None else said.yes,
        "score": None if said is None else said.score,
        "reason": "no judge" if said is None else said.reason,
    }


def render(report: Mapping[str, Any]) -> RenderableType:
    """The report as a person reads it."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for number, heading in enumerate(("", "value", "95 % interval", "n")):
        table.add_column(heading, justify="right" if number else "left", no_wrap=True)
    for name, own in report["figures"].items():
        places = 2 if name == "score" else 1
        if own["value"] is None:
            table.add_row(_NAMES[name], "unscored", "-", "0")
            continue
        low, high = own["interval"]
        interval = f"{low:.{places}f} - {high:.{places}f}"
        table.add_row(_NAMES[name], f"{own['value']:.{places}f}", interval, str(own["n"]))
    return Group(table, *map(Text, _lines(report)))


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    judge, official = report["judge"], report["official"]
    if judge["name"] is None:
        yield "No judge: the field's accuracy and score need one."
    else:
        yield f"Judge: {judge['name']} ({judge['version']})"
        yield f"Judged: {judge['judged']} of {report['questions']} answers, {judge['share']:.1f} %"
        if official["accuracy"] is not None:
            yield (
                f"As the original scorer sums up: accuracy {official['accuracy']:.1f}, "
                f"score {official['score']:.2f}, of {official['n']} answers."
            )
    if report["missing"]:
        yield f"{report['missing']} answers are missing, and wrong."
    drawn = report["bootstrap"]
    yield f"Intervals: bootstrap over videos, {drawn['resamples']} resamples, seed {drawn['seed']}."
