"""Speed of reading frames: `python benchmarks/frames.py`.

Eight frames of each clip, at its size, read by `video_star.video` and by others, in turn, all on
one core with one thread: medians of processor seconds. The clips are rendered, and those of
`$VIDEO_STAR_REAL_DATA/videos` are taken where they are. The others are transformers' helper for
PyAV and, where they can be imported, torchcodec (which needs FFmpeg's libraries) and decord.
Ours must be, byte for byte, the frames of a decode from the first packet to the last.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import av
import numpy as np
from numpy.typing import NDArray
from row import tell

from video_star.core.engine import Clip
from video_star.core.params import VideoParams
from video_star.video import cache as cache_module
from video_star.video.cache import FrameCache
from video_star.video.decode import read_frames
from video_star.video.entry import read_entry, write_entry
from video_star.video.isolated import store_frames
from video_star.video.picture import Screen, orientation

VIDEO = VideoParams(frames=8, sampling="uniform", fps=None, short_side=None)
RENDERED = {
    "10 s, 336p, key frame every 250": (10, 596, 336, 250),
    "10 s, 336p, key frame every 30": (10, 596, 336, 30),
    "60 s, 720p, key frame every 250": (60, 1280, 720, 250),
}
FPS = 30
LIKE = 3
"""Largest mean difference of two programs' pixels of one frame, by their rounding alone."""

Pictures = NDArray[np.uint8]
Reader = Callable[[Path, list[int]], Pictures]


def render(path: Path, seconds: int, width: int, height: int, gop: int) -> Path:
    """A soft texture that moves, with grain and x264's B-frames and references."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 255, (height // 16 + 24, width // 16 + 24, 3)).astype(np.float32)
    world = coarse.repeat(16, 0).repeat(16, 1)
    for axis in (0, 1):
        for step in (1, 2, 4, 8):
            world = (world + np.roll(world, step, axis)) / 2
    world = np.clip(world + random.normal(0, 4, world.shape), 0, 255).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "fast", "g": str(gop), "sc_threshold": "0"}
        for number in range(seconds * FPS):
            y, x = (round(160 + 150 * f(number / 40)) for f in (np.sin, np.cos))
            picture = np.ascontiguousarray(world[y : y + height, x : x + width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def ours(path: Path, _: list[int]) -> Pictures:
    """The reader of this project."""
    return read_frames(Clip(path, None, None), VIDEO).pixels


def others() -> Iterator[tuple[str, Reader]]:
    """The readers that can be imported."""
    from transformers.video_utils import read_video_pyav

    yield "transformers", lambda path, indices: read_video_pyav(str(path), lambda **_: indices)[0]
    try:
        from torchcodec.decoders import VideoDecoder
    except (ImportError, RuntimeError, OSError) as error:
        absent("torchcodec", error)
    else:
        yield (
            "torchcodec",
            lambda path, indices: (
                VideoDecoder(str(path), dimension_order="NHWC", num_ffmpeg_threads=1)
                .get_frames_at(indices)
                .data.numpy()
            ),
        )
    try:
        import decord
    except (ImportError, OSError) as error:
        absent("decord", error)
    else:
        yield (
            "decord",
            lambda path, indices: (
                decord.VideoReader(str(path), num_threads=1).get_batch(indices).asnumpy()
            ),
        )


def absent(name: str, error: Exception) -> None:
    """Say that a reader is not compared."""
    reason = str(error).strip().splitlines()[0]
    tell(f"frames, against {name}", None, "x", "", f"cannot be imported: {reason}")


def whole(path: Path, indices: list[int]) -> Pictures:
    """The frames of a decode from the first packet to the last."""
    screen, shown = Screen(path, None), {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = sorted(container.decode(stream), key=lambda frame: frame.pts or 0)
        for index in indices:
            frame = pictures[index]
            shown[index] = screen.show(frame, stream.sample_aspect_ratio, orientation(frame))
    return np.stack([shown[index] for index in indices])


def chosen(path: Path) -> list[int]:
    """Which frames of a file ours are, counted in order of time."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = sorted(p.pts for p in container.demux(stream) if p.pts is not None)
        unit = float(stream.time_base or 1)
    wanted = read_frames(Clip(path, None, None), VIDEO).times or ()
    return [round(np.abs((np.array(times) - times[0]) * unit - t).argmin()) for t in wanted]


