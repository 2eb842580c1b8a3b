"""Files of all sorts are read as a player shows them; the values are those of ffmpeg 9.0."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import tiny
import video_files as files

from video_star.core.engine import Clip
from video_star.core.errors import VideoError
from video_star.core.params import VideoParams
from video_star.video.decode import probe, read_frames
from video_star.video.picture import MAX_ENLARGED

HERE = Path(__file__).parent


# Each matrix and where the player shows the red (top left) and the blue (top right) corner.
@pytest.mark.parametrize(
    ("matrix", "red", "blue"),
    [
        ((1, 0, 0, 1), "TL", "TR"),
        ((-1, 0, 0, 1), "TR", "TL"),
        ((1, 0, 0, -1), "BL", "BR"),
        ((-1, 0, 0, -1), "BR", "BL"),
        ((0, 1, 1, 0), "TL", "BL"),
        ((0, 1, -1, 0), "TR", "BR"),
        ((0, -1, 1, 0), "BL", "TL"),
        ((0, -1, -1, 0), "BR", "TR"),
        ((0, 0, 0, 0), "TL", "TR"),
    ],
)
def test_the_whole_display_matrix_is_applied(
    tmp_path: Path, matrix: tuple[int, ...], red: str, blue: str
) -> None:
    frames = files.sampled(files.with_matrix(tmp_path / "a.mp4", matrix), 1)
    assert frames.pixels.shape == ((1, 96, 64, 3) if matrix[1] else (1, 64, 96, 3))
    assert files.corners(frames.pixels[0]) == {"red": red, "blue": blue}


def test_a_matrix_that_a_codec_gives_once_is_of_all_pictures_up_to_the_next_key(
    tmp_path: Path,
) -> None:
    plain = tiny.write_clip(tmp_path / "a.h264", np.stack([files.red_and_blue()] * 8), bf="0")
    with av.open(str(plain)) as old:
        mirror = av.BitStreamFilterContext(
            "h264_metadata=display_orientation=insert:flip=horizontal", old.streams.video[0]
        )
        packets = [new for packet in old.demux(video=0) for new in mirror.filter(packet)]
    path = tmp_path / "b.h264"
    path.write_bytes(b"".join(bytes(packet) for packet in packets))
    frames = files.sampled(path, 8)
    assert [files.corners(picture) for picture in frames.pixels] == [
        {"red": "TR", "blue": "TL"}
    ] * 8


def test_empty_packets_show_the_picture_before_them() -> None:
    # Theora at 25 frames a second of 5 pictures a second, made by ffmpeg with lum=21+60*N.
    path = HERE / "files" / "held.ogv"
    shown = [files.sampled(path, 1, start, start + 0.03) for start in (0.0, 0.16, 0.2, 0.56, 0.6)]
    levels = [float(frames.pixels.mean()) * 219 / 255 + 16 for frames in shown]
    assert levels == pytest.approx([21, 21, 81, 141, 201], abs=2)
    assert probe(path).duration_s == pytest.approx(0.8)
    assert shown[-1].note is None


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".mov"])
@pytest.mark.parametrize(
    ("aspect", "width", "scaled"), [("2/1", 192, 120), ("1/2", 48, 30), ("4/3", 128, 80)]
)
def test_pixels_are_made_square(
    tmp_path: Path, suffix: str, aspect: str, width: int, scaled: int
) -> None:
    path = tiny.write_clip(
        tmp_path / f"a{suffix}", np.stack([files.red_and_blue()] * 4), fps=10, aspect=aspect
    )
    assert files.sampled(path, 1).pixels.shape == (1, 64, width, 3)
    video = VideoParams(frames=1, sampling="uniform", fps=None, short_side=min(40, scaled))
    height, wide = read_frames(Clip(path, None, None), video).pixels.shape[1:3]
    assert (height, wide) == ((40, scaled) if scaled > 40 else (40, 30))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_times_count_from_the_start_of_the_file(tmp_path: Path, suffix: str) -> None:
    plain = files.steps(tmp_path / "plain.mp4")
    path = files.remuxed(plain, tmp_path / f"late{suffix}", files.later(1), sound_s=4)
    # `ffmpeg -ss 2` shows the frame that comes one second after the first.
    cut = files.sampled(path, 3, 2.0, 2.3)
    assert files.levels(cut) == [10, 11, 12]
    assert files.levels(files.sampled(path, 2)) == [0, 19]
    assert files.sampled(path, 2).times == pytest.approx((1.0, 2.9))
    assert probe(path).duration_s == pytest.approx(3.0)
    with pytest.raises(
        VideoError, match=r"the cut ends at 0.5 s but the first frame is at 1(\.|\s)"
    ):
        files.sampled(path, 3, 0.0, 0.5)


def test_a_late_start_is_no_missing_end(tmp_path: Path) -> None:
    # The length in the header of such a Matroska file is its last time stamp.
    path = files.remuxed(files.steps(tmp_path / "a.mkv"), tmp_path / "b.mkv", files.later(100))
    frames = files.sampled(path, 2)
    assert (frames.note, frames.duration) == (None, pytest.approx(2.0))


def test_a_clip_without_sound_starts_with_its_first_picture(tmp_path: Path) -> None:
    plain = files.steps(tmp_path / "plain.mp4")
    path = files.remuxed(plain, tmp_path / "late.mp4", files.later(1))
    assert files.sampled(path, 2).times == pytest.approx((0.0, 1.9))
    assert files.levels(files.sampled(path, 1, 1.0, None)) == [10]


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_an_edit_list_hides_what_an_editor_cut_away(tmp_path: Path, suffix: str) -> None:
    plain = files.steps(tmp_path / "plain.mp4", g="8")
    path = files.remuxed(plain, tmp_path / f"cut{suffix}", files.later(-0.5))
    frames = files.sampled(path, 4)
    assert files.levels(frames) == [5, 10, 14, 19]
    assert frames.times is not None
    assert frames.times[0] == 0
    assert probe(path).duration_s == pytest.approx(1.5)
    assert probe(path).n_frames == 15


def test_the_last_frame_lasts_as_long_as_the_file_says(tmp_path: Path) -> None:
    times = [0, 10, 20, 30, 1000]
    plain = tiny.write_clip(tmp_path / "vfr.mkv", tiny.grey_steps(5, 32, 32), times=times, bf="0")
    lengths = dict(zip(times, [10, 10, 10, 970, 100], strict=True))

    def change(packet: av.Packet) -> None:
        packet.duration = lengths[round(float(packet.pts * packet.time_base) * 1000)]

    path = files.remuxed(plain, tmp_path / "vfr.mp4", change)
    assert probe(path).duration_s == pytest.approx(1.1)
    assert files.sampled(path, 3).duration == pytest.approx(1.1)
    late = files.sampled(path, 2, 1.05, None)
    assert files.levels(late) == [4, 4]
    assert late.duration == pytest.approx(0.05)
    with pytest.raises(VideoError, match=r"starts at 1\.1 s but the last frame is at 1 s"):
        files.sampled(path, 2, 1.1, None)


def test_joined_recordings_are_shown_after_each_other(tmp_path: Path) -> None:
    one = files.steps(tmp_path / "one.ts", g="8")
    hour_later = files.remuxed(one, tmp_path / "two.ts", files.later(3600))
    for second in (one, hour_later):
        joined = tmp_path / "joined.ts"
        joined.write_bytes(one.read_bytes() + second.read_bytes())
        frames = files.sampled(joined, 40)
        assert files.levels(frames) == [*range(20), *range(20)]
        assert frames.duration == pytest.approx(4.0)
        assert frames.note is None
        assert probe(joined).n_frames == 40
        assert files.levels(files.sampled(joined, 3, 2.5, 2.8)) == [5, 6, 7]


@pytest.mark.parametrize("b_frames", ["0", "2"])
def test_an_hour_that_a_broadcast_lost_is_left_out(tmp_path: Path, b_frames: str) -> None:
    times = [100 * n + (3_600_000 if n >= 10 else 0) for n in range(20)]
    path = tmp_path / "gap.ts"
    tiny.write_clip(path, tiny.grey_steps(20, 64, 48), times=times, bf=b_frames)
    frames = files.sampled(path, 20)
    assert files.levels(frames) == [*range(20)]
    assert frames.duration == pytest.approx(2.0, abs=0.1)


def test_a_long_time_between_two_pictures_is_kept_where_it_is_meant(tmp_path: Path) -> None:
    times = [0, 100, 200, 60_000, 60_100]
    path = tiny.write_clip(tmp_path / "slides.mkv", tiny.grey_steps(5, 32, 32), times=times)
    assert files.levels(files.sampled(path, 3)) == [0, 2, 4]
    assert probe(path).duration_s == pytest.approx(60.2, abs=0.1)


@pytest.mark.parametrize("name", ["a.avi", "a.h264"])
@pytest.mark.parametrize("b_frames", ["0", "2", "3"])
def test_without_time_stamps_the_decoder_gives_the_order(
    tmp_path: Path, name: str, b_frames: str
) -> None:
    path = files.steps(tmp_path / name, bf=b_frames)
    frames = files.sampled(path, 20)
    assert files.levels(frames) == [*range(20)]
    assert frames.times == pytest.approx([i / 10 for i in range(20)])
    assert frames.duration == pytest.approx(2.0)
    assert probe(path).duration_s == pytest.approx(2.0)
    assert files.levels(files.sampled(path, 3, 0.5, 0.8)) == [5, 6, 7]


@pytest.mark.parametrize(
    ("codec", "suffixes"),
    [
        ("mpeg4", (".avi", ".ts", ".mkv")),
        ("mpeg2video", (".avi", ".mpg", ".ts", ".mkv")),
        ("mpeg1video", (".avi", ".mpg", ".ts", ".mkv")),
        ("mjpeg", (".avi", ".mkv")),
    ],
)
def test_older_codecs_are_read_in_order(
    tmp_path: Path, codec: str, suffixes: tuple[str, ...]
) -> None:
    for suffix in suffixes:
        path = older(tmp_path / f"a{suffix}", codec)
        assert files.levels(files.sampled(path, 20)) == [*range(20)], suffix
        assert files.levels(files.sampled(path, 2, 0.44, 0.52)) == [11, 12], suffix
        assert probe(path).duration_s == pytest.approx(0.8, abs=0.05), suffix


def older(path: Path, codec: str) -> Path:
    """20 grey steps at 25 frames a second, with B-frames where the codec has them."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.options = {"threads": "1", "qmin": "1", "qmax": "2"}
        if codec != "mjpeg":
            stream.options |= {"bf": "2", "g": "6"}
        for pixels in tiny.grey_steps(20, 64, 48):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_a_cover_before_the_video_is_not_the_video() -> None:
    path = HERE / "files" / "cover_first.mp4"  # its `udta` stands before the tracks
    assert probe(path).n_frames == 40
    assert probe(path).duration_s == pytest.approx(4.0)
    assert files.sampled(path, 8).pixels.shape == (8, 64, 96, 3)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("attached", [True, False])
