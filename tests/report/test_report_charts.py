"""Curves: intervals of shares as SciPy has them, names of any kind, the same bytes again."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from scipy.stats import binomtest

from video_star.core.jsonl import write_records
from video_star.core.paths import Workspace
from video_star.core.records import LossPoint
from video_star.report.charts import benchmark_charts, headlines, loss_charts, share_of
from video_star.tracking.rounds_table import MetricRow, RoundRow

ODD = "<b>$^{&"


def rows(*names: str) -> list[RoundRow]:
    """Two rounds with the same metrics."""
    metric = MetricRow(value=0.5, low=0.4, high=0.6, n=9)
    return [RoundRow(round=r, metrics=dict.fromkeys(names, metric)) for r in ("r0", "r1")]


@pytest.mark.parametrize(("part", "whole"), [(0, 10), (5, 10), (10, 10), (1, 3), (400, 1000)])
def test_intervals_of_shares_are_those_of_wilson(part: int, whole: int) -> None:
    known = binomtest(part, whole).proportion_ci(method="wilson")
    _, value, low, high = share_of(0, part, whole)
    assert value == pytest.approx(100 * part / whole)
    assert (low, high) == pytest.approx((100 * known.low, 100 * known.high), abs=1e-4)


def test_every_benchmark_has_a_curve() -> None:
    found = headlines(
        rows("a/accuracy", "a/rules_accuracy", "a/captioning/accuracy", "b/spearman", "c/judged")
    )
    assert found == {
        "a": ["a/accuracy", "a/rules_accuracy"],
        "b": ["b/spearman"],
        "c": ["c/judged"],
    }


def test_names_are_no_markup_and_no_formula() -> None:
    (chart,) = benchmark_charts(rows(f"x/{ODD}accuracy", f"x/other_{ODD}_accuracy"))
    assert chart.labels == (f"{ODD}accuracy", f"other {ODD} accuracy")
    assert ODD not in chart.svg
    ElementTree.fromstring(chart.svg.replace("xlink:", ""))
    assert "r0 50.0 %" in chart.said


def test_the_names_of_many_rounds_stay_apart() -> None:
    (row, _) = rows("x/accuracy")
    for count, step in ((4, 1), (13, 2), (40, 4)):
        many = [row.model_copy(update={"round": f"r{n}"}) for n in range(count)]
        (chart,) = benchmark_charts(many)
        written = re.findall(r">(r\d+)<", chart.svg)
        assert written == [f"r{n}" for n in range(0, count, step)]


def test_curves_have_the_colours_of_the_page_and_come_out_again() -> None:
    (chart,) = benchmark_charts(rows("x/accuracy"))
    assert "#" not in chart.svg.replace("url(#", "").replace('href="#', "")
    assert benchmark_charts(rows("x/accuracy")) == [chart]


def test_a_loss_curve_is_short_whatever_the_number_of_steps(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    points = [LossPoint(step=n, loss=9 / n, learning_rate=0.1) for n in range(1, 20_001)]
    write_records(workspace.round("r1").loss, points)
    (chart,) = loss_charts([workspace.round("r0"), workspace.round("r1")])
    assert "from 9.00 to 0.00" in chart.said
    assert len(chart.svg) < 20_000
