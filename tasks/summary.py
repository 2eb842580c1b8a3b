"""The artifacts of a cycle: tables of rounds and yields, links to MLflow and to the report."""

from __future__ import annotations

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)

from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.services.addresses import compare_url
from video_star.tracking.rounds_table import (
    KindYield,
    RoundRow,
    headline_metrics,
    metric_format,
    rounds_rows,
)


def show_rounds(workspace: Workspace, params: Params, shown: list[RoundRow]) -> list[RoundRow]:
    """Make the artifacts unless they are as they were `shown`; returns what they show now.

    Prefect keeps the earlier ones as versions. Rounds that are not there yet are left out.
    """
    rows = rounds_rows(workspace) if workspace.round("r0").metrics.exists() else []
    if rows == shown:
        return shown
    create_table_artifact(
        key="rounds",
        table=rounds_cells(rows),
        description="What each round kept, and its model on held-out videos: [95 % interval].",
    )
    if yields := yield_cells(rows):
        create_table_artifact(
            key="yields",
            table=yields,
            description="Samples of each label kind that a round learned from: answered + "
            "explained (? doubtful).",
        )
    if link := compare_url(workspace, params):
        create_link_artifact(
            key="mlflow-comparison",
            link=link,
            link_text="The rounds side by side in MLflow",
            description="Metrics, parameters, data sets and adapters of the rounds.",
        )
    if workspace.report.exists():
        create_markdown_artifact(
            key="report",
            markdown=f"Open `{workspace.report.as_uri()}` in a browser.",
            description="Curves, samples, answers and verdicts of the rounds, in one file.",
        )
    return rows


def rounds_cells(rows: list[RoundRow]) -> list[dict[str, str]]:
    """One row for each round: text only, fractions as percentages."""
    return [
        {
            "round": row.round,
            "kept": str(row.kept),
            "answered": _percent(row.direct_yield),
            "explained": _percent(row.rationalized_yield),
            **{name: _metric(row, name) for name in headline_metrics(rows)},
        }
        for row in rows
    ]


def yield_cells(rows: list[RoundRow]) -> list[dict[str, str]]:
    """One row for each label kind, a column for each round that learned."""
    kinds = sorted({kind for row in rows for kind in row.kinds})
    return [
        {
            "label kind": kind,
            **{r.round: _kind(r.kinds.get(kind)) for r in rows if r.kinds},
        }
        for kind in kinds
    ]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _kind(share: KindYield | None) -> str:
    if share is None:
        return ""
    doubtful = f" ({share.doubtful:.0%} ?)" if round(100 * share.doubtful) else ""
    return f"{share.direct:.0%} + {share.rationalized:.0%}{doubtful}"


def _metric(row: RoundRow, name: str) -> str:
    metric = row.metrics.get(name)
    if metric is None:
        return ""
    form = metric_format(name)
    return f"{metric.value:{form}} [{metric.low:{form}}, {metric.high:{form}}]"
