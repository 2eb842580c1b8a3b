"""What a benchmark is: items to ask a model about, a rule to mark answers, and what to report.

A benchmark knows no engine. `run_evaluate` asks the items of all benchmarks as one list, has each
answer marked, and writes what `measures` makes of the marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict, ValidationError

from video_star.core.context import StepContext
from video_star.core.engine import Clip
from video_star.core.errors import UsageError
from video_star.core.records import Score
from video_star.evaluation.metrics import Point, Statistic

G = TypeVar("G")
P = TypeVar("P", bound="BenchmarkParams")


class BenchmarkParams(BaseModel):
    """Base of the parameters of a benchmark: a section of `evaluate.benchmarks` in params.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Item(Generic[G]):
    """One question of a benchmark; `gold` is whatever its rule needs to mark the answer."""

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
    """The narrow door to a benchmark."""

    def items(self, context: StepContext) -> list[Item[G]]:
        """Every item, ids unique, in a stable order; DataError names what cannot be read."""
        ...

    def score(self, item: Item[G], text: str) -> Score:
        """Mark the answer to one item."""
        ...

    def measures(self, scores: Sequence[Score]) -> list[Measure]:
        """The numbers to report of the marks of all items."""
        ...

    def write_predictions(
        self, folder: Path, items: Sequence[Item[G]], texts: Mapping[str, str]
    ) -> None:
        """Write the answers (by item id, unanswered ones missing) in the benchmark's own layout."""
        ...


@runtime_checkable
class MarksTogether(Protocol[G]):
    """A benchmark that marks all answers at once, perhaps in several ways: judges are asked so."""

    def score_all(
        self, context: StepContext, items: Sequence[Item[G]], texts: Mapping[str, str]
    ) -> list[Score]:
        """Marks of the items, each of which has an answer in `texts`; one per item and metric."""
        ...


@runtime_checkable
class HasVideos(Protocol):
    """A benchmark with video files of its own, besides those of the manifest."""

    def videos(self, context: StepContext) -> dict[Path, str]:
        """Its files, each with the id of the recording it was made from; those that are there.

        Asked by ingest, which refuses to learn from them; raises nothing where files are missing.
        """
        ...


def plain_measures(scores: Iterable[Score]) -> list[Measure]:
    """A measure for each metric that occurs: its scored items, overall and by slice."""
    points: dict[str, list[Point]] = {}
    slices: dict[str, dict[str, list[Point]]] = {}
    for score in scores:
        if score.value is None:
            continue
        point = Point(score.value, score.cluster, item=score.item_id)
        points.setdefault(score.metric, []).append(point)
        for name in score.slices:
            slices.setdefault(score.metric, {}).setdefault(name, []).append(point)
    return [
        Measure(name, tuple(own), {k: tuple(v) for k, v in slices.get(name, {}).items()})
        for name, own in points.items()
    ]


def own_params(kind: type[P], name: str, raw: Mapping[str, Any]) -> P:
    """The validated parameters of a benchmark; UsageError names the key and what is wrong."""
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        known = f"; the parameters of {name} are {', '.join(kind.model_fields)}"
        raise UsageError(f"params.yaml: {wrong_params(name, error)}{known}.") from error


def wrong_params(name: str, error: ValidationError) -> str:
    """The keys of params.yaml that a benchmark does not take, and what is wrong with them."""
    return "; ".join(
        f"evaluate.benchmarks.{'.'.join([name, *map(str, item['loc'])])}: {item['msg']}"
        for item in error.errors()[:5]
    )
