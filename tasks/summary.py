"""The artifacts of a cycle: the table of rounds and the link to their comparison."""

from __future__ import annotations

from prefect.artifacts import create_link_artifact, create_table_artifact

from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.services.addresses import compare_url
from video_star.tracking.rounds_table import RoundRow, is_share, rounds_rows


def show_rounds(workspace: Workspace, params: Params) -> None:
    """Make the two artifacts; rounds that are not there yet are left out."""
    rows = rounds_rows(workspace)
    create_table_artifact(
        key="rounds",
        table=[table_row(row) for row in rows],
        description="Yields and held-out metrics of each round, with 95 % intervals.",
    )
    link = compare_url(workspace, params)
    if link is not None:
        create_link_artifact(
            key="mlflow-comparison", link=link, link_text="The rounds side by side in MLflow"
        )


def table_row(row: RoundRow) -> dict[str, str]:
    """One row of the table: text only, fractions as percentages."""
    cells = {"round": str(row["round"]), "kept": str(row["kept"])}
    for name, part in (
        ("direct_yield", row["direct_yield"]),
        ("rationalized_yield", row["rationalized_yield"]),
    ):
        cells[name] = "" if part is None else f"{part:.1%}"
    for kind, share in row["kinds"].items():
        cells[f"{kind}_yield"] = f"{share['direct']:.1%} + {share['rationalized']:.1%}"
    for name, metric in row["metrics"].items():
        form = ".1%" if is_share(name) else ".3f"
        value, low, high = (format(metric[key], form) for key in ("value", "low", "high"))
        cells[name] = f"{value} [{low}, {high}]"
    return cells
