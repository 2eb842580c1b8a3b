"""A round in Markdown: the description of its run, and the card of its model."""

from __future__ import annotations

import html
from collections.abc import Sequence

from video_star.core.records import ModelRef
from video_star.evaluation.champion import Champion
from video_star.tracking.rounds_table import RoundRow, is_share


def round_note(
    row: RoundRow,
    ref: ModelRef,
    headlines: Sequence[str],
    trained_on: str | None,
    champion: Champion | None,
) -> str:
    """What the round learned from and how good it is; `trained_on` names its data set."""
    lines = [f"Round {row['round']}: {_made(ref)}", ""]
    if trained_on is not None:
        lines += [f"Trained on {row['kept']} kept answers: {_safe(trained_on)}.", ""]
    if champion is not None:
        lines += [_kept(champion), ""]
    lines += ["| held-out metric | value | 95 % interval | change |", "|---|---|---|---|"]
    for name in headlines:
        if name not in row["metrics"]:
            continue
        metric = row["metrics"][name]
        form = ".1%" if is_share(name) else ".3f"
        value, low, high = (format(metric[key], form) for key in ("value", "low", "high"))
        changes = ", ".join(
            f"{pair['difference']:+{form}} against {_safe(other)} (p = {pair['p']:.3f})"
            for other, pair in metric["against"].items()
        )
        lines.append(f"| {_safe(name)} | {value} | {low} to {high} | {changes} |")
    return "\n".join(lines) + "\n"


def _made(ref: ModelRef) -> str:
    base = f"`{_safe(ref.base)}`" + (f" at {_safe(ref.revision)}" if ref.revision else "")
    if ref.adapter_digest is not None:
        return f"an adapter (PEFT) on {base}."
    return f"{base} with all weights finetuned." if ref.weights_digest is not None else f"{base}."


def _kept(champion: Champion) -> str:
    if champion.better is None:
        return f"The round to keep is {champion.round}: no later one is surely better."
    return (
        f"The round to keep is {champion.round}: {champion.better.difference:+.1%} against "
        f"{champion.before} on the same {champion.better.n} items (p = {champion.better.p:.3f})."
    )


def _safe(text: str) -> str:
    """Text that Markdown and HTML take as text."""
    return html.escape(text).replace("|", "\\|").replace("`", "'").replace("\n", " ")
