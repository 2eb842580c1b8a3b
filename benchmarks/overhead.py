"""What the machinery around the steps costs, in a workspace in which a cycle has run.

    python benchmarks/overhead.py [--rounds 1] [--times 5]

Run it where `make cycle` has ended. Times `video-star --help`; `curate` and `verify` of r1 as
forced DVC stages, less what the same steps take when called in a process that has loaded them; and
a cycle that finds everything up to date, with the servers running. Prints one JSON object per line.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from row import tell

from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.pipeline.runner import run_step

COMMAND = str(Path(sys.executable).with_name("video-star"))
STEPS = ("verify", "curate")


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=1, help="of the cycle that does nothing")
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args(argv)
    help_s = [_timed(lambda: _run(COMMAND, "--help")) for _ in range(options.times)]
    tell("video-star --help", median(help_s), "s", "<= 0.5", f"median of {options.times}")
    workspace = Workspace(Path.cwd())
    if not workspace.round("r1").metrics.is_file():
        raise SystemExit(f"{workspace.root}: no round is finished here; run `make cycle` first")
    for step in STEPS:
        run_step(step, "r1", workspace, Silent())  # loads what it needs
        pairs = [_pair(workspace, step) for _ in range(options.times)]
        beyond = median(stage - work for stage, work in pairs)
        detail = ", ".join(f"{stage:.1f} s with {work:.1f} s of work" for stage, work in pairs)
        tell(f"stage {step} beyond its work", beyond, "s", "<= 6", detail)
    cycle = [COMMAND, "cycle", str(options.rounds)]
    _run(*cycle)  # starts the servers; whatever changed runs now
    idle = [_timed(lambda: _idle(cycle)) for _ in range(options.times)]
    tell("a cycle with nothing to do", median(idle), "s", "<= 30", f"median of {options.times}")


def _pair(workspace: Workspace, step: str) -> tuple[float, float]:
    """Seconds of a step as a DVC stage, and of its work alone."""
    stage = _timed(
        lambda: _run(sys.executable, "-m", "dvc", "repro", "-q", "-s", "-f", f"{step}@r1")
    )
    return stage, _timed(lambda: run_step(step, "r1", workspace, Silent()))


def _idle(cycle: Sequence[str]) -> None:
    if "everything up to date" not in _run(*cycle):
        raise SystemExit("the cycle had something to do, so this is no measure of one without")


def _run(*command: str) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout + done.stderr


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
