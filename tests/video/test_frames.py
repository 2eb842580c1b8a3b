"""The frame cache: each video is decoded once ever, by content, whatever was torn or renamed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import frame_images
import numpy as np
import pytest
import video_files as files
from video_files import params

from video_star.core.engine import Clip
from video_star.core.errors import VideoError
from video_star.video import cache as frames_module
from video_star.video.cache import FrameCache
from video_star.video.decode import Frames, read_frames
from video_star.video.isolated import store_frames
from video_star.video.packing import packed, unpacked


def equal(one: Frames, other: Frames) -> bool:
    clocks = (one.times, one.duration) == (other.times, other.duration)
    return clocks and np.array_equal(one.pixels, other.pixels)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were really decoded."""
    names: list[str] = []

    def counting(clip: Clip, *others: Any) -> Frames:
        names.append(clip.path.name)
        return store_frames(clip, *others)

    monkeypatch.setattr(frames_module, "store_frames", counting)
    return names


def test_a_clip_is_decoded_once_ever(clips: Path, tmp_path: Path, decoded: list[str]) -> None:
    clip = Clip(clips / "train-0.mp4", None, None)
    first = FrameCache(tmp_path, params(), 1).get(clip)
    again = FrameCache(tmp_path, params(), 1).get(clip)
    assert equal(first, again)
    assert equal(first, read_frames(clip, params()))
    assert decoded == ["train-0.mp4"]


def test_a_renamed_file_is_not_decoded_again(
    clips: Path, tmp_path: Path, decoded: list[str]
) -> None:
    cache = FrameCache(tmp_path / "cache", params(), 1)
    cache.get(Clip(clips / "train-0.mp4", None, None))
    copy = tmp_path / "copy.mp4"
    copy.write_bytes((clips / "train-0.mp4").read_bytes())
    cache.get(Clip(copy, None, None))
    assert decoded == ["train-0.mp4"]


def test_cut_and_parameters_are_part_of_the_key(clips: Path, tmp_path: Path) -> None:
    path = clips / "train-0.mp4"
    keys = {
        FrameCache(tmp_path, params(), 1).key(Clip(path, None, None)),
        FrameCache(tmp_path, params(), 1).key(Clip(path, 0.5, None)),
        FrameCache(tmp_path, params(), 1).key(Clip(path, 0.5, 1.0)),
        FrameCache(tmp_path, params(2), 1).key(Clip(path, None, None)),
    }
    assert len(keys) == 4


def _saved(**arrays: Any) -> Callable[[Path], None]:
    return lambda path: np.savez(path, **arrays)


def _changed(path: Path) -> None:
    """Other pixels in an archive that is whole."""
    with np.load(path) as file:
        content, shape, clock = file["packed"], file["shape"], file["clock"]
    other = np.frombuffer(packed(255 - unpacked(content.tobytes(), tuple(shape))), np.uint8)
    np.savez(path, packed=other, shape=shape, clock=clock)


def _earlier(path: Path) -> None:
    """As entries were before pixels were packed."""
    np.savez(path, pixels=np.zeros((4, 56, 56, 3), np.uint8), clock=CLOCK)
    archive = path.read_bytes()
    path.write_bytes(archive + hashlib.sha256(path.stem.encode() + archive).digest())


def _one_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


