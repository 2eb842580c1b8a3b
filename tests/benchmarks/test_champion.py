"""The round to keep: the one that the paired test says is better, not the last one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny import ROOT

from video_star.core.context import StepContext
from video_star.core.engine import Engine
from video_star.core.jsonl import dump_json, write_records, write_text
from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.core.records import MetricValue, ModelRef, PairedDifference, Prediction, Score
from video_star.evaluation.champion import champion_of
from video_star.evaluation.metrics import RoundMetrics

METRIC, ITEMS = "kinetics_qa/open_accuracy", 40


def no_engine(_: ModelRef) -> Engine:
    raise AssertionError("nothing is asked")


@pytest.fixture
def context(tmp_path: Path) -> StepContext:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    workspace = Workspace(tmp_path)
    return StepContext(workspace, load_params(workspace.params), "r3", no_engine)


def measured(
    context: StepContext, name: str, right: int, against: dict[str, PairedDifference] | None = None
) -> None:
    """A round whose first `right` items are right, each about a video of its own."""
    paths = context.workspace.round(name)
    folder = paths.predictions / "kinetics_qa"
    ids = [f"item {number}" for number in range(ITEMS)]
    write_records(
        folder / "predictions.jsonl", [Prediction(item_id=i, prompt="?", text="") for i in ids]
    )
    write_records(
        folder / "scores.jsonl",
        [
            Score(item_id=i, metric="open_accuracy", value=place < right, cluster=i, reason="")
            for place, i in enumerate(ids)
        ],
    )
    value = MetricValue(value=right / ITEMS, low=0, high=1, n=ITEMS)
    metrics = RoundMetrics(
        round=name, metrics={METRIC: value}, slices={}, comparisons={METRIC: against or {}}
    )
    write_text(paths.metrics, dump_json(metrics.model_dump(mode="json")))


def test_only_a_surely_better_round_takes_the_place(context: StepContext) -> None:
    rounds = ("r0", "r1", "r2", "r3")
    assert champion_of(context, rounds) is None
    measured(context, "r0", 10)
    first = champion_of(context, rounds)
    assert first is not None
    assert (first.round, first.better) == ("r0", None)
    measured(context, "r1", 30)
    measured(context, "r2", 33)  # three more of forty: by chance, p = 0.25
    best = champion_of(context, rounds)
    assert best is not None
    assert (best.round, best.before) == ("r1", "r0")
    measured(context, "r3", 36)  # six more than the champion: p = 2 / 2**6
    last = champion_of(context, rounds)
    assert last is not None
    assert last.better is not None
    assert (last.round, last.before, last.better.p) == ("r3", "r1", 2 / 2**6)
    measured(context, "r3", 20)
    assert champion_of(context, rounds) == best


def test_a_comparison_that_the_evaluation_made_is_taken(context: StepContext) -> None:
    measured(context, "r0", 10)
    pair = PairedDifference(difference=0.1, low=0, high=1, p=0.04, n=9, clusters=9, left_out=0)
    measured(context, "r1", 10, {"r0": pair})
    best = champion_of(context, ("r0", "r1"))
    assert best is not None
    assert best.better == pair
