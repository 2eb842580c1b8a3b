"""The page of a cycle in MLflow: the charts of its rounds that the printed address opens.

MLflow keeps a shared view of an experiment as JSON in a tag of the experiment, and shows it at an
address that names its key (3.17: `mlflow.sharedViewState.<key>` and `viewStateShareKey`). Without
one, its page has a chart for each metric, in alphabetical order.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from video_star.core.hashing import sha256

VIEW_TAG = "mlflow.sharedViewState."
HEADLINE, YIELD = "headline/", "yield/"
"""Prefixes of a round's metrics that are curves of the cycle."""
LOSS = "loss/"
"""Prefix of the cycle's loss curves, one for each round."""
SHARES = ("direct_yield", "rationalized_yield", "line_share")
"""Headlines about the training videos; the others are held-out scores."""
COLUMNS, CARD_HEIGHT = 4, 260
"""Charts side by side, and their height in pixels: two rows fit on a screen of 900."""


def curves_of(metrics: Mapping[str, float]) -> dict[str, float]:
    """A round's points on the cycle's curves: its "yield/box/direct" is "box/direct" there.

    They are named otherwise because MLflow draws every run that has a chart's metric: the points of
    the rounds would stand as runs of their own beside the curve.
    """
    shown = (HEADLINE, YIELD)
    return {k.partition("/")[2]: v for k, v in metrics.items() if k.startswith(shown)}


def view_key(cycle: str) -> str:
    """The key of a cycle's view."""
    return sha256(cycle)[:16]


def view_address(server: str, experiment: str, cycle: str) -> str:
    """Where the page of a cycle is."""
    page = f"{server.rstrip('/')}/#/experiments/{quote(experiment)}/runs"
    view = f"viewStateShareKey={view_key(cycle)}&compareRunsMode=CHART"
    return f"{page}?{view}&workflowType=machine_learning"


def view_state(wanted: str, curves: Collection[str]) -> str:
    """The view as the text of its tag; `wanted` is the filter that finds the cycle's runs."""
    names = sorted(curves)
    loss = [name for name in names if name.startswith(LOSS)]
    shares = [name for name in SHARES if name in names]
    kinds = [
        [name, f"{kind}/rationalized"]
        for name in names
        if (kind := name.removesuffix("/direct")) != name
    ]
    others = {*loss, *shares, *(name for pair in kinds for name in pair)}
    # Lines of one run have one colour in MLflow, so a chart has few of them.
    sections = {
        "Held-out scores and yields by round": [
            *([name] for name in names if name not in others),
            shares,
        ],
        "Yields of each label kind by round": kinds,
        "Loss of each round by step": [[name] for name in loss],
    }
    return json.dumps(
        {
            "searchFilter": wanted,
            "orderByKey": "attributes.start_time",
            "orderByAsc": True,
            "isAccordionReordered": True,
            "runListHidden": True,
            "compareRunSections": [
                {
                    "uuid": name,
                    "name": name,
                    "display": True,
                    "isReordered": True,
                    "columns": COLUMNS,
                    "cardHeight": CARD_HEIGHT,
                }
                for name in sections
            ],
            "compareRunCharts": [
                chart
                for section, charts in sections.items()
                for metrics in charts
                for chart in _charts(section, metrics)
            ],
        },
        separators=(",", ":"),
    )


def _charts(section: str, metrics: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A chart of all the metrics.

    For a metric that is the first one of no chart MLflow makes a chart, unless one was removed.
    """
    for place, name in enumerate(metrics):
        yield {
            "uuid": name,
            "metricSectionId": section,
            "type": "LINE",
            "metricKey": name,
            "selectedMetricKeys": [name] if place else metrics,
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "deleted": place > 0,
        }
