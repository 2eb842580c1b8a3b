"""Frames are chosen by presentation time, whatever the file's order and clock."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import tiny
from video_files import levels, params

from video_star.core.engine import Clip
from video_star.core.errors import VideoError
from video_star.video.decode import choose_times, probe, read_frames


def whole(path: Path) -> Clip:
    return Clip(path, None, None)


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """16 recognisable frames at 8 frames a second, with B-frames and one group of pictures."""
    return tiny.write_clip(tmp_path / "steps.mp4", tiny.grey_steps(16, 64, 48), bf="3")


def test_probe_tells_duration_rate_and_size(steps: Path) -> None:
    info = probe(steps)
    assert (info.n_frames, info.width, info.height) == (16, 64, 48)
    assert info.duration_s == pytest.approx(2.0)
    assert info.fps == pytest.approx(8.0)


def test_uniform_sampling_includes_first_and_last_frame(steps: Path) -> None:
    frames = read_frames(whole(steps), params(4))
    assert frames.pixels.shape == (4, 48, 64, 3)
    assert frames.pixels.dtype == np.uint8
    assert levels(frames) == [0, 5, 10, 15]


def test_middle_sampling_takes_the_centres_of_equal_parts(steps: Path) -> None:
    assert levels(read_frames(whole(steps), params(3, "middle"))) == [2, 7, 12]


def test_fps_sampling_takes_one_frame_per_interval_up_to_the_limit(steps: Path) -> None:
    assert levels(read_frames(whole(steps), params(8, "fps", fps=2.0))) == [0, 4, 8, 12]
    assert levels(read_frames(whole(steps), params(3, "fps", fps=4.0))) == [0, 2, 4]


def test_a_cut_shows_only_frames_between_start_and_end(steps: Path) -> None:
    assert levels(read_frames(Clip(steps, 0.5, 1.0), params(4))) == [4, 5, 6, 7]
    assert levels(read_frames(Clip(steps, 1.5, 99.0), params(2))) == [12, 15]


def test_a_cut_shorter_than_a_frame_shows_the_frame_of_that_moment(steps: Path) -> None:
    assert levels(read_frames(Clip(steps, 0.40, 0.45), params(2))) == [3, 3]


def test_a_cut_after_the_end_is_refused_in_one_sentence(steps: Path) -> None:
    with pytest.raises(VideoError, match=r"cut starts at 5 s but the last frame is at 1\.88 s"):
        read_frames(Clip(steps, 5.0, 6.0), params(4))


def test_a_clip_with_few_frames_repeats_them(tmp_path: Path) -> None:
    path = tiny.write_clip(tmp_path / "two.mp4", tiny.grey_steps(2, 32, 32))
    assert levels(read_frames(whole(path), params(5))) == [0, 0, 0, 1, 1]


def test_a_variable_frame_rate_is_sampled_evenly_in_time(tmp_path: Path) -> None:
    times = [0, 10, 20, 30, 40, 50, 500, 1000]
    path = tiny.write_clip(tmp_path / "vfr.mp4", tiny.grey_steps(8, 32, 32), times=times)
    assert levels(read_frames(whole(path), params(3))) == [0, 6, 7]


def test_the_short_side_is_scaled_and_the_aspect_kept(steps: Path) -> None:
    frames = read_frames(whole(steps), params(2, short_side=24))
    assert frames.pixels.shape == (2, 24, 32, 3)
    again = read_frames(whole(steps), params(2, short_side=24))
    assert np.array_equal(frames.pixels, again.pixels)


def test_a_cut_begins_with_the_frame_at_its_start(tmp_path: Path) -> None:
    path = tiny.write_clip(tmp_path / "ten.mp4", tiny.grey_steps(16, 64, 48), fps=10)
    assert levels(read_frames(Clip(path, 0.4, 0.7), params(3))) == [4, 5, 6]


def test_times_count_from_the_start_of_the_cut(steps: Path) -> None:
    frames = read_frames(whole(steps), params(4))
    assert frames.times == (0.0, 0.625, 1.25, 1.875)
    assert frames.duration == pytest.approx(2.0)
    cut = read_frames(Clip(steps, 0.45, 1.2), params(3))
    assert cut.times == pytest.approx((0.05, 0.3, 0.675))  # frames at 0.5, 0.75 and 1.125 s
    assert cut.duration == pytest.approx(0.75)
    between = read_frames(Clip(steps, 0.40, 0.45), params(2))
    assert between.times == (0.0, 0.0)
    assert between.duration == pytest.approx(0.05)
    assert read_frames(Clip(steps, 1.5, 99.0), params(2)).duration == pytest.approx(0.5)


def test_a_missing_file_and_a_sound_file_are_video_errors(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="does not exist"):
        read_frames(whole(tmp_path / "none.mp4"), params())
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        data = np.zeros((1, 800), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(data, format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(VideoError, match="no video stream"):
        read_frames(whole(sound), params())


def test_a_tie_takes_the_earlier_frame() -> None:
    chosen = choose_times([0, 1, 2, 3], Fraction(1, 8), Clip(Path("x"), None, None), params(3))
    assert chosen == (0, 1, 3)


@pytest.mark.parametrize("policy", ["uniform", "middle"])
def test_real_clips_give_the_frames_that_a_full_decode_gives(real_data: Path, policy: str) -> None:
    paths = sorted((real_data / "videos").glob("*.mp4"))
    assert paths
    for path in paths:
        with av.open(str(path)) as container:
            everything = {f.pts: f for f in container.decode(video=0)}
            unit = container.streams.video[0].time_base
        assert unit is not None
        wanted = choose_times(sorted(everything), unit, whole(path), params(5, policy))
        frames = read_frames(whole(path), params(5, policy))
        first = min(everything)
        assert frames.times == tuple(float((time - first) * unit) for time in wanted)
        for time, pixels in zip(wanted, frames.pixels, strict=True):
            plain = everything[time].to_ndarray(format="rgb24").astype(int)
            assert np.abs(plain - pixels).mean() < 2.0, path.name
