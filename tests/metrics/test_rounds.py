"""The table of rounds, from the files that the steps write."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console

from video_star.core.errors import DataError
from video_star.core.jsonl import dump_json, write_text
from video_star.core.labels import KINDS
from video_star.core.paths import Workspace
from video_star.core.records import MetricValue, StepReport
from video_star.evaluation.metrics import RoundMetrics
from video_star.tracking.rounds_table import (
    MetricRow,
    kinds_table,
    rounds_rows,
    rounds_table,
    rows_json,
)

OPEN = "kinetics_qa/open_accuracy"


def _finish(workspace: Workspace, name: str, accuracy: float, direct: float | None) -> None:
    """Write what evaluate (and, with yields, curate) leaves of a round."""
    paths = workspace.round(name)
    metrics = {
        key: MetricValue(value=accuracy, low=accuracy - 0.1, high=accuracy + 0.1, n=40)
        for key in (OPEN, "kinetics_qa/choice_accuracy", "tempcompass/accuracy", "other/metric")
    }
    whole = RoundMetrics(round=name, metrics=metrics, slices={})
    write_text(paths.metrics, dump_json(whole.model_dump(mode="json")))
    if direct is not None:
        counts = {"kept": 80.0, "direct_yield": direct, "rationalized_yield": 0.5 - direct / 2}
        report = StepReport(step="curate", round=name, read=100, written=80, metrics=counts)
        write_text(paths.report("curate"), dump_json(report.model_dump(mode="json")))


@pytest.fixture
def finished(new_workspace: Callable[..., Workspace]) -> Workspace:
    workspace = new_workspace()
    for name, accuracy, direct in (("r0", 0.2, None), ("r1", 0.6, 0.3), ("r2", 0.8, 0.7)):
        _finish(workspace, name, accuracy, direct)
    return workspace


def test_rows_hold_yields_and_every_metric(finished: Workspace) -> None:
    rows = rounds_rows(finished)
    assert [row.round for row in rows] == ["r0", "r1", "r2"]
    assert (rows[0].kept, rows[0].direct_yield, rows[0].rationalized_yield) == (0, None, None)
    assert (rows[1].kept, rows[1].direct_yield) == (80, 0.3)
    assert rows[2].metrics[OPEN] == MetricRow(value=0.8, low=0.8 - 0.1, high=0.8 + 0.1, n=40)
    assert "other/metric" in rows[0].metrics


def test_a_paired_difference_is_in_the_row_and_marked_in_the_table(finished: Workspace) -> None:
    path = finished.round("r2").metrics
    pair = {"difference": 0.6, "low": 0.5, "high": 0.7, "n": 40, "clusters": 9, "left_out": 3}
    whole = json.loads(path.read_text())
    whole["comparisons"] = {OPEN: {"r0": {**pair, "p": 0.01}, "r1": {**pair, "p": 0.3}}}
    path.write_text(json.dumps(whole))
    rows = rounds_rows(finished)
    against = rows_json(rows)[2]["metrics"][OPEN]["against"]
    assert against["r1"] == {
        "difference": 0.6,
        "low": 0.5,
        "high": 0.7,
        "n": 40,
        "p": 0.3,
        "left_out": 3,
    }
    text = _shown(finished)
    assert text.count("+60.0* ") == 1
    assert "+60.0 " in text


@pytest.mark.parametrize(
    ("first", "previous", "shown"), [(0.01, 0.01, "+50.0*' 80.0"), (0.3, 0.01, "+50.0' 80.0")]
)
def test_the_change_is_that_on_the_same_items_and_marked_for_both_rounds(
    finished: Workspace, first: float, previous: float, shown: str
) -> None:
    path = finished.round("r2").metrics
    whole = json.loads(path.read_text())
    # 80.0 - 20.0 over all items, but 50.0 on those that both rounds have.
    pair = {"difference": 0.5, "low": 0.4, "high": 0.6, "n": 30, "clusters": 9, "left_out": 10}
    against = {"r0": {**pair, "p": first}, "r1": {**pair, "difference": 0.2, "p": previous}}
    whole["comparisons"] = {OPEN: against}
    path.write_text(json.dumps(whole))
    text = _shown(finished)
    assert shown in text
    assert "against the round before '" in " ".join(text.split())


def test_a_change_is_never_marked_for_a_round_that_is_not_the_first_row(
    finished: Workspace,
) -> None:
    for name in ("r0", "r1"):
        finished.round(name).metrics.unlink()
    assert "+" not in _shown(finished).split("Percent")[0]


def test_the_table_tells_how_many_items_were_scored(finished: Workspace) -> None:
    path = finished.round("r1").metrics
    whole = json.loads(path.read_text())
    whole["metrics"]["tempcompass/accuracy"]["n"] = 38
    path.write_text(json.dumps(whole))
    assert "n 40 n 40 n 38-40" in " ".join(_shown(finished).split())


def _shown(workspace: Workspace, *more: object) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(rounds_table(rounds_rows(workspace)), *more)
    return console.export_text()


def test_a_round_that_is_not_evaluated_yet_has_no_row(finished: Workspace) -> None:
    finished.round("r2").metrics.unlink()
    assert [row.round for row in rounds_rows(finished)] == ["r0", "r1"]


def test_no_evaluated_round_is_said(workspace: Workspace) -> None:
    with pytest.raises(DataError, match="no round is evaluated yet"):
        rounds_rows(workspace)


def test_a_damaged_metrics_file_is_named(finished: Workspace) -> None:
    finished.round("r1").metrics.write_text('{"round": "r1"')
    with pytest.raises(DataError, match=r"r1/metrics\.json: not what evaluate writes"):
        rounds_rows(finished)


def test_table_shows_percent_interval_and_change_against_r0(finished: Workspace) -> None:
    lines = _shown(finished).splitlines()
    (last,) = (line for line in lines if line.startswith(" r2"))
    assert "+60.0 80.0" in last
    assert any("70.0 - 90.0" in line for line in lines)
    assert "70.0" in last
    (first,) = (line for line in lines if line.startswith(" r0"))
    assert "+0.0" not in first


def test_yields_by_label_kind_fit_a_terminal(finished: Workspace) -> None:
    path = finished.round("r1").report("curate")
    report = json.loads(path.read_text())
    for number, kind in enumerate(KINDS):
        report["metrics"] |= {f"direct_yield/{kind}": 0.1 * number, f"rationalized_yield/{kind}": 0}
    path.write_text(json.dumps(report))
    rows = rounds_rows(finished)
    assert rows[1].kinds["box"].direct == pytest.approx(0.6)
    text = _shown(finished, kinds_table(rows))
    assert "…" not in text
    assert "60 + 0" in text
    assert all(kind in text for kind in KINDS)
