"""What the frame cache costs and saves: `python benchmarks/frame_cache.py FOLDER`.

For each video of the folder: size of its frames and of their entry, and processor time to decode,
write and load them (median of --times). With --decodes 10000 also memory and open files over so
many decodes, with a cache that has no room for one entry.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import psutil

from video_star.core.engine import Clip
from video_star.core.params import VideoParams
from video_star.video.cache import FrameCache
from video_star.video.decode import read_frames
from video_star.video.entry import read_entry, write_entry
from video_star.video.isolated import LIMITS


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--short-side", type=int, default=336)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--decodes", type=int, default=0)
    options = parser.parse_args()
    video = VideoParams(
        frames=options.frames, sampling="uniform", fps=None, short_side=options.short_side
    )
    paths = sorted(path for path in options.folder.iterdir() if path.is_file())
    with tempfile.TemporaryDirectory() as scratch:
        for path in paths:
            _one(Clip(path, None, None), video, Path(scratch) / "entry", options.times)
        if options.decodes:
            _many(paths, video, Path(scratch) / "cache", options.decodes)


def _one(clip: Clip, video: VideoParams, entry: Path, times: int) -> None:
    frames = read_frames(clip, video)
    decode, write, load = (
        _seconds(work, times)
        for work in (
            lambda: read_frames(clip, video),
            lambda: write_entry(entry, "key", frames),
            lambda: read_entry(entry, "key"),
        )
    )
    plain, kept = frames.pixels.nbytes, entry.stat().st_size
    sys.stdout.write(
        f"{clip.path.name}: {plain / 1e6:.2f} MB, kept {kept / 1e6:.2f} MB ({kept / plain:.2f}); "
        f"decode {decode * 1e3:.1f} ms, write {write * 1e3:.1f} ms, load {load * 1e3:.1f} ms\n"
    )


def _many(paths: list[Path], video: VideoParams, folder: Path, decodes: int) -> None:
    cache = FrameCache(folder, video, 1, replace(LIMITS, cache_gb=1 / 2**30))
    this = psutil.Process()

    def clips() -> Iterator[Clip]:
        for number in range(decodes):
            yield Clip(paths[number % len(paths)], None, None)

    for done, decoded in enumerate(cache.prefetch(clips(), 4), start=1):
        if decoded.error is not None:
            raise decoded.error
        if done % max(1, decodes // 10) == 0:
            children = [child.memory_info().rss for child in this.children()]
            sys.stdout.write(
                f"{done} decodes: {this.memory_info().rss / 2**20:.0f} MiB, child "
                f"{max(children) / 2**20:.0f} MiB, {this.num_fds()} open files\n"
            )
            sys.stdout.flush()


def _seconds(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return median(taken)


if __name__ == "__main__":
    main()
