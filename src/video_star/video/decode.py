"""Reads videos with PyAV: frames are chosen by presentation time, and only those are converted.

Generation, finetuning and evaluation all use the pixels that `read_frames` returns. A first pass
over the packets, without decoding, gives all presentation times and key frames; the decoder then
seeks where that skips a whole group of pictures, in one thread: videos are read in parallel.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from video_star.core.engine import Clip
from video_star.core.errors import VideoError
from video_star.core.params import VideoParams
from video_star.video.frame_folder import numbered_images

Pixels = NDArray[np.uint8]
_SCALER = (
    Interpolation.AREA
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
    | Interpolation.FULL_CHR_H_INT
)
"""Area averaging, exact: pixels do not depend on the CPU's vector instructions."""


@dataclass(frozen=True)
class Frames:
    """The chosen frames of a clip, in order of time."""

    pixels: Pixels
    """uint8 [T, H, W, 3], RGB."""
    times: tuple[float, ...] | None
    """Seconds from the start of the clip to each frame; None for a folder of images."""
    duration: float | None
    """Seconds from the start of the clip to the end of its last frame; None as for `times`."""


@dataclass(frozen=True)
class VideoInfo:
    """Metadata of a file: duration in seconds, size in pixels as stored."""

    duration_s: float
    fps: float
    n_frames: int
    width: int
    height: int


@dataclass(frozen=True)
class _Timeline:
    """Sorted presentation times of all frames and of key frames, in stream units."""

    times: Sequence[int]
    keys: Sequence[int]
    unit: Fraction
    """Seconds per stream unit."""

    def seconds(self, time: int) -> Fraction:
        """Seconds since the first frame."""
        return (time - self.times[0]) * self.unit

    @property
    def gap(self) -> Fraction:
        """Mean seconds from one frame to the next."""
        n = len(self.times)
        return self.seconds(self.times[-1]) / (n - 1) if n > 1 else Fraction(0)


def probe(path: Path) -> VideoInfo:
    """Duration, rate and size of a video, from its packets, without decoding; VideoError."""
    if path.is_dir():
        raise VideoError(
            f"{path}: a folder of images has no clock, so its length is not known; "
            "make a video of it."
        )
    with _opened(path) as (container, stream):
        timeline = _timeline(container, stream)
        width, height = stream.codec_context.width, stream.codec_context.height
    span, gap = timeline.seconds(timeline.times[-1]), timeline.gap
    fps = float(1 / gap) if gap else 0.0
    return VideoInfo(float(span + gap), fps, len(timeline.times), width, height)


def read_frames(clip: Clip, params: VideoParams) -> Frames:
    """The chosen frames of a clip, with their times.

    T is `params.frames` for uniform and middle sampling (a clip with fewer frames repeats some) and
    1..`params.frames` for fps sampling. A folder of numbered images has no times, so it can neither
    be cut nor sampled by fps. VideoError when the file cannot be opened, decoded or cut.
    """
    if clip.path.is_dir():
        return _read_folder(clip, params)
    with _opened(clip.path) as (container, stream):
        timeline = _timeline(container, stream)
        targets = choose_times(timeline.times, timeline.unit, clip, params)
        found = _decode(container, stream, timeline, targets, params.short_side)
        if len(found) < len(set(targets)):
            # Some packets give no frame (hidden reference frames, fields, a lead-in): choose again
            # among the frames that the decoder returns.
            container.seek(0, backward=True)
            times = sorted(f.pts for f in container.decode(stream) if f.pts is not None)
            if not times:
                raise VideoError(f"{clip.path}: no frame can be decoded; replace the file.")
            timeline = _Timeline(times, times[:1], timeline.unit)
            targets = choose_times(timeline.times, timeline.unit, clip, params)
            container.seek(0, backward=True)
            found = _collect(container.decode(stream), set(targets), params.short_side)
        if len(found) < len(set(targets)):
            raise VideoError(
                f"{clip.path}: frames are missing in the middle; replace or re-encode the file."
            )
    start = _exact(clip.start_s or 0.0)
    # A cut between two frames has the frame before its start.
    shown = tuple(float(max(timeline.seconds(time) - start, Fraction(0))) for time in targets)
    end = timeline.seconds(timeline.times[-1]) + timeline.gap
    if clip.end_s is not None:
        end = min(end, _exact(clip.end_s))
    duration = max(float(end - start), shown[-1])
    return Frames(np.stack([found[time] for time in targets]), shown, duration)


def _read_folder(clip: Clip, params: VideoParams) -> Frames:
    """As `read_frames`, for a folder of numbered images."""
    if params.sampling == "fps" or clip.start_s is not None or clip.end_s is not None:
        raise VideoError(
            f"{clip.path}: a folder of images has no clock; sample it uniform or middle and whole, "
            "or make a video of it."
        )
    images = numbered_images(clip.path)
    targets = choose_times(range(len(images)), Fraction(1), clip, params)
    found: dict[int, Pixels] = {}
    for index in set(targets):
        with _opened(images[index]) as (container, stream):
            frame = next(container.decode(stream), None)
            if frame is None:
                raise VideoError(f"{images[index]}: cannot be decoded; replace the image.")
            found[index] = _pixels(frame, params.short_side)
    if len({frame.shape for frame in found.values()}) > 1:
        raise VideoError(f"{clip.path}: its images differ in size; scale them to one size.")
    return Frames(np.stack([found[index] for index in targets]), None, None)


