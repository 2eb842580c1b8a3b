"""A folder of numbered images is a video: in the order of the numbers, cached by content."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frame_images import write_frames
from video_files import levels, params

from video_star.core.engine import Clip
from video_star.core.errors import VideoError
from video_star.core.params import VideoParams
from video_star.video import cache as frames_module
from video_star.video.cache import FrameCache
from video_star.video.decode import Frames, probe, read_frames
from video_star.video.frame_folder import numbered_images
from video_star.video.isolated import store_frames


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """16 recognisable frames."""
    return write_frames(tmp_path / "01" / "3", [f"{489 + i:05d}.jpg" for i in range(16)])


def test_frames_are_sampled_by_count_like_those_of_a_file(folder: Path) -> None:
    frames = read_frames(Clip(folder, None, None), params(4))
    assert frames.pixels.shape == (4, 32, 48, 3)
    assert frames.pixels.dtype == np.uint8
    assert levels(frames) == [0, 5, 10, 15]
    assert levels(read_frames(Clip(folder, None, None), params(3, "middle"))) == [2, 7, 12]
    assert levels(read_frames(Clip(folder, None, None), params(20)))[-1] == 15


def test_numbers_and_not_names_give_the_order(tmp_path: Path) -> None:
    names = ["8.jpg", "09.PNG", "frame_00010.jpeg", "11.jpg", "100.png"]
    write_frames(tmp_path / "a", names)
    for other in ("readme.txt", "thumb.jpg", "._9.jpg", "12.npy"):
        (tmp_path / "a" / other).write_text("x")
    assert [path.name for path in numbered_images(tmp_path / "a")] == names
    assert levels(read_frames(Clip(tmp_path / "a", None, None), params(5))) == [0, 1, 2, 3, 4]


def test_pixels_of_a_png_are_exact_and_the_short_side_is_scaled(tmp_path: Path) -> None:
    write_frames(tmp_path / "a", ["1.png", "2.png"])
    frames = read_frames(Clip(tmp_path / "a", None, None), params(2))
    assert set(frames.pixels[0].ravel()) == {16}
    assert set(frames.pixels[1].ravel()) == {28}
    scaled = read_frames(Clip(tmp_path / "a", None, None), params(2, short_side=16))
    assert scaled.pixels.shape == (2, 16, 24, 3)


@pytest.mark.parametrize(
    ("clip", "video"),
    [((0.5, None), params()), ((None, 1.0), params()), ((None, None), params(4, "fps", fps=2.0))],
)
def test_a_folder_has_no_clock(
    folder: Path, clip: tuple[float | None, float | None], video: VideoParams
) -> None:
    with pytest.raises(VideoError, match="has no clock"):
        read_frames(Clip(folder, *clip), video)


def test_a_folder_has_no_length(folder: Path) -> None:
    with pytest.raises(VideoError, match="has no clock, so its length is not known; make a video"):
        probe(folder)


def test_a_folder_that_is_no_video_is_a_video_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(VideoError, match="holds no numbered jpg or png"):
        read_frames(Clip(tmp_path / "empty", None, None), params())
    twice = write_frames(tmp_path / "twice", ["1.jpg", "01.jpg"])
    with pytest.raises(VideoError, match=r"01\.jpg and 1\.jpg have the same number"):
        read_frames(Clip(twice, None, None), params())
    mixed = write_frames(tmp_path / "mixed", ["1.jpg"])
    write_frames(mixed, ["2.jpg"], size=(16, 16))
    with pytest.raises(VideoError, match="differ in size"):
        read_frames(Clip(mixed, None, None), params())
    (mixed / "2.jpg").write_bytes(b"nothing")
    with pytest.raises(VideoError, match=r"2\.jpg: cannot be decoded"):
        read_frames(Clip(mixed, None, None), params())


def test_a_folder_is_decoded_once_until_a_frame_changes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []

    def counting(clip: Clip, *others: Any) -> Frames:
        decoded.append(clip.path.name)
        return store_frames(clip, *others)

    monkeypatch.setattr(frames_module, "store_frames", counting)

    def get(path: Path) -> list[int]:
        return levels(FrameCache(tmp_path / "cache", params(), 1).get(Clip(path, None, None)))

    assert get(folder) == get(folder) == [0, 5, 10, 15]
    assert decoded == ["3"]
    # A renamed folder hits.
    folder = folder.rename(folder.with_name("4"))
    assert get(folder) == [0, 5, 10, 15]
    assert decoded == ["3"]
    # Another frame of the same size and name in its place misses.
    first, last = folder / "00489.jpg", folder / "00504.jpg"
    state = first.stat()
    content = last.read_bytes()
    first.write_bytes(content)
    os.utime(first, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert get(folder) == [15, 5, 10, 15]
    # So does a missing frame.
    last.unlink()
    assert get(folder) == [15, 5, 9, 14]
    assert decoded == ["3", "4", "4"]


def test_the_key_of_a_folder_is_its_content(folder: Path, tmp_path: Path) -> None:
    cache = FrameCache(tmp_path / "cache", params(), 1)
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    assert cache.key(Clip(copy, None, None)) == cache.key(Clip(folder, None, None))
    # The names count only for the order.
    (copy / "00489.jpg").rename(copy / "00488.jpg")
    assert cache.key(Clip(copy, None, None)) == cache.key(Clip(folder, None, None))
    (copy / "00488.jpg").rename(copy / "00999.jpg")
    assert cache.key(Clip(copy, None, None)) != cache.key(Clip(folder, None, None))


def test_a_missing_folder_is_a_video_error(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="cannot be read"):
        FrameCache(tmp_path, params(), 1).key(Clip(tmp_path / "none", None, None))
