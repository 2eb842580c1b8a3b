"""What is skipped changes no byte: the frames are those of a decode from first to last packet."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import Interpolation
from video_files import params

from video_star.core.engine import Clip
from video_star.video.decode import _Reader, read_frames
from video_star.video.picture import _SCALER, AS_STORED, Screen

FPS, COUNT, WIDTH, HEIGHT = 20, 60, 96, 64
X264 = {"g": "20", "bf": "3", "sc_threshold": "0", "refs": "4"}
CODED: dict[str, tuple[str, str, dict[str, str]]] = {
    "one group": ("mp4", "libx264", {**X264, "g": "250"}),
    "short groups": ("mp4", "libx264", X264),
    "B-frames as references": ("mp4", "libx264", {**X264, "b-pyramid": "normal"}),
    "strict pyramid": ("mkv", "libx264", {**X264, "b-pyramid": "strict"}),
    "open groups": ("mp4", "libx264", {**X264, "x264-params": "open-gop=1"}),
    "open groups in a stream": ("ts", "libx264", {**X264, "x264-params": "open-gop=1"}),
    "no B-frames": ("mp4", "libx264", {**X264, "bf": "0"}),
    "key frames alone": ("mp4", "libx264", {"g": "1"}),
    "interlaced": ("mp4", "libx264", {**X264, "flags": "+ildct+ilme"}),
    "interlaced in a stream": ("ts", "libx264", {**X264, "flags": "+ildct+ilme"}),
    "gradual refresh": ("ts", "libx264", {**X264, "bf": "0", "intra-refresh": "1"}),
    "gradual refresh in mp4": ("mp4", "libx264", {**X264, "bf": "0", "intra-refresh": "1"}),
    "HEVC": ("mp4", "libx265", {"x265-params": "keyint=20:bframes=4:open-gop=1:log-level=none"}),
    "HEVC in layers": (
        "mp4",
        "libx265",
        {"x265-params": "keyint=20:bframes=3:temporal-layers=3:log-level=none"},
    ),
    "VP8": ("webm", "libvpx", {"g": "20", "auto-alt-ref": "1", "lag-in-frames": "10"}),
    "VP9": ("webm", "libvpx-vp9", {"g": "20", "auto-alt-ref": "1", "lag-in-frames": "10"}),
    "MPEG-4": ("mp4", "mpeg4", {"g": "20", "bf": "2"}),
    "all marked as key frames": ("mp4", "mpeg4", {"g": "20"}),
    "MPEG-2": ("ts", "mpeg2video", {"g": "20", "bf": "2"}),
    "AV1": ("mp4", "libsvtav1", {"g": "20", "preset": "12", "svtav1-params": "lookahead=0"}),
}
NOT_SOUGHT = {"gradual refresh", "gradual refresh in mp4", "all marked as key frames"}
"""Their key frames cannot be decoded by themselves, so all is decoded in order."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("coded")


