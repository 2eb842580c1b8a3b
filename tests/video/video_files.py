"""Files as cameras, editors and recorders write them, made in code: one frame, one grey step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import tiny

from video_star.core.engine import Clip
from video_star.core.params import VideoParams
from video_star.video.decode import Frames, read_frames

FPS = 10
STEPS = 20
"""Frames of most files here, at FPS."""


def params(frames: int = 4, sampling: str = "uniform", **more: object) -> VideoParams:
    """Uniform and at the size of the file, unless told otherwise."""
    return VideoParams.model_validate(
        {"frames": frames, "sampling": sampling, "fps": None, "short_side": None, **more}
    )


def sampled(
    path: Path, frames: int, start: float | None = None, end: float | None = None
) -> Frames:
    """Frames of a file or cut, uniform and at their size."""
    return read_frames(Clip(path, start, end), params(frames))


def levels(frames: Frames) -> list[int]:
    """Which grey step each frame is."""
    return [round((float(frame.mean()) - 16) / 12) for frame in frames.pixels]


def steps(path: Path, n: int = STEPS, grain: int = 0, **options: str) -> Path:
    """A file of grey steps with B-frames; the container is that of the suffix.

    With grain each frame takes about as many bytes as any other.
    """
    pixels = tiny.grey_steps(n, 64, 48)
    if grain:
        noise = np.random.default_rng(1).integers(-grain, grain + 1, pixels.shape)
        pixels = np.clip(pixels.astype(int) + noise, 0, 255).astype(np.uint8)
    return tiny.write_clip(path, pixels, fps=FPS, **{"bf": "2", **options})


def remuxed(
    source: Path,
    target: Path,
    change: Callable[[av.Packet], None] = lambda packet: None,
    options: dict[str, str] | None = None,
    sound_s: float | None = None,
) -> Path:
    """The same packets in another file, each of them changed first; with so much sound from 0 s."""
    with av.open(str(source)) as old, av.open(str(target), "w", options=options or {}) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        if sound_s is not None:
            sound(new, sound_s)
        for packet in old.demux(video=0):
            if packet.dts is None and packet.size == 0:
                continue
            change(packet)
            packet.stream = stream
            new.mux(packet)
    return target


def sound(container: av.container.OutputContainer, seconds: float) -> None:
    """A silent track."""
    rate = 8000
    stream = container.add_stream("aac", rate=rate, layout="mono")
    silence = np.zeros((1, int(seconds * rate)), dtype=np.float32)
    frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    container.mux(stream.encode(frame))
    container.mux(stream.encode())


def later(seconds: float) -> Callable[[av.Packet], None]:
    """A change of `remuxed`: time stamps are moved."""

    def change(packet: av.Packet) -> None:
        shift = round(seconds / packet.time_base)
        packet.pts = packet.pts + shift
        packet.dts = None if packet.dts is None else packet.dts + shift

    return change


def red_and_blue(width: int = 96, height: int = 64) -> np.ndarray:
    """A picture [H, W, 3] with a red corner top left and a blue one top right."""
    picture = np.full((height, width, 3), 128, dtype=np.uint8)
    picture[:24, :24] = (255, 0, 0)
    picture[:24, -24:] = (0, 0, 255)
    return picture


def corners(pixels: np.ndarray) -> dict[str, str]:
    """Where red and blue are shown."""
    found = {}
    for place, (y, x) in {"TL": (6, 6), "TR": (6, -7), "BL": (-7, 6), "BR": (-7, -7)}.items():
        red, _, blue = (int(value) for value in pixels[y, x])
        if abs(red - blue) > 100:
            found["red" if red > blue else "blue"] = place
    return found


def with_matrix(path: Path, matrix: Sequence[int]) -> Path:
    """An mp4 of `red_and_blue` with (a, b, c, d) in the matrix of its track header."""
    tiny.write_clip(path, np.stack([red_and_blue()] * 4), fps=FPS)
    content = bytearray(path.read_bytes())
    a, b, c, d = (value << 16 for value in matrix)
    start = content.index(b"tkhd") + 44  # ISO 14496-12, 8.3.2: the matrix of a version 0 header
    for place, value in zip((0, 1, 3, 4), (a, b, c, d), strict=True):
        content[start + 4 * place : start + 4 * place + 4] = value.to_bytes(4, "big", signed=True)
    path.write_bytes(content)
    return path


def still(container: av.container.OutputContainer, attached: bool) -> Any:
    """A track of one picture, as a cover or as any other; returns its packets."""
    stream = container.add_stream("mjpeg", rate=1)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
    if attached:
        stream.disposition = av.stream.Disposition.attached_pic
    picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 200, np.uint8), format="rgb24")
    return [*stream.encode(picture), *stream.encode()]
