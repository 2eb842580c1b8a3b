"""How right the verifiers are, per label kind: `python benchmarks/verifiers.py`.

Judges the answers of tests/verifiers/cases with the verify section of params.yaml and prints
precision and recall. `--wrong` lists the wrong verdicts of the development half; those of the
held-out half are never shown, so that no rule can be made to fit them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "verifiers"))

from case_set import HALVES, Half, JudgedAnswer, Quality, quality, read_half, verdicts

from video_star.labels import KINDS
from video_star.params import load_params

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"


def main() -> None:
    """Judge the halves asked for and print a table of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=(*HALVES, "both"), default="both")
    parser.add_argument("--kind", choices=KINDS, help="only the cases of this label kind")
    parser.add_argument("--wrong", action="store_true", help="list wrong verdicts (development)")
    given = parser.parse_args()
    params = load_params(PARAMS).verify
    for half in HALVES if given.half == "both" else (given.half,):
        cases = [case for case in read_half(half) if given.kind in (None, case.kind)]
        judged = list(verdicts(cases, params))
        sys.stdout.write(_table(half, judged))
        if given.wrong and half == "development":
            sys.stdout.writelines(_wrong(case, passed) for case, passed in judged)


def _table(half: Half, judged: list[tuple[JudgedAnswer, bool]]) -> str:
    """Precision, recall and number of cases of each kind, and of all of them together."""
    lines = [f"{half.replace('_', '-'):<12} {'precision':>9} {'recall':>7} {'n':>5}"]
    for kind in KINDS:
        of_kind = [(case, passed) for case, passed in judged if case.kind == kind]
        if of_kind:
            lines.append(_row(kind, quality(of_kind)))
    return "\n".join([*lines, _row("all", quality(judged)), "", ""])


def _row(name: str, measured: Quality) -> str:
    shares = (measured.precision, measured.recall)
    precision, recall = ("-" if share is None else f"{share:.3f}" for share in shares)
    return f"{name:<12} {precision:>9} {recall:>7} {measured.n:>5}"


def _wrong(case: JudgedAnswer, passed: bool) -> str:
    """One wrong verdict on three lines; nothing for a right one."""
    if passed == case.passed:
        return ""
    labels = ", ".join(label.model_dump_json(exclude_defaults=True) for label in case.labels)
    verdict = "passed, is wrong" if passed else "rejected, is right"
    return f"{case.id}: {verdict} ({case.note})\n  {labels}\n  {case.answer!r}\n"


if __name__ == "__main__":
    main()
