"""The picture of the rounds: where the training data came from, and how good each model is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from video_star.core.errors import UsageError
from video_star.core.paths import Workspace
from video_star.tracking.rounds_table import (
    RoundRow,
    headline_metrics,
    is_share,
    rounds_rows,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DIRECT, RATIONALIZED, INK, FAINT = "#0072B2", "#E69F00", "#222222", "#8a8a8a"
CURVES: Final = ("#0072B2", "#D55E00", "#009E73")
"""Okabe and Ito's colours, told apart by colour-blind readers too."""
MARKERS: Final = ("o", "s", "^")
STYLE: Final[dict[str, Any]] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.hashsalt": "video-star",
    "text.parse_math": False,  # names of benchmarks and label kinds are the user's
}


def draw_rounds(workspace: Workspace, out: Path) -> Path:
    """Draw the rounds of a workspace to a .png or .svg file; the same rounds, the same bytes."""
    if out.suffix not in (".png", ".svg"):
        raise UsageError(f"{out}: a picture is a .png or .svg file; change the ending.")
    rows = rounds_rows(workspace)
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    with mpl.rc_context(STYLE):
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(8.4, 3.2), width_ratios=(2, 3), layout="constrained"
        )
        _draw_yields(left, rows)
        _draw_metrics(right, rows)
        out.parent.mkdir(parents=True, exist_ok=True)
        # No date in the file, so that drawing again changes nothing.
        figure.savefig(out, dpi=160, metadata={"Date": None} if out.suffix == ".svg" else {})
        plt.close(figure)
    return out


def _draw_yields(axes: Axes, rows: list[RoundRow]) -> None:
    """Stacked bars: the share of train samples with a passing answer, or a passing explanation."""
    rounds = [row for row in rows if row["direct_yield"] is not None]
    names = [row["round"] for row in rounds]
    direct = [100 * (row["direct_yield"] or 0) for row in rounds]
    explained = [100 * (row["rationalized_yield"] or 0) for row in rounds]
    axes.set_title("Training data kept")
    axes.set_ylabel("% of train samples")
    axes.set_ylim(0, 100)
    axes.bar(names, direct, width=0.6, color=DIRECT, label="answered")
    axes.bar(names, explained, width=0.6, bottom=direct, color=RATIONALIZED, label="explained")
    for x, (low, high) in enumerate(zip(direct, explained, strict=True)):
        if low >= 8:
            axes.text(x, low / 2, f"{low:.0f}", ha="center", va="center", color="white")
        if high >= 8:
            axes.text(x, low + high / 2, f"{high:.0f}", ha="center", va="center")
    if names:
        _legend(axes, columns=2)


def _draw_metrics(axes: Axes, rows: list[RoundRow]) -> None:
    """One curve with its 95 % interval for each headline metric."""
    axes.set_title("Accuracy on held-out videos, 95 % interval")
    axes.set_ylabel("%")
    axes.set_ylim(0, 100)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    draw_curves(axes, [metric_curve(rows, name) for name in headline_metrics(rows)[: len(CURVES)]])
    axes.set_xticks(range(len(rows)), [row["round"] for row in rows])
    _legend(axes, columns=3)


@dataclass(frozen=True)
class Curve:
    """Values with their intervals."""

    label: str
    points: Sequence[tuple[float, float, float, float]]
    """Place, value, and low and high end of the interval."""


def metric_curve(rows: list[RoundRow], name: str) -> Curve:
    """A metric over the rounds, shares in percent."""
    unit = 100 if is_share(name) else 1
    measured = [(x, row["metrics"][name]) for x, row in enumerate(rows) if name in row["metrics"]]
    points = [(x, unit * m["value"], unit * m["low"], unit * m["high"]) for x, m in measured]
    # The title says that these are accuracies.
    label = name.removesuffix("_accuracy").removesuffix("/accuracy").replace("/", " ")
    return Curve(label, points)


def draw_curves(axes: Axes, curves: Sequence[Curve], marker_size: float = 5) -> None:
    """Draw up to three curves, each with its interval as a band."""
    for curve, colour, marker in zip(curves, CURVES, MARKERS, strict=False):
        xs, values, lows, highs = zip(*curve.points, strict=True)
        axes.fill_between(xs, lows, highs, color=colour, alpha=0.15, linewidth=0)
        line = axes.plot(xs, values, color=colour, linewidth=1.8, label=curve.label)[0]
        line.set(marker=marker, markersize=marker_size)


def _legend(axes: Axes, columns: int) -> None:
    """Below the axes, where it hides no data."""
    axes.legend(
        frameon=False,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.1),
        ncols=columns,
        fontsize=8,
        columnspacing=1.2,
        handlelength=1.6,
    )