def test_a_still_picture_before_the_video_is_not_the_video(
    tmp_path: Path, suffix: str, attached: bool
) -> None:
    plain, path = files.steps(tmp_path / "plain.mp4"), tmp_path / f"a{suffix}"
    with av.open(str(plain)) as old, av.open(str(path), "w") as new:
        cover = files.still(new, attached and suffix == ".mp4")
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in cover:
            new.mux(packet)
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    assert files.levels(files.sampled(path, 3)) == [0, 9, 19]
    assert probe(path).width == 64


def test_sound_with_a_cover_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        cover = files.still(container, attached=True)
        files.sound(container, 1)
        for packet in cover:
            container.mux(packet)
    with pytest.raises(VideoError, match="has no video stream but a cover picture"):
        files.sampled(path, 2)
    with pytest.raises(VideoError, match="has no video stream but a cover picture"):
        probe(path)


def resized(path: Path, *sizes: tuple[int, int]) -> Path:
    """VP8 whose picture size changes every half second, as in a recorded call."""
    with av.open(str(path), "w") as container:
        stream = None
        for part, (width, height) in enumerate(sizes):
            encoder = av.CodecContext.create("libvpx", "w")
            encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
            encoder.time_base = Fraction(1, 10)
            encoder.options = {"lag-in-frames": "0"}
            if stream is None:
                stream = container.add_stream("libvpx", rate=10)
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            for index in range(5):
                grey = np.full((height, width, 3), 16 + 12 * (5 * part + index), np.uint8)
                frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
                frame.pts = 5 * part + index
                for packet in encoder.encode(frame):
                    packet.stream, packet.time_base = stream, encoder.time_base
                    container.mux(packet)
    return path


