"""Time of `video-star trace`, and time and memory of `video-star diff`, with many samples.

    python benchmarks/trace.py [--sizes 2000 200000]

The workspaces are those of memory.py after `curate` of r1, with r2 and r3 that are copies of it.
Each command is a process of its own, and its time is that of a person who waits for it: start of
Python included. The frame cache has the clips; where it has not, the sampler reads the packets.
Prints one JSON object per line.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from memory import CLIPS, STEPS, Spent, new_workspace, run
from row import tell

from video_star.core.paths import Workspace

ROUNDS = ("r1", "r2", "r3")
SAMPLES = 9


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", type=int, nargs=2, default=[2000, 200_000])
    few, many = sorted(parser.parse_args(argv).sizes)
    spent: dict[int, Spent] = {}
    for size in (few, many):
        with tempfile.TemporaryDirectory() as folder:
            workspace = _workspace(Path(folder), size)
            spent[size] = run(workspace, "diff", "r1", "r2")
            if size == many:
                _traces(workspace, size)
    told = ", ".join(f"{n:,}: {s.memory_mib:.0f} MiB {s.wall_s:.1f} s" for n, s in spent.items())
    ratio = spent[many].memory_mib / spent[few].memory_mib
    tell(f"memory of diff, {many:,} / {few:,} samples", ratio, "x", "<= 1.2", told)


def _workspace(root: Path, size: int) -> Workspace:
    workspace = new_workspace(root, size)
    run(workspace, "base", "r0")
    for step in STEPS:
        run(workspace, step, "r1")
    first = workspace.round("r1")
    first.model.mkdir()
    shutil.copy(workspace.round("r0").model_json, first.model_json)
    for name in ROUNDS[1:]:
        shutil.copytree(first.folder, workspace.round(name).folder)
    return workspace


def _traces(workspace: Workspace, size: int) -> None:
    """The samples lie evenly over the manifest; each is of another clip."""
    names = [f"many/{number * (size // SAMPLES) + number % CLIPS:08d}" for number in range(SAMPLES)]
    ways = {
        "trace": [(name,) for name in names],
        "trace --json": [(name, "--json") for name in names],
        "trace of an unknown id": [(f"{name}x",) for name in names],
    }
    for what, arguments in ways.items():
        status = 2 if "unknown" in what else 0
        _report(what, [run(workspace, "trace", *own, status=status) for own in arguments], size)
    shutil.rmtree(workspace.frames)
    spent = [run(workspace, "trace", name) for name in names]
    _report("trace without a frame cache", spent, size)


def _report(what: str, spent: Sequence[Spent], size: int) -> None:
    walls, cpus = [one.wall_s for one in spent], [one.cpu_s for one in spent]
    told = (
        f"{size:,} samples, {len(ROUNDS)} rounds, {len(spent)} ids: median; slowest "
        f"{max(walls):.2f} s; processor time {median(cpus):.2f} s"
    )
    tell(f"{what}: wall time with the start", median(walls), "s", "<= 2", told)


if __name__ == "__main__":
    main()
