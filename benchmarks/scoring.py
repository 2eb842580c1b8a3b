"""How long TempCompass scoring takes: `python benchmarks/scoring.py`.

Runs `video-star score tempcompass` with the official judge's ratings on the published Video-LLaVA
predictions (7,540 items; a folder with questions/, predictions/ and official_results/ of the
TempCompass repository, --data), each time in a new process kept to one core, and prints the
seconds from start to end of the process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "tempcompass"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", default="video-llava")
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    seconds = sorted(_run(options.data, options.model) for _ in range(options.times))
    sys.stdout.write(
        f"{options.times} runs on one core: {seconds[0]:.2f} to {seconds[-1]:.2f} s, "
        f"median {seconds[len(seconds) // 2]:.2f} s\n"
    )


def _run(data: Path, model: str) -> float:
    """Seconds of one scoring in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        command = (
            *(sys.executable, "-m", "video_star", "score", "tempcompass"),
            *("--questions", str(data / "questions")),
            *("--predictions", str(data / "predictions" / model)),
            *("--judge", f"recorded:{data / 'official_results' / model}"),
            *("--out", str(Path(folder) / "report.json")),
        )
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - begun


if __name__ == "__main__":
    main()