def test_a_picture_that_changes_its_shape_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = resized(tmp_path / "turned.webm", (96, 64), (64, 96))
    with pytest.raises(VideoError, match=r"differ in size \(96x64, then 64x96\); cut it there"):
        files.sampled(path, 8)
    assert files.levels(files.sampled(path, 2, 0.0, 0.5)) == [0, 4]
    assert files.sampled(path, 2, 0.5, None).pixels.shape == (2, 96, 64, 3)


def test_a_picture_that_changes_its_size_alone_is_scaled_to_the_first(tmp_path: Path) -> None:
    path = resized(tmp_path / "call.webm", (106, 60), (160, 90), (212, 120))
    frames = files.sampled(path, 15)
    assert frames.pixels.shape == (15, 60, 106, 3)
    assert files.levels(frames) == [*range(15)]


def test_a_thin_picture_is_not_enlarged_without_bound(tmp_path: Path) -> None:
    path = tiny.write_clip(tmp_path / "thin.mp4", np.full((4, 4000, 2, 3), 90, np.uint8))
    video = VideoParams(frames=2, sampling="uniform", fps=None, short_side=56)
    with pytest.raises(VideoError, match=r"picture of 2x4000 would be enlarged to 56x112000"):
        read_frames(Clip(path, None, None), video)
    assert files.sampled(path, 2).pixels.shape == (2, 4000, 2, 3)
    small = video.model_copy(update={"short_side": 8})
    assert read_frames(Clip(path, None, None), small).pixels[0].size <= 3 * MAX_ENLARGED
