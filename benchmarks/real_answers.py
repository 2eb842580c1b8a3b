"""How right verification is on answers that published models gave: `make bench-verification`.

    python benchmarks/real_answers.py [--answers FILE] [--wrong TEXT]

Each line of the file is {"id", "source", "question", "labels", "answer", "want"}; `want` says
whether the answer gives the label, by a judgement that is not ours. Every source is judged on its
own, no judge model is asked, and what is doubtful counts as rejected. Prints by source and by label
kind the number of answers, precision with its 95 % interval (Wilson), recall, the share that is
doubtful and answers a second: of `final_answer`, of `released` (what the authors' code accepts) and
of `plain_verifier.py`. `--wrong` lists the wrong verdicts of sources or kinds that contain a text.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from plain_verifier import passes
from scipy.stats import binomtest

from video_star.core.params import Params, load_params
from video_star.verification.judge_file import judge_lines

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("VIDEO_STAR_REAL_DATA", ROOT.parent / "shared" / "data"))
Row = dict[str, Any]
Outcomes = list[tuple[str, str]]
"""Outcome and reason of each row."""


def main() -> None:
    """Judge, then print a table by source and one by kind."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--answers", type=Path, default=DATA / "real_answers" / "dev.jsonl")
    parser.add_argument("--wrong", metavar="TEXT", help="list wrong verdicts of final_answer")
    given = parser.parse_args()
    if not given.answers.is_file():
        sys.exit(f"{given.answers} does not exist: give --answers, or set VIDEO_STAR_REAL_DATA.")
    rows = [json.loads(line) for line in given.answers.read_text(encoding="utf-8").splitlines()]
    params = load_params(ROOT / "params.yaml")
    ways: dict[str, Callable[[Sequence[Row]], Outcomes]] = {
        method: partial(_judged, params=_with(params, method))
        for method in ("final_answer", "released")
    }
    for name, judge in (ways | {"plain": _plain}).items():
        judge(rows[:1] + [row for row in rows if row["labels"][0]["kind"] == "text"][:1])  # loads
        judged = list(_by_source(rows, judge))
        for key in ("source", "kind"):
            sys.stdout.write(f"\n{_table(name, judged, key)}")
        if given.wrong is not None and name == "final_answer":
            sys.stdout.writelines(_wrong(*one) for one in judged if given.wrong in _group(one[0]))


def _with(params: Params, method: str) -> Params:
    verify = params.verify.model_copy(update={"method": method, "doubtful": "reject"})
    return params.model_copy(update={"verify": verify})


def _by_source(
    rows: Sequence[Row], judge: Callable[[Sequence[Row]], Outcomes]
) -> Iterator[tuple[Row, str, str, float]]:
    """Each row with its outcome, its reason, and the seconds that it took on the average."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[_group(row)].append(row)
    for group in groups.values():
        begun = time.perf_counter()
        outcomes = judge(group)
        each = (time.perf_counter() - begun) / len(group)
        for row, (outcome, reason) in zip(group, outcomes, strict=True):
            yield row, outcome, reason, each


def _group(row: Row) -> str:
    return f"{row['labels'][0]['kind']:<7}{row['source']}"


def _judged(rows: Sequence[Row], params: Params) -> Outcomes:
    lines = io.BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode())
    results = judge_lines(lines, params, ROOT, sys.exit)
    return [(result.outcome, result.verdicts[0].reason) for result in results]


def _plain(rows: Sequence[Row]) -> Outcomes:
    good = (all(passes(label, row["answer"]) for label in row["labels"]) for row in rows)
    return [("pass" if passed else "fail", "") for passed in good]


def _table(name: str, judged: Sequence[tuple[Row, str, str, float]], key: str) -> str:
    groups: dict[str, list[tuple[bool, str, float]]] = defaultdict(list)
    for row, outcome, _, seconds in judged:
        group = _group(row) if key == "source" else row["labels"][0]["kind"]
        groups[group].append((row["want"], outcome, seconds))
    title = f"{name}, by {key}"
    lines = [f"{title:<38}{'n':>6}  {'precision':<24}{'recall':<8}{'doubtful':<10}answers/s"]
    for group in sorted(groups):
        own = groups[group]
        passed = [want for want, outcome, _ in own if outcome == "pass"]
        wanted = [outcome == "pass" for want, outcome, _ in own if want]
        doubt = _mean([outcome == "doubtful" for _, outcome, _ in own])
        speed = len(own) / sum(seconds for _, _, seconds in own)
        lines.append(
            f"{group:<38}{len(own):>6}  {_share(passed):<24}{_mean(wanted):<8}"
            f"{doubt:<10}{speed:,.0f}"
        )
    return "\n".join(lines) + "\n"


def _wrong(row: Row, outcome: str, reason: str, _: float) -> str:
    """One wrong verdict on three lines; nothing for a right one."""
    if (outcome == "pass") == row["want"]:
        return ""
    label = {k: v for k, v in row["labels"][0].items() if v not in (None, [])}
    return f"\n{row['id']}: {outcome} ({reason})\n  {label}\n  {row['answer']!r}\n"


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