def choose_times(
    times: Sequence[int], unit: Fraction, clip: Clip, params: VideoParams
) -> tuple[int, ...]:
    """Presentation times of the frames to keep, in order; VideoError when the cut is outside.

    For each target time the nearest frame of the cut is taken, the earlier one on a tie, so files
    with a variable frame rate are sampled evenly in time.
    """
    times = _cut(times, unit, clip)
    first, last, n = times[0], times[-1], params.frames
    span = Fraction(last - first)
    if params.sampling == "uniform":
        steps = [Fraction(i, n - 1) for i in range(n)] if n > 1 else [Fraction(0)]
        return tuple(_nearest(times, first + span * step) for step in steps)
    if params.sampling == "middle":
        return tuple(_nearest(times, first + span * Fraction(2 * i + 1, 2 * n)) for i in range(n))
    assert params.fps is not None
    gap = 1 / (Fraction(params.fps).limit_denominator(1000) * unit)
    count = min(n, int(span / gap) + 1)
    return tuple(_nearest(times, first + gap * i) for i in range(count))


def _exact(seconds: float) -> Fraction:
    """The decimal as written: a frame at 2/5 s is inside of a cut from 0.4 s."""
    return Fraction(repr(seconds))


def _cut(times: Sequence[int], unit: Fraction, clip: Clip) -> Sequence[int]:
    """Times of the frames from start (included) to end (excluded)."""
    start = _exact(clip.start_s or 0.0) / unit + times[0]
    if start > times[-1] and clip.start_s:
        duration = float((times[-1] - times[0]) * unit)
        raise VideoError(
            f"{clip.path}: the cut starts at {clip.start_s:g} s but the last frame is at "
            f"{duration:.3g} s; correct the annotation."
        )
    stop = len(times)
    if clip.end_s is not None:
        stop = bisect_left(times, _exact(clip.end_s) / unit + times[0])
    inside = times[bisect_left(times, start) : stop]
    # A cut between two frames has the frame before it.
    return inside or [times[max(bisect_right(times, start) - 1, 0)]]


def _nearest(times: Sequence[int], target: Fraction) -> int:
    index = bisect_left(times, target)
    around = times[max(index - 1, 0) : index + 1]
    return min(around, key=lambda time: (abs(time - target), time))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Container and first video stream; errors of the codec library become a VideoError."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if not container.streams.video:
                raise VideoError(f"{path}: has no video stream; use a video file.")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            yield container, stream
    except FileNotFoundError as error:
        raise VideoError(f"{path}: does not exist; correct the annotation or add it.") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(
            f"{path}: cannot be decoded ({reason}); replace or re-encode the file."
        ) from error


def _timeline(container: av.container.InputContainer, stream: av.VideoStream) -> _Timeline:
    times: set[int] = set()
    keys: set[int] = set()
    for packet in container.demux(stream):
        if packet.pts is None or packet.is_discard:
            continue
        times.add(packet.pts)
        if packet.is_keyframe:
            keys.add(packet.pts)
    container.seek(0, backward=True)
    if not times or stream.time_base is None:
        # Raw streams have no time stamps; the decoder counts frames instead.
        times = {frame.pts for frame in container.decode(stream) if frame.pts is not None}
        container.seek(0, backward=True)
    if not times or stream.time_base is None:
        raise VideoError(f"{container.name}: holds no frames; replace the file.")
    return _Timeline(sorted(times), sorted(keys), stream.time_base)


def _decode(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    timeline: _Timeline,
    targets: Sequence[int],
    short_side: int | None,
) -> dict[int, Pixels]:
    """Frames by target time; groups of pictures without a target are skipped."""
    found: dict[int, Pixels] = {}
    groups: dict[int, set[int]] = {}
    for time in targets:
        groups.setdefault(bisect_right(timeline.keys, time) - 1, set()).add(time)
    previous: int | None = None
    frames: Iterator[av.VideoFrame] = container.decode(stream)
    for group in sorted(groups):
        if group > 0 and (previous is None or group > previous + 1):
            container.seek(timeline.keys[group], backward=True, stream=stream)
            frames = container.decode(stream)
        found.update(_collect(frames, groups[group], short_side))
        previous = group
    return found


def _collect(
    frames: Iterator[av.VideoFrame], targets: set[int], short_side: int | None
) -> dict[int, Pixels]:
    """Decode until all target times are reached or passed."""
    found: dict[int, Pixels] = {}
    last = max(targets)
    for frame in frames:
        if frame.pts in targets:
            found[frame.pts] = _pixels(frame, short_side)
        if frame.pts is not None and frame.pts >= last:
            break
    return found


def _pixels(frame: av.VideoFrame, short_side: int | None) -> Pixels:
    """RGB pixels, upright, with the shorter side scaled to `short_side`."""
    width, height = frame.width, frame.height
    if short_side is not None and min(width, height) != short_side:
        scale = Fraction(short_side, min(width, height))
        width, height = round(width * scale), round(height * scale)
    rgb = frame.reformat(width=width, height=height, format="rgb24", interpolation=_SCALER)
    pixels = rgb.to_ndarray()
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns) if turns else pixels)