def compare(name: str, path: Path, readers: dict[str, Reader], times: int) -> None:
    """One clip, by all readers."""
    indices = chosen(path)
    truth = whole(path, indices)
    taken: dict[str, list[float]] = {reader: [] for reader in readers}
    wrong = set()
    for _ in range(times + 1):  # the first warms up
        for reader, read in readers.items():
            begun = time.process_time()
            pixels = read(path, indices)
            taken[reader].append(time.process_time() - begun)
            near = pixels.shape == truth.shape and np.abs(pixels - truth.astype(int)).mean() < LIKE
            if not (np.array_equal(pixels, truth) if reader == "ours" else near):
                wrong.add(reader)
    seconds = {reader: median(values[1:]) for reader, values in taken.items()}
    detail = ", ".join(f"{reader} {1000 * value:.1f} ms" for reader, value in seconds.items())
    if wrong:
        detail += f"; OTHER FRAMES: {', '.join(sorted(wrong))}"
    mine = seconds.pop("ours")
    tell(f"{name}: same frames as a whole decode", float("ours" not in wrong), "", ">= 1", "")
    tell(f"{name}: speed of transformers", seconds["transformers"] / mine, "x", ">= 2", detail)
    best = min(seconds, key=lambda reader: seconds[reader])
    tell(f"{name}: time of the best other", mine / seconds[best], "x", "<= 1.1", best)


def production(paths: list[Path], times: int) -> None:
    """What it costs that a child process reads the videos, whose start is not counted."""
    clips = [Clip(path, None, None) for path in paths]
    here, apart, again, decodes = [], [], [], []
    cache_module.store_frames = lambda *given: decodes.append(1) or store_frames(*given)
    for _ in range(times + 1):  # the first starts the child
        with tempfile.TemporaryDirectory() as folder:
            entry = Path(folder) / "entry"
            begun = time.perf_counter()
            for clip in clips:
                write_entry(entry, "key", read_frames(clip, VIDEO))
                read_entry(entry, "key")
            here.append((time.perf_counter() - begun) / len(clips))
            for taken in (apart, again):
                decodes.clear()
                cache, begun = FrameCache(Path(folder), VIDEO, 1), time.perf_counter()
                for clip in clips:
                    cache.get(clip)
                taken.append((time.perf_counter() - begun) / len(clips))
    alone, child = (1000 * median(taken[1:]) for taken in (here, apart))
    tell(
        "child process and hash, beyond reading and packing",
        child - alone,
        "ms",
        "",
        f"wall time of {child:.1f} ms a video, {alone:.1f} ms in this process, with its entry",
    )
    tell("second reading, a video", 1000 * median(again[1:]), "ms", "", "unpacked from its entry")
    tell("second reading, videos decoded", len(decodes), "", "<= 0", f"of {len(clips)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="folder that keeps the rendered clips")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    readers = {"ours": ours, **dict(others())}
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        clips = {}
        for name, shape in RENDERED.items():
            clips[name] = folder / f"{'-'.join(map(str, shape))}.mp4"
            if not clips[name].exists():
                render(clips[name], *shape)
        real = Path(os.environ.get("VIDEO_STAR_REAL_DATA", "")) / "videos"
        found = sorted(real.glob("*.mp4")) if "VIDEO_STAR_REAL_DATA" in os.environ else []
        clips |= {path.name: path for path in found}
        for name, path in clips.items():
            compare(name, path, readers, options.times)
        if not found:
            tell("clips from the wild", None, "x", "", "VIDEO_STAR_REAL_DATA is not set")
        production(list(clips.values())[:2] + found, options.times)


if __name__ == "__main__":
    main()