def coded(folder: Path, name: str) -> Path:
    """A texture that moves over a still one, with some grain, as a codec keeps it."""
    suffix, codec, options = CODED[name]
    path = folder / f"{name}.{suffix}"
    if path.exists():
        return path
    if codec not in av.codecs_available:
        pytest.skip(f"FFmpeg was built without {codec}")
    random = np.random.default_rng(3)
    still, moving = (random.integers(0, 255, (20, 30, 3), dtype=np.uint8) for _ in range(2))
    still, moving = (small.repeat(5, 0).repeat(5, 1) for small in (still, moving))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"threads": "1", **options}
        for number in range(COUNT):
            picture = still[:HEIGHT, :WIDTH].copy()
            y, x = number % 30, (2 * number) % 60
            picture[y : y + 30, x : x + 30] = moving[number : number + 30, number : number + 30]
            picture ^= random.integers(0, 4, picture.shape, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            for packet in stream.encode(frame):
                packet.is_keyframe |= name == "all marked as key frames"
                container.mux(packet)
        container.mux(stream.encode())
    return path


def decoded(path: Path) -> dict[float, np.ndarray]:
    """Every frame by its time, from one decoder that is given every packet."""
    screen, shown = Screen(path, None), {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        start = round(Fraction(container.start_time or 0, av.time_base) / stream.time_base)
        for packet in container.demux(stream):
            with suppress(av.InvalidDataError):
                for frame in packet.decode():
                    time = float((frame.pts - start) * stream.time_base)
                    shown[time] = screen.show(frame, None, AS_STORED)
    return shown


@pytest.mark.parametrize("name", CODED)
def test_frames_are_those_of_a_whole_decode(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = coded(folder, name)
    whole = decoded(path)
    assert len(whole) == COUNT
    in_order, ordered = _Reader.in_order, []

    def counting(*given: Any) -> dict[int, Any]:
        ordered.append(1)
        return in_order(*given)

    monkeypatch.setattr(_Reader, "in_order", counting)
    monkeypatch.setattr(_Reader, "decoded_line", None)  # for files of which frames are missing
    for count in (1, 2, 5, 8, 17, COUNT):
        for start, end in ((None, None), (0.35, None), (0.9, 2.2), (1.0, 1.05)):
            video = params(count)
            frames = read_frames(Clip(path, start, end), video)
            assert frames.times is not None
            for time, pixels in zip(frames.times, frames.pixels, strict=True):
                shown = min(whole, key=lambda at: abs(at - time - (start or 0)))
                assert np.array_equal(pixels, whole[shown]), (count, start, time)
    assert bool(ordered) == (name in NOT_SOUGHT)


def test_damage_looks_as_in_a_whole_decode(folder: Path, tmp_path: Path) -> None:
    source = coded(folder, "short groups")
    with av.open(str(source)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    video = params(5)
    plain = read_frames(Clip(source, None, None), video)
    path, changed = tmp_path / "damaged.mp4", 0
    for pos, size in places:
        content = bytearray(source.read_bytes())
        middle = pos + size // 2
        content[middle : middle + 8] = bytes(value ^ 255 for value in content[middle : middle + 8])
        path.write_bytes(content)
        whole, frames = decoded(path), read_frames(Clip(path, None, None), video)
        assert frames.times is not None
        for time, pixels in zip(frames.times, frames.pixels, strict=True):
            assert np.array_equal(pixels, whole[min(whole, key=lambda at: abs(at - time))])
        changed += not np.array_equal(frames.pixels, plain.pixels)
    assert changed > len(places) // 2


def noise(width: int, height: int, form: str) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, form)
    for number, plane in enumerate(frame.planes):
        values = np.random.default_rng(number).integers(0, 256, plane.buffer_size, dtype=np.uint8)
        plane.update(values.tobytes())
    return frame


@pytest.mark.parametrize("form", ["yuv420p", "yuvj420p", "yuv422p", "yuv420p10le", "gray", "rgb24"])
@pytest.mark.parametrize("space", [1, 2, 5, 9], ids=["709", "unknown", "601", "2020"])
def test_pixels_are_those_of_the_exact_conversion(form: str, space: int) -> None:
    sizes = [(64, 48), (63, 47), (62, 90), (100, 101), (66, 270)]
    for width, height in sizes:
        frame = noise(width, height, form)
        frame.colorspace = space if form != "rgb24" else 0
        for short_side in (None, 20, 24, 30, 32, 45, 47, 62, 80):
            shown = Screen(Path("a"), short_side).show(frame, None, AS_STORED)
            plain = frame.reformat(
                width=shown.shape[1], height=shown.shape[0], format="rgb24", interpolation=_SCALER
            )
            assert np.array_equal(shown, plain.to_ndarray()), (width, height, short_side)


def test_the_exact_conversion_is_not_that_of_planes_everywhere() -> None:
    frame = noise(64, 48, "yuv420p")
    one, other = (
        frame.reformat(width=60, height=45, format=form, interpolation=_SCALER)
        for form in ("rgb24", "gbrp")
    )
    planes = other.reformat(format="rgb24", interpolation=Interpolation.POINT)
    assert not np.array_equal(one.to_ndarray(), planes.to_ndarray())
