"""Peak memory and processor time of the steps between ingest and finetune, by number of samples.

    python benchmarks/memory.py [--sizes 2000 20000 200000]

Samples are questions about twenty small clips, answered by the scripted engine: half of them right,
the others rationalized. Each step runs in a process of its own, as on the command line. Memory of
the largest size is compared with that of the smallest; time is that of a further sample, after what
the smallest size takes. Prints one JSON object per line.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import yaml
from row import tell

from video_star.core.jsonl import write_records
from video_star.core.labels import ClassLabel
from video_star.core.paths import Workspace
from video_star.core.records import VideoSample

ROOT = Path(__file__).resolve().parents[1]
CLIPS = 20
CLASSES = ("jumping", "surfing", "clapping", "hiking")
STEPS = ("generate", "verify", "rationalize", "verify-rationales", "curate")


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2000, 20_000, 200_000])
    sizes = sorted(parser.parse_args(argv).sizes)
    measured: dict[int, dict[str, Spent]] = {}
    files: dict[int, int] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            workspace = new_workspace(Path(folder), size)
            run(workspace, "base", "r0")
            measured[size] = {step: run(workspace, step, "r1") for step in STEPS}
            files[size] = sum(path.is_file() for path in (workspace.root / "rounds").rglob("*"))
    least, second, most = sizes[0], sizes[1], sizes[-1]
    for step in STEPS:
        memory = {size: measured[size][step].memory_mib for size in sizes}
        seconds = {size: measured[size][step].cpu_s for size in sizes}
        each = (f"{size:,}: {memory[size]:.0f} MiB {seconds[size]:.1f} s" for size in sizes)
        told, ratio = ", ".join(each), memory[most] / memory[least]
        tell(f"memory of {step}, {most:,} / {least:,} samples", ratio, "x", "<= 1.2", told)
        early = (seconds[second] - seconds[least]) / (second - least)
        late = (seconds[most] - seconds[second]) / (most - second)
        what = f"processor time of {step} per further sample, up to {most:,} / {second:,}"
        tell(what, late / early, "x", "<= 1.2", told)
    tell("files of a round", files[most] / files[least], "x", "<= 1", f"{files[most]} files")


class Spent(NamedTuple):
    """What a command took."""

    wall_s: float
    cpu_s: float
    memory_mib: float
    """At its peak."""


def run(workspace: Workspace, *arguments: str, status: int = 0) -> Spent:
    """Run a command of video-star in a process of its own, which must end with this status."""
    command = [sys.executable, "-m", "video_star", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    nowhere, begun = subprocess.DEVNULL, time.perf_counter()
    with subprocess.Popen(
        command, cwd=workspace.root, env=environment, stdout=nowhere, stderr=nowhere
    ) as process:
        _, ended, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(ended)
    if process.returncode != status:
        raise SystemExit(f"{' '.join(arguments)} ended with exit code {process.returncode}")
    wall = time.perf_counter() - begun
    return Spent(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def new_workspace(root: Path, size: int) -> Workspace:
    workspace = Workspace(root)
    params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["model"]["base"] = str(ROOT / "src" / "video_star_demo" / "base")
    params["curate"].update(replay=None)
    params["settings"].update(engine="scripted:script.json")
    workspace.params.write_text(yaml.safe_dump(params), encoding="utf-8")
    script = [
        {"prompt": "The answer is", "text": "Somebody moves as one does.\nAnswer: hiking"},
        *(
            {"video": f"/{n}.mp4", "text": f"It is clear.\nAnswer: {CLASSES[n % len(CLASSES)]}"}
            for n in range(CLIPS // 2)
        ),
        {"text": "Something moves.\nAnswer: clapping"},
    ]
    (root / "script.json").write_text(json.dumps(script), encoding="utf-8")
    for number in range(CLIPS):
        _write_clip(workspace.data / "clips" / f"{number}.mp4", number)
    write_records(workspace.manifest, _samples(size))
    return workspace


def _samples(size: int) -> Iterator[VideoSample]:
    for number in range(size):
        clip = number % CLIPS
        label = CLASSES[clip % len(CLASSES)] if clip < CLIPS // 2 else "hiking"
        yield VideoSample(
            id=f"many/{number:08d}",
            dataset="many",
            video=f"clips/{clip}.mp4",
            source_id=str(clip),
            split="train",
            question="What is the person doing?",
            question_template="class/0",
            labels=(ClassLabel(name=label),),
        )


def _write_clip(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    picture = np.kron(pixels, np.ones((8, 8, 1), dtype=np.uint8))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.height = stream.width = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(16):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


if __name__ == "__main__":
    main()
