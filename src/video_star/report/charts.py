"""The curves of the page, as SVG that takes the colours of the page."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from video_star.core.jsonl import read_records
from video_star.core.paths import RoundPaths
from video_star.core.records import LossPoint, Origin
from video_star.report.samples import ALL, Tally
from video_star.tracking.lives import Standing
from video_star.tracking.rounds_table import RoundRow, is_share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, FAINT, GRID = "#222222", "#8a8a8a", "#e6e6e6"
CURVES: Final = ("#0072B2", "#D55E00", "#009E73")
"""Okabe and Ito's colours, told apart by colour-blind readers too."""
MARKERS: Final = ("o", "s", "^")
COLOURS: Final = {INK: "--ink", FAINT: "--faint", GRID: "--grid"} | {
    colour: f"--curve-{number}" for number, colour in enumerate(CURVES)
}
"""Variables of the style sheet in place of what matplotlib writes, for light and dark pages."""
STYLE: Final[dict[str, Any]] = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.parse_math": False,  # names of benchmarks and label kinds are the user's
    "svg.fonttype": "none",
}
WIDTH, HEIGHT = 3.6, 2.1
"""Inches; the page scales it."""
SMALL = 1.9, 1.35
ROUNDS_PER_INCH = 3
"""Names of rounds below an axis that stay apart; of more every second is written, or third."""
LOSS_POINTS = 60
"""Of a loss curve: each is the mean of a part of the steps."""
Z95 = 1.959964
"""Of the normal distribution: 95 % lie within."""
YIELDS: Final[tuple[Standing, ...]] = ("direct", "rationalized", "doubtful")
ORIGINS: Final[tuple[Origin, ...]] = ("direct", "rationalized")


@dataclass(frozen=True)
class Curve:
    """Values with their intervals."""

    label: str
    points: Sequence[tuple[float, float, float, float]]
    """Place, value, and low and high end of the interval."""


@dataclass(frozen=True)
class Chart:
    """A picture with a title; `labels` are those of its curves, in the order of the colours."""

    title: str
    svg: Markup
    labels: tuple[str, ...]
    said: str
    """Title and values in words."""


def benchmark_charts(rows: list[RoundRow]) -> list[Chart]:
    """One for each benchmark, of its accuracies."""
    rounds = [row.round for row in rows]
    charts = []
    for benchmark, names in headlines(rows).items():
        curves = [_metric_curve(rows, name) for name in names]
        charts.append(_over_rounds(benchmark, curves, rounds, is_share(names[0])))
    return charts


def _metric_curve(rows: list[RoundRow], name: str) -> Curve:
    """A metric over the rounds, shares in percent, named without its benchmark."""
    unit = 100 if is_share(name) else 1
    measured = [(x, row.metrics[name]) for x, row in enumerate(rows) if name in row.metrics]
    points = [(x, unit * m.value, unit * m.low, unit * m.high) for x, m in measured]
    return Curve(name.partition("/")[2].replace("_", " "), points)


