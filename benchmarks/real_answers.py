"""How right the verifiers are on answers that published models gave: `make bench-verification`.

    python benchmarks/real_answers.py [--answers FILE]

Each line of the file is {"id", "source", "question", "labels", "answer", "want"}; `want` says
whether the answer gives the label, by a judgement that is not ours. Every source is judged on its
own: its classes are what an answer may be mistaken for. Prints precision with its 95 % interval
(Wilson), recall, and answers a second, by source and by label kind, for the verifiers with the
verify section of params.yaml and for `plain_verifier.py`.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from plain_verifier import passes
from scipy.stats import binomtest

from video_star.judge_file import Judged, judge_lines
from video_star.params import load_params

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("VIDEO_STAR_REAL_DATA", ROOT.parent / "shared" / "data"))
Row = dict[str, Any]


def main() -> None:
    """Judge, then print a table by source and one by kind."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--answers", type=Path, default=DATA / "real_answers" / "dev.jsonl")
    given = parser.parse_args()
    if not given.answers.is_file():
        sys.exit(f"{given.answers} does not exist: give --answers, or set VIDEO_STAR_REAL_DATA.")
    rows = [json.loads(line) for line in given.answers.read_text(encoding="utf-8").splitlines()]
    for name, judge in (("verifiers", _verifiers), ("plain", _plain)):
        verdicts, seconds = _judged(rows, judge)
        sys.stdout.write(f"\n{name}: {len(rows) / seconds:.0f} answers a second\n")
        for key in ("source", "kind"):
            sys.stdout.write(_table(rows, verdicts, key))


def _judged(
    rows: Sequence[Row], judge: Callable[[Sequence[Row]], list[bool]]
) -> tuple[dict[str, bool], float]:
    """Whether each answer passes, by id, and how long that took."""
    sources: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        # cvrr-short asks open questions: what one expects is no rival of another's.
        alone = row["question"] if row["source"] == "cvrr-short" else ""
        sources[row["source"] + alone].append(row)
    begun = time.perf_counter()
    made = {
        row["id"]: passed
        for group in sources.values()
        for row, passed in zip(group, judge(group), strict=True)
    }
    return made, time.perf_counter() - begun


def _verifiers(rows: Sequence[Row]) -> list[bool]:
    lines = io.BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode())
    judged = judge_lines(lines, load_params(ROOT / "params.yaml"), ROOT)
    return [result.passed for result in judged if isinstance(result, Judged)]


def _plain(rows: Sequence[Row]) -> list[bool]:
    return [all(passes(label, row["answer"]) for label in row["labels"]) for row in rows]


def _table(rows: Sequence[Row], verdicts: dict[str, bool], key: str) -> str:
    groups: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for row in rows:
        kind = row["labels"][0]["kind"]
        name = f"{kind:<7}{row['source']}" if key == "source" else kind
        groups[name].append((verdicts[row["id"]], row["want"]))
    lines = [f"{key:<38}{'n':>6}  precision               recall"]
    for name in sorted(groups):
        passed = [want for passed, want in groups[name] if passed]
        wanted = [passed for passed, want in groups[name] if want]
        lines.append(f"{name:<38}{len(groups[name]):>6}  {_share(passed):<24}{_mean(wanted)}")
    return "\n".join(lines) + "\n"


def _share(right: Sequence[bool]) -> str:
    """A share with its Wilson interval."""
    if not right:
        return "-"
    interval = binomtest(sum(right), len(right)).proportion_ci(method="wilson")
    return f"{_mean(right)} ({interval.low:.3f} - {interval.high:.3f})"


def _mean(values: Sequence[bool]) -> str:
    return f"{sum(values) / len(values):.3f}" if values else "-"


if __name__ == "__main__":
    main()
