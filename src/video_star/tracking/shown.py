"""The files of a round's run in MLflow: tables that its page shows, with thumbnails.

A table is JSON with columns and data, and an image in it names a file beside it, as MLflow's own
`log_table` writes them: intervals and tests of all metrics, counts of all steps, and answers to
some held-out items, the same ones in each round, so that MLflow can put the rounds side by side.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from PIL import Image

from video_star.core.context import StepContext
from video_star.core.engine import Clip
from video_star.core.errors import DataError, VideoError
from video_star.core.hashing import sha256
from video_star.core.jsonl import read_records, write_text
from video_star.core.paths import RoundPaths
from video_star.core.records import Prediction, Score, StepReport, VideoSample
from video_star.data.manifest import samples_of
from video_star.evaluation.benchmarks import open_benchmark
from video_star.evaluation.benchmarks.base import HasVideos
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
    for name, metric in row.metrics.items():
        own = metric.model_dump(exclude={"against"})
        pairs = {other: dict(pair) for other, pair in metric.against.items()} or {"": {}}
        for other, pair in pairs.items():
            named = {f"difference {key}": pair.get(key) for key in ("low", "high", "p", "n")}
            change = {"against": other, "difference": pair.get("difference"), **named}
            rows.append({"metric": name, **own, **change})
    _write(folder / "scores.json", rows)


def write_kinds(folder: Path, row: RoundRow) -> None:
    """kinds.json: how much of each label kind the round could use."""
    _write(folder / "kinds.json", ({"kind": k, **dict(share)} for k, share in row.kinds.items()))


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
    """answers.json: answers to held-out items with their scores, and a frame that the model saw.

    The items are the same in each round: the choice goes by hashes of their ids, in turns by
    benchmark, metric and slices. What has no frame is left out.
    """
    frames = open_frames(context.workspace, context.params)
    clips = _Clips(context)
    benchmarks = (_results(context.paths, name) for name in context.params.evaluate.benchmarks)
    pictured = (
        (result, picture)
        for result in _in_turns(benchmarks)
        if (picture := _picture(folder, frames, clips, result)) is not None
    )
    _write(
        folder / "answers.json",
        (
            {
                "frame": {"type": "image", "filepath": picture, "compressed_filepath": picture},
                "item": f"{result.benchmark}/{result.item}",
                "question": result.prompt,
                "answer": result.text,
                "score": "; ".join(f"{s.metric}: {_said(s.value)}" for s in result.scores),
                "reason": "; ".join(dict.fromkeys(score.reason for score in result.scores)),
            }
            for result, picture in islice(pictured, ITEMS)
        ),
    )


def _said(value: float | None) -> str:
    return "not scored" if value is None else f"{value:g}"


@dataclass(frozen=True)
class _Result:
    """An answered item of a benchmark."""

    benchmark: str
    item: str
    prompt: str
    text: str
    scores: Sequence[Score]


def _results(paths: RoundPaths, benchmark: str) -> Iterator[_Result]:
    """The answered and scored items, in turns by metric and slices."""
    folder = paths.predictions / benchmark
    if not folder.is_dir():
        return
    scores: dict[str, list[Score]] = {}
    for score in read_records(folder / "scores.jsonl", Score):
        scores.setdefault(score.item_id, []).append(score)
    groups: dict[tuple[str, tuple[str, ...]], list[_Result]] = {}
    predictions = read_records(folder / "predictions.jsonl", Prediction)
    for own in sorted(predictions, key=lambda own: sha256(own.item_id)):
        if found := scores.get(own.item_id):
            result = _Result(benchmark, own.item_id, own.prompt, own.text, found)
            groups.setdefault((found[0].metric, found[0].slices), []).append(result)
    yield from _in_turns(groups[key] for key in sorted(groups))


def _in_turns(lists: Iterable[Iterable[_Result]]) -> Iterator[_Result]:
    for turn in zip_longest(*lists):
        yield from (result for result in turn if result is not None)


class _Clips:
    """The clips of items: those of videos of a benchmark's own, else of the manifest's samples.

    Such an item is named as its sample, or as "<sample>/<what is asked of it>".
    """

    def __init__(self, context: StepContext) -> None:
        self._workspace = context.workspace
        self._samples: dict[str, VideoSample] = {}
        if context.workspace.manifest.exists():
            self._samples = {s.id: s for s in samples_of(context.workspace, "test")}
        self._own: dict[tuple[str, str], Clip] = {}
        for name, raw in context.params.evaluate.benchmarks.items():
            benchmark = open_benchmark(name, raw, context.workspace.root)
            if isinstance(benchmark, HasVideos):
                try:
                    items = benchmark.items(context)
                except DataError as error:  # results without their data, as of another machine
                    context.progress.note(f"MLflow shows no answers of {name}: {error}")
                    continue
                self._own |= {(name, item.id): item.clip for item in items}

    def of(self, result: _Result) -> Clip | None:
        """VideoError or DataError when its file may not be read."""
        own = self._own.get((result.benchmark, result.item))
        names = (result.item, result.item.rpartition("/")[0])
        sample = next((self._samples[name] for name in names if name in self._samples), None)
        if own is not None or sample is None:
            return own
        return Clip(self._workspace.video(sample.video), sample.start_s, sample.end_s)


def _picture(folder: Path, frames: FrameCache, clips: _Clips, result: _Result) -> str | None:
    """The middle one of the frames that the model saw; None when there is none."""
    try:
        clip = clips.of(result)
        if clip is None:
            return None
        name = f"frames/{frames.key(clip)[:20]}.png"
        if not (folder / name).exists():
            pixels = frames.get(clip).pixels
            image = Image.fromarray(pixels[len(pixels) // 2])
            image.thumbnail((THUMBNAIL, THUMBNAIL))
            (folder / name).parent.mkdir(exist_ok=True)
            image.save(folder / name)
    except (VideoError, DataError):
        return None
    return name


def _write(path: Path, rows: Rows) -> None:
    rows = list(rows)
    if rows:
        table = {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}
        write_text(path, json.dumps(table, ensure_ascii=False))