def headlines(rows: list[RoundRow]) -> dict[str, list[str]]:
    """Of each benchmark its accuracies, at most three; of one that has none, what it has."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted({name for row in rows for name in row.metrics}):
        if name.count("/") == 1:
            found[name.partition("/")[0]].append(name)
    return {
        benchmark: _first([n for n in names if n.endswith("accuracy")] or names)
        for benchmark, names in sorted(found.items())
    }


def _first(names: list[str]) -> list[str]:
    """Those of one scale, as many as there are colours; the plain accuracy before others."""
    ordered = sorted(names, key=lambda name: (not name.endswith("/accuracy"), name))
    return [name for name in ordered if is_share(name) == is_share(ordered[0])][: len(CURVES)]


def yield_charts(tally: Tally, rounds: Sequence[str]) -> list[Chart]:
    """Shares of the training samples, all and of each label kind, by what came of them."""
    charts = []
    for kind in (ALL, *tally.kinds) if rounds else ():
        curves = [
            Curve(
                standing,
                [
                    share_of(x, tally.standings[name, kind, standing], tally.samples(name, kind))
                    for x, name in enumerate(rounds)
                ],
            )
            for standing in YIELDS
        ]
        charts.append(_over_rounds(kind or "all samples", curves, rounds, True, SMALL))
    return charts


def line_chart(tally: Tally, rounds: Sequence[str]) -> list[Chart]:
    """The share of answers with a final line, by origin; nothing before the first answers."""
    curves = []
    for origin in ORIGINS:
        lines = tally.lines
        counts = [(lines[name, origin, True], lines[name, origin, False]) for name in rounds]
        points = [share_of(x, yes, yes + no) for x, (yes, no) in enumerate(counts) if yes + no]
        if points:
            curves.append(Curve(origin, points))
    return [_over_rounds("Answers with a final line", curves, rounds, True)] if curves else []


def loss_charts(paths: Sequence[RoundPaths]) -> list[Chart]:
    """The loss of each finetune over its steps, with the least and the most of each part."""
    charts = []
    for own in paths:
        if own.loss.exists():
            points = list(read_records(own.loss, LossPoint))
            if points:
                curve = Curve("loss", list(_means(points)))
                said = f"from {points[0].loss:.2f} to {points[-1].loss:.2f}"
                charts.append(_chart(f"Loss of {own.name}", [curve], _steps, said))
    return charts


def _means(points: Sequence[LossPoint]) -> Iterator[tuple[float, float, float, float]]:
    size = math.ceil(len(points) / LOSS_POINTS)
    for start in range(0, len(points), size):
        part = points[start : start + size]
        losses = [point.loss for point in part]
        yield part[-1].step, sum(losses) / len(losses), min(losses), max(losses)


def _steps(axes: Axes) -> None:
    axes.set_xlabel("step")
    axes.set_ylim(bottom=0)


def share_of(x: int, part: int, whole: int) -> tuple[float, float, float, float]:
    """The place, a share in percent and the ends of its 95 % interval after Wilson (1927)."""
    share = part / max(1, whole)
    z = Z95**2 / max(1, whole)
    centre = (share + z / 2) / (1 + z)
    half = math.sqrt(share * (1 - share) * z + z * z / 4) / (1 + z)
    return x, 100 * share, 100 * max(0.0, centre - half), 100 * min(1.0, centre + half)


def _over_rounds(
    title: str,
    curves: Sequence[Curve],
    rounds: Sequence[str],
    percent: bool,
    size: tuple[float, float] = (WIDTH, HEIGHT),
) -> Chart:
    def scale(axes: Axes) -> None:
        every = math.ceil(len(rounds) / (ROUNDS_PER_INCH * size[0]))
        axes.set_xticks(range(0, len(rounds), every), rounds[::every])
        axes.set_xlim(-0.3, len(rounds) - 0.7)
        if percent:
            axes.set_ylim(-3, 103)
            axes.set_yticks([0, 50, 100], ["0 %", "50 %", "100 %"])

    unit = " %" if percent else ""
    said = "; ".join(
        f"{curve.label}: "
        + ", ".join(f"{rounds[int(x)]} {value:.1f}{unit}" for x, value, _, _ in curve.points)
        for curve in curves
    )
    return _chart(title, curves, scale, said, size)


def _chart(
    title: str,
    curves: Sequence[Curve],
    scale: Callable[[Axes], None],
    said: str,
    size: tuple[float, float] = (WIDTH, HEIGHT),
) -> Chart:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    with mpl.rc_context({**STYLE, "svg.hashsalt": title}):
        figure, axes = plt.subplots(figsize=size, layout="constrained")
        axes.grid(axis="y", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        for curve, colour, marker in zip(curves, CURVES, MARKERS, strict=False):
            xs, values, lows, highs = zip(*curve.points, strict=True)
            axes.fill_between(xs, lows, highs, color=colour, alpha=0.15, linewidth=0)
            line = axes.plot(xs, values, color=colour, linewidth=1.8, label=curve.label)[0]
            line.set(marker=marker, markersize=0 if len(curves[0].points) > 30 else 4)
        scale(axes)
        written = StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
        plt.close(figure)
    labels = tuple(curve.label for curve in curves)
    return Chart(title, _of_page(written.getvalue()), labels, f"{title}; {said}")


def _of_page(svg: str) -> Markup:
    """The element without its frame, ids that nothing names, and colours of its own."""
    svg = svg[svg.index("<svg") :]
    named = set(re.findall(r'#([\w-]+)[")]', svg))
    svg = re.sub(r' id="([\w-]+)"', lambda found: found[0] if found[1] in named else "", svg)
    svg = re.sub(r"<style.*?</style>|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 aria-hidden="true">', svg)
    for colour, variable in COLOURS.items():
        svg = svg.replace(colour, f"var({variable})").replace(colour.lower(), f"var({variable})")
    return Markup(svg)
