"""The files of a round's run in MLflow: tables that its page shows, with thumbnails.

A table is JSON with columns and data, and an image in it names a file beside it, as MLflow's own
`log_table` writes them. Everything that changes with a round is in them: intervals and tests of all
metrics, counts of all steps, and answers to some held-out items, the same ones in each round, so
that MLflow can put the rounds side by side.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from PIL import Image

from video_star.core.context import StepContext
from video_star.core.errors import DataError, VideoError
from video_star.core.hashing import sha256
from video_star.core.jsonl import read_records, write_text
from video_star.core.paths import RoundPaths
from video_star.core.records import Prediction, Score, StepReport
from video_star.evaluation.benchmarks import open_benchmark
from video_star.evaluation.benchmarks.base import Item
from video_star.tracking.rounds_table import RoundRow
from video_star.video.cache import FrameCache, open_frames

ITEMS = 240
"""Rows of the table of answers: MLflow's page loads all of them at once, with their pictures."""
THUMBNAIL = 160
"""Longest side of a picture in pixels."""
Rows = Iterable[Mapping[str, Any]]


def write_scores(folder: Path, row: RoundRow) -> None:
    """scores.json: each metric with interval and items, and with its paired differences."""
    rows = []
    for name, metric in row["metrics"].items():
        own = {key: value for key, value in metric.items() if key != "against"}
        pairs = {other: {**pair} for other, pair in metric["against"].items()} or {"": {}}
        for other, pair in pairs.items():
            named = {f"difference {key}": pair.get(key) for key in ("low", "high", "p", "n")}
            change = {"against": other, "difference": pair.get("difference"), **named}
            rows.append({"metric": name, **own, **change})
    _write(folder / "scores.json", rows)


def write_kinds(folder: Path, row: RoundRow) -> None:
    """kinds.json: how much of each label kind the round could use."""
    _write(folder / "kinds.json", ({"kind": k, **share} for k, share in row["kinds"].items()))


def write_steps(folder: Path, reports: Iterable[StepReport]) -> None:
    """steps.json: every count of every step."""
    _write(
        folder / "steps.json",
        (
            {"step": report.step, "count": name, "value": value}
            for report in reports
            for name, value in (
                *((key, getattr(report, key)) for key in ("read", "written", "rejected", "failed")),
                *((f"reason: {reason}", n) for reason, n in report.reasons.items()),
                *report.metrics.items(),
            )
        ),
    )


def write_answers(folder: Path, context: StepContext) -> None:
    """answers.json: answers to held-out items with a frame that the model saw and their scores."""
    frames = open_frames(context.workspace, context.params)
    rows = []
    for name, item, answer, scores in islice(_answered(context), ITEMS):
        picture = _picture(folder, frames, item)
        if picture is None:
            continue
        rows.append(
            {
                "item": f"{name}/{item.id}",
                "frame": {"type": "image", "filepath": picture, "compressed_filepath": picture},
                "question": item.prompt,
                "answer": answer,
                "score": "; ".join(f"{s.metric}: {_said(s.value)}" for s in scores),
                "reason": "; ".join(dict.fromkeys(score.reason for score in scores)),
            }
        )
    _write(folder / "answers.json", rows)


def _said(value: float | None) -> str:
    return "not scored" if value is None else f"{value:g}"


def _answered(context: StepContext) -> Iterator[tuple[str, Item[Any], str, Sequence[Score]]]:
    """Items of all benchmarks in turns, of each metric and slice of its items in turns.

    The order is that of hashes of ids: it depends on no answer and on no order of files.
    """
    groups: dict[tuple[str, str, tuple[str, ...]], list[Item[Any]]] = {}
    found: dict[str, tuple[dict[str, str], dict[str, list[Score]]]] = {}
    for name, raw in context.params.evaluate.benchmarks.items():
        found[name] = _results(context.paths, name)
        try:
            items = open_benchmark(name, raw, context.workspace.root).items(context)
        except DataError as error:  # results without their data, as of another machine
            context.progress.note(f"MLflow shows no answers of {name}: {error}")
            continue
        for item in sorted(items, key=lambda item: sha256(item.id)):
            groups.setdefault((name, item.metric, item.slices), []).append(item)
    by_benchmark: dict[str, list[list[Item[Any]]]] = {}
    for (name, *_), items in sorted(groups.items(), key=lambda group: group[0]):
        by_benchmark.setdefault(name, []).append(items)
    turns = {name: _in_turns(lists) for name, lists in by_benchmark.items()}
    for name, item in _in_turns([[(name, item) for item in own] for name, own in turns.items()]):
        answers, scores = found[name]
        if item.id in answers:
            yield name, item, answers[item.id], scores.get(item.id, [])


def _in_turns(lists: Iterable[Iterable[Any]]) -> Iterator[Any]:
    missing = object()
    for turn in zip_longest(*lists, fillvalue=missing):
        yield from (item for item in turn if item is not missing)


def _results(paths: RoundPaths, name: str) -> tuple[dict[str, str], dict[str, list[Score]]]:
    folder = paths.predictions / name
    answers, scores = folder / "predictions.jsonl", folder / "scores.jsonl"
    if not (answers.exists() and scores.exists()):
        return {}, {}
    by_item: dict[str, list[Score]] = {}
    for score in read_records(scores, Score):
        by_item.setdefault(score.item_id, []).append(score)
    return {p.item_id: p.text for p in read_records(answers, Prediction)}, by_item


def _picture(folder: Path, frames: FrameCache, item: Item[Any]) -> str | None:
    """The middle one of the frames that the model saw; None when the video cannot be read."""
    try:
        key = frames.key(item.clip)
        pixels = frames.get(item.clip).pixels
    except VideoError:
        return None
    name = f"frames/{key[:20]}.png"
    if not (folder / name).exists():
        image = Image.fromarray(pixels[len(pixels) // 2])
        image.thumbnail((THUMBNAIL, THUMBNAIL))
        (folder / name).parent.mkdir(exist_ok=True)
        image.save(folder / name)
    return name


def _write(path: Path, rows: Rows) -> None:
    rows = list(rows)
    if rows:
        table = {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}
        write_text(path, json.dumps(table, ensure_ascii=False))
