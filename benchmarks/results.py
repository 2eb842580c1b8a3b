"""Runs the benchmarks and writes their table: `make bench`, or `make bench ONLY="frames memory"`.

Each script prints a JSON object a line with `measure`, `value` (null: not measured), `unit`, `bar`
(as ">= 2"; "" for none) and `detail`. The rows of the scripts that run replace theirs in
RESULTS.md, under which stands for each script when, where and with which versions it ran.
"""

from __future__ import annotations

import argparse
import json
import operator
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TABLE = HERE / "RESULTS.md"
SCRIPTS = (
    "frames",
    "generation",
    "finetune",
    "verification",
    "memory",
    "trace",
    "overhead",
)
"""Each is a file of this folder, and all that there is to add for another one."""
LIBRARIES = (
    *("av", "torchcodec", "decord", "numpy", "torch", "transformers", "peft", "deepspeed", "ray"),
    *("dvc", "prefect"),
)
HEAD = """# Measured

`make bench` writes this. What a row measures, its script here says; ratios are of one run.

| script | measure | value | bar | met | detail |
| --- | --- | --- | --- | --- | --- |
"""
_BARS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


def met(value: float, bar: str) -> bool:
    """Whether a value keeps a bar such as ">= 2"; ValueError where the bar says otherwise."""
    sign, _, bound = bar.partition(" ")
    return bool(_BARS[sign](value, float(bound.replace(",", ""))))


def line(script: str, row: dict[str, Any]) -> str:
    """A row of the table."""
    value, bar = row["value"], row["bar"]
    shown = "not measured" if value is None else f"{value:,.4g} {row['unit']}".strip()
    verdict = "" if value is None or not bar else "yes" if met(value, bar) else "**no**"
    cells = (script, row["measure"], shown, bar, verdict, row["detail"])
    return "| " + " | ".join(re.sub(r"\s+", " ", cell.replace("|", "\\|")) for cell in cells) + " |"


def merged(old: str, new: dict[str, list[str]]) -> str:
    """The page with the lines of the scripts in `new` in place of theirs."""
    kept = old.splitlines()
    rows, places = [], []
    for script in sorted({*new, *re.findall(r"^- (\w+):", old, re.MULTILINE)}, key=_order):
        lines = new.get(script) or [
            text for text in kept if text.startswith((f"| {script} |", f"- {script}:"))
        ]
        rows += [text for text in lines if text.startswith("|")]
        places += [text for text in lines if text.startswith("-")]
    return HEAD + "\n".join([*rows, "", *places]) + "\n"


def _order(script: str) -> tuple[int, str]:
    return (SCRIPTS.index(script) if script in SCRIPTS else len(SCRIPTS), script)


def measured(script: str) -> list[str]:
    """Run a script; its rows, one more when it fails, and the line that says where it ran."""
    done = subprocess.run(
        [sys.executable, str(HERE / f"{script}.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [json.loads(text) for text in done.stdout.splitlines() if text.startswith("{")]
    if done.returncode or not rows:
        last = (done.stderr.strip() or done.stdout.strip() or "it printed nothing").splitlines()[-1]
        detail = f"exit code {done.returncode}: {last}"
        rows.append({"measure": "all", "value": None, "unit": "", "bar": "", "detail": detail})
    return [*(line(script, row) for row in rows), f"- {script}: {place()}"]


def place() -> str:
    """Date, machine and versions."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; "
        f"Python {platform.python_version()}, {', '.join(_versions())}"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def _versions() -> Iterable[str]:
    for name in LIBRARIES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue


def main() -> None:
    """Run what was asked for, and write the table after each script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scripts", nargs="*", help=f"of {', '.join(SCRIPTS)}; none: all")
    for script in parser.parse_args().scripts or SCRIPTS:
        lines = measured(script)
        old = TABLE.read_text(encoding="utf-8") if TABLE.exists() else ""
        TABLE.write_text(merged(old, {script: lines}), encoding="utf-8")
        sys.stdout.write("\n".join(lines[:-1]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
