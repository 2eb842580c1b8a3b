"""Writes the table of docs/faults.md from what `make chaos` saw.

python tests/faults/fault_page.py SEEN_FOLDER SEED
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
MARK = "<!-- below: written by `make chaos` -->\n"
HEAD = "| broken on purpose | what the user sees | on disk | goes on with |\n|---|---|---|---|\n"


def cell(text: str) -> str:
    """Text as a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("<", "&lt;").strip()


def ended(code: int) -> str:
    """An exit code for a reader."""
    return signal.Signals(-code).name if code < 0 else f"exit {code}"


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    moment = "" if row["moment"] is None else f" (after {row['moment']:.2f} s)"
    says = f": {row['says']}" if row["says"] else ""
    short = f". **Falls short:** {row['short']}" if row["short"] else ""
    return (
        f"| {cell(row['fault'] + moment)} | {cell(ended(row['code']) + says)} "
        f"| {cell(row['disk'])} | `{cell(row['goes_on'])}`{cell(short)} |\n"
    )


def main(folder: Path, seed: str) -> None:
    """Put the rows under the mark."""
    rows = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    text = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    failed = sum(row["short"].startswith("the test fails") for row in rows)
    passed = (
        f"Seed {seed}: {len(rows)} faults; {len(rows) - failed} ended in the undisturbed bytes.\n\n"
    )
    PAGE.write_text(text + MARK + passed + HEAD + "".join(map(line, rows)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
