"""What the loop gains on the demo world: `python benchmarks/gain.py --seeds 17 18 19`.

Runs the whole loop once per seed, each in a workspace of its own below .work/gain/ (the same data,
the same base, another `seed` in params.yaml), by the same commands as a user. A run that is stopped
goes on where it was. Prints one row per seed and round, then the means over the seeds.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from statistics import mean
from typing import Any

from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.pipeline.stages import STEPS, rounds_of
from video_star.tracking.rounds_table import rounds_rows
from video_star_demo.world import KNOWN

ROOT = Path(__file__).resolve().parents[1]
KNOWN_NAMES = {action.name for action in KNOWN}
OPEN, CHOICE, TEMPCOMPASS = (
    "kinetics_qa/open_accuracy",
    "kinetics_qa/choice_accuracy",
    "tempcompass/accuracy",
)
COLUMNS = ("open", "known", "unknown", "choice", "tempcompass", "direct", "rationalized")


def make_workspace(seed: int, overrides: list[str]) -> Workspace:
    """A workspace that differs from the repository's own by its seed and `key=value` overrides."""
    name = "-".join([str(seed), *(re.sub(r"[^\w.]+", "_", text) for text in overrides)])
    folder = ROOT / ".work" / "gain" / name
    folder.mkdir(parents=True, exist_ok=True)
    for shared in ("data", "src"):
        if not (folder / shared).exists():
            (folder / shared).symlink_to(ROOT / shared)
    text = re.sub(r"(?m)^seed: \d+", f"seed: {seed}", (ROOT / "params.yaml").read_text())
    for override in overrides:
        key, value = override.split("=", 1)
        text, n = re.subn(rf"(?m)^(\s*{re.escape(key)}:)[^\n]*", rf"\1 {value}", text)
        if n != 1:
            raise SystemExit(f"{key} occurs {n} times in params.yaml; name a key that is unique.")
    (folder / "params.yaml").write_text(text)
    return Workspace(folder)


def run(workspace: Workspace) -> None:
    """Every step of every round that has no report yet, in order."""
    params = load_params(workspace.params)
    names = params.evaluated
    for name in names:
        for step in STEPS:
            if step == "publish" or name not in rounds_of(step, params):
                continue
            if workspace.round(name).report(step).exists():
                continue
            command = [sys.executable, "-m", "video_star", step, name]
            subprocess.run(command, cwd=workspace.root, check=True)


def summary(workspace: Workspace) -> list[dict[str, Any]]:
    """One row per round; shares in percent."""
    rows = []
    for row in rounds_rows(workspace):
        stored = json.loads(workspace.round(row.round).metrics.read_text())
        classes = stored["slices"][OPEN]
        groups: dict[bool, list[tuple[float, int]]] = {True: [], False: []}
        for name, value in classes.items():
            known = name.removeprefix("class=") in KNOWN_NAMES
            groups[known].append((value["value"], value["n"]))

        def share(items: list[tuple[float, int]]) -> float:
            return 100 * sum(v * n for v, n in items) / sum(n for _, n in items)

        metrics = row.metrics
        rows.append(
            {
                "round": row.round,
                "open": 100 * metrics[OPEN].value,
                "known": share(groups[True]),
                "unknown": share(groups[False]),
                "choice": 100 * metrics[CHOICE].value,
                "tempcompass": 100 * metrics[TEMPCOMPASS].value,
                "direct": 100 * (row.direct_yield or 0),
                "rationalized": 100 * (row.rationalized_yield or 0),
            }
        )
    return rows


def main() -> None:
    """Run, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[17, 18, 19])
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="other parameters"
    )
    args = parser.parse_args()
    tables = []
    for seed in args.seeds:
        workspace = make_workspace(seed, args.set)
        run(workspace)
        tables.append(summary(workspace))
    show = sys.stdout.write
    show(f"{'seed':>6} {'round':>5} " + " ".join(f"{c:>12}" for c in COLUMNS) + "\n")
    for label, table in [*zip(map(str, args.seeds), tables, strict=True), ("mean", _mean(tables))]:
        for row in table:
            show(
                f"{label:>6} {row['round']:>5} "
                + " ".join(f"{row[c]:12.1f}" for c in COLUMNS)
                + "\n"
            )


def _mean(tables: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [
        {"round": rows[0]["round"]} | {c: mean(row[c] for row in rows) for c in COLUMNS}
        for rows in zip(*tables, strict=True)
    ]


if __name__ == "__main__":
    main()