HUGE = b"{'descr': '|u1', 'fortran_order': False, 'shape': (999999999, 999999, 99, 3), }".ljust(117)
CLOCK = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
SPOILT: dict[str, Callable[[Path], Any]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:1000]),
    "text": lambda path: path.write_text("not an archive"),
    "another size": _saved(pixels=np.zeros((4, 10, 10, 3), np.uint8), clock=CLOCK),
    "two dimensions": _saved(pixels=np.zeros((5, 5), np.uint8), clock=CLOCK),
    "floats": _saved(pixels=np.zeros((4, 56, 56, 3)), clock=CLOCK),
    "objects": _saved(pixels=np.array([{1: 2}], dtype=object), clock=CLOCK),
    "other arrays": _saved(a=np.zeros(3)),
    "other pixels": _changed,
    "of an earlier version": _earlier,
    "one bit": _one_bit,
    "a huge header": lambda path: path.write_bytes(b"\x93NUMPY\x01\x00v\x00" + HUGE + b"\n"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_cache_file_that_is_not_what_was_written_is_not_used(
    clips: Path, tmp_path: Path, decoded: list[str], how: str
) -> None:
    cache = FrameCache(tmp_path, params(), 1)
    clip = Clip(clips / "train-0.mp4", None, None)
    whole = cache.get(clip)
    (kept,) = tmp_path.rglob("*.npz")
    SPOILT[how](kept)
    assert equal(cache.get(clip), whole)
    assert equal(cache.get(clip), whole)
    assert len(decoded) == 2


def test_a_cache_that_cannot_be_written_is_said_with_its_path(clips: Path, tmp_path: Path) -> None:
    cache = FrameCache(tmp_path, params(), 1)
    clip = Clip(clips / "train-0.mp4", None, None)
    cache.get(clip)
    (kept,) = tmp_path.rglob("*.npz")
    kept.unlink()
    kept.mkdir()
    with pytest.raises(OSError, match=r"Is a directory: .*\.npz"):
        cache.get(clip)


def test_the_frames_of_another_clip_are_not_used(clips: Path, tmp_path: Path) -> None:
    cache = FrameCache(tmp_path, params(), 1)
    one, other = (Clip(clips / f"train-{i}.mp4", None, None) for i in range(2))
    whole = cache.get(one)
    (kept,) = tmp_path.rglob("*.npz")
    theirs = cache.get(other)
    (copied,) = (path for path in tmp_path.rglob("*.npz") if path != kept)
    copied.write_bytes(kept.read_bytes())
    assert equal(cache.get(other), theirs)
    assert not equal(whole, theirs)


def test_what_could_not_be_read_is_noted_for_later_processes(tmp_path: Path) -> None:
    torn = files.steps(tmp_path / "a.mkv", grain=12, g="1", bf="0")
    torn.write_bytes(torn.read_bytes()[:30_000])
    clip = Clip(torn, None, None)
    first = FrameCache(tmp_path / "cache", params(), 1).get(clip)
    assert first.note is not None
    later = FrameCache(tmp_path / "cache", params(), 1)
    assert later.get(clip).note == first.note
    assert later.notes([clip, clip], tmp_path) == (
        f"a.mkv {first.note}; it was read as far as it goes.",
    )


def test_clips_come_in_order_with_errors_in_their_place(clips: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"x")
    wanted = [Clip(p, None, None) for p in sorted(clips.glob("*.mp4"))]
    wanted.insert(3, Clip(broken, None, None))
    cache = FrameCache(tmp_path / "cache", params(), 2)
    found = list(cache.prefetch(wanted, depth=4))
    assert [item.clip for item in found] == wanted
    assert [item.frames is None for item in found].index(True) == 3
    assert isinstance(found[3].error, VideoError)


def test_a_folder_of_images_comes_back_without_a_clock(tmp_path: Path) -> None:
    frame_images.write_frames(tmp_path / "video", [f"{i}.png" for i in range(3)])
    clip, cache = Clip(tmp_path / "video", None, None), FrameCache(tmp_path / "cache", params(), 1)
    assert cache.get(clip).times is None
    assert equal(cache.get(clip), read_frames(clip, params()))


def test_stopping_early_leaves_no_thread_waiting(clips: Path, tmp_path: Path) -> None:
    wanted = [Clip(p, None, None) for p in sorted(clips.glob("*.mp4"))]
    stream = FrameCache(tmp_path, params(), 2).prefetch(wanted, depth=8)
    next(stream)
    stream.close()
