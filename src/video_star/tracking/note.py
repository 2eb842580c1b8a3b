"""What MLflow shows in Markdown: a round (also the card of its model), a cycle, a failure."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from video_star.core.records import ModelRef
from video_star.evaluation.champion import Champion
from video_star.tracking.rounds_table import RoundRow, metric_format


def round_note(
    row: RoundRow, ref: ModelRef, headlines: Sequence[str], trained_on: str | None
) -> str:
    """What the round learned from and how good it is; `trained_on` names its data set."""
    lines = [f"Round {row.round}: {_made(ref)}", ""]
    if trained_on is not None:
        lines += [f"Trained on {row.kept} kept answers: {_safe(trained_on)}.", ""]
    lines += ["| held-out metric | value | 95 % interval | change |", "|---|---|---|---|"]
    for name in headlines:
        if name not in row.metrics:
            continue
        metric = row.metrics[name]
        form = metric_format(name)
        value, low, high = (format(end, form) for end in (metric.value, metric.low, metric.high))
        changes = ", ".join(
            f"{pair.difference:+{form}} against {_safe(other)} (p = {pair.p:.3f})"
            for other, pair in metric.against.items()
        )
        lines.append(f"| {_safe(name)} | {value} | {low} to {high} | {changes} |")
    return "\n".join(lines) + "\n"


def _made(ref: ModelRef) -> str:
    base = f"`{_safe(ref.base)}`" + (f" at {_safe(ref.revision)}" if ref.revision else "")
    if ref.adapter_digest is not None:
        return f"an adapter (PEFT) on {base}."
    return f"{base} with all weights finetuned." if ref.weights_digest is not None else f"{base}."


def cycle_note(champion: Champion | None, metric: str) -> str:
    """Which round of the cycle to keep."""
    if champion is None:
        return f"No round has {_safe(metric)} yet, which says which one to keep."
    kept = f"The round to keep is {champion.round}: {_safe(metric)}"
    if champion.better is None:
        return f"{kept} is surely better in no later one."
    form = metric_format(metric)
    change = f"{champion.better.difference:+{form}} against {champion.before}"
    return (
        f"{kept} {change} on the same "
        f"{champion.better.n} items (p = {champion.better.p:.3f}); no later round is surely better."
    )


def failure_note(step: str, reason: str) -> str:
    """Which step of a round failed, and why."""
    return f"**{_safe(step)} failed:** {_safe(reason)}"


def changed_params(before: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """The parameters that differ between a round and the one before."""
    changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    if not changed:
        return f"All parameters are those of {before}."
    rows = [f"| {_safe(k)} | {_safe(old.get(k, ''))} | {_safe(new.get(k, ''))} |" for k in changed]
    return "\n".join([f"| parameter | {before} | now |", "|---|---|---|", *rows])


def _safe(text: str) -> str:
    """Text that Markdown and HTML take as text."""
    return html.escape(text).replace("|", "\\|").replace("`", "'").replace("\n", " ")
