"""What a benchmark is: items to ask a model about, a rule to score answers, and what to report.

A benchmark knows no engine. `run_evaluate` asks the items of all benchmarks as one list, has each
answer scored, and writes what `measures` makes of the scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict

from video_star.core.context import StepContext
from video_star.core.engine import Clip
from video_star.core.records import Score
from video_star.evaluation.metrics import Point, Statistic

G = TypeVar("G")


class BenchmarkParams(BaseModel):
    """Base of the parameters of a benchmark: a section of `evaluate.benchmarks` in params.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Item(Generic[G]):
    """One question of a benchmark; `gold` is whatever its rule needs to score the answer."""

    id: str
    clip: Clip
    cluster: str
    """The source video; intervals are clustered by it."""
    prompt: str
    metric: str
    """The metric that the item's score counts for."""
    slices: tuple[str, ...]
    gold: G
    truth: float | None = None
    """The right number, where the answer is a number."""

    def scored(self, value: float | None, reason: str, predicted: float | None = None) -> Score:
        """The score of this item; None is unscored."""
        return Score(
            item_id=self.id,
            metric=self.metric,
            value=value,
            cluster=self.cluster,
            slices=self.slices,
            reason=reason,
            predicted=predicted,
            truth=self.truth,
        )


@dataclass(frozen=True)
class Measure:
    """One reported number: its points, and the same number for parts of them."""

    name: str
    points: tuple[Point, ...]
    slices: Mapping[str, tuple[Point, ...]]
    bounds: tuple[float, float] = (0.0, 1.0)
    """The least and the greatest value that a point can have."""
    statistic: Statistic = "mean"
    missing: str = ""
    """Why there is no point, where there is none and the number is reported as undefined."""


class Benchmark(Protocol[G]):
    """Implemented by every benchmark; ours inherit what most of them do alike."""

    def items(self, context: StepContext) -> list[Item[G]]:
        """Every item, ids unique, in a stable order; DataError names what cannot be read."""
        ...

    def score(self, item: Item[G], text: str) -> Score:
        """Score the answer to one item."""
        ...

    def measures(self, scores: Sequence[Score]) -> list[Measure]:
        """The numbers to report of the scores of all items: the mean of each metric."""
        return plain_measures(scores)

    def write_predictions(
        self, folder: Path, items: Sequence[Item[G]], texts: Mapping[str, str]
    ) -> None:
        """Write the answers (by item id, unanswered ones missing) in the benchmark's own layout.

        Most have none: predictions.jsonl and scores.jsonl hold everything.
        """


@runtime_checkable
class ScoresTogether(Protocol[G]):
    """A benchmark that scores all answers at once, perhaps in several ways, as a judge does."""

    def score_all(
        self, context: StepContext, items: Sequence[Item[G]], texts: Mapping[str, str]
    ) -> list[Score]:
        """Scores of the items, each of which has an answer in `texts`; one per item and metric."""
        ...


@runtime_checkable
class HasVideos(Protocol):
    """A benchmark with video files of its own, besides those of the manifest."""

    def videos(self, context: StepContext) -> dict[Path, str]:
        """Its files, each with the id of the recording it was made from; those that are there.

        Asked by ingest, which refuses to learn from them; raises nothing where files are missing.
        """
        ...


def values_of(scores: Iterable[Score]) -> list[tuple[Score, float]]:
    """The scored ones with their values."""
    return [(score, score.value) for score in scores if score.value is not None]


def plain_measures(scores: Iterable[Score]) -> list[Measure]:
    """A measure for each metric that occurs: its scored items, overall and by slice."""
    by_metric: dict[str, list[tuple[Score, float]]] = {}
    for score, value in values_of(scores):
        by_metric.setdefault(score.metric, []).append((score, value))
    return [measure(name, values) for name, values in by_metric.items()]


def measure(name: str, values: Iterable[tuple[Score, float]]) -> Measure:
    """A measure of the number that each score counts with, overall and by slice."""
    points: list[Point] = []
    slices: dict[str, list[Point]] = {}
    for score, value in values:
        points.append(Point(value, score.cluster, truth=score.truth, item=score.item_id))
        for part in score.slices:
            slices.setdefault(part, []).append(points[-1])
    return Measure(name, tuple(points), {part: tuple(own) for part, own in slices.items()})


def overall(name: str, values: Iterable[tuple[Score, float]], key: str = "") -> list[Measure]:
    """A measure without slices, nothing where there are no values.

    With a key of slices ("type") it is the mean over the means of its groups.
    """
    points = tuple(
        Point(value, score.cluster, slice_of(score, key) if key else "", item=score.item_id)
        for score, value in values
    )
    return [Measure(name, points, {})] if points else []


def slice_of(score: Score, key: str) -> str:
    """The value of one of the score's slices, such as "direction" for "aspect"."""
    return next(text.partition("=")[2] for text in score.slices if text.startswith(f"{key}="))
