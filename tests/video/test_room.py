"""The frame cache keeps its bound: what was used longest ago goes, and no result depends on it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from tiny import write_clip

from video_star.core.engine import Clip
from video_star.core.params import VideoParams
from video_star.video import isolated
from video_star.video.cache import FrameCache
from video_star.video.decode import Frames
from video_star.video.entry import read_entry
from video_star.video.isolated import LIMITS
from video_star.video.room import LEFTOVER_S, Room, make_room, taken

VIDEO = VideoParams(frames=4, sampling="uniform", fps=None, short_side=None)


def entry(folder: Path, name: str, size: int, age_s: float) -> Path:
    path = folder / name[:2] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    used = time.time() - age_s
    os.utime(path, (used, used))
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_what_was_used_longest_ago_goes_down_to_nine_tenths(tmp_path: Path) -> None:
    for index in range(20):
        entry(tmp_path, f"{index:02}.npz", 10, age_s=100 - index)
    make_room(tmp_path, 200)
    assert len(names(tmp_path)) == 20
    make_room(tmp_path, 199)
    # 179.1 bytes may stay.
    assert names(tmp_path) == {f"{index:02}.npz" for index in range(3, 20)}


def test_no_more_goes_where_all_were_used_in_the_same_second(tmp_path: Path) -> None:
    for index in range(20):
        os.utime(entry(tmp_path, f"{index:02}.npz", 10, age_s=0), (10**9, 10**9))
    make_room(tmp_path, 100)
    assert taken(tmp_path) == 90


def test_other_files_stay_and_parts_of_killed_processes_go(tmp_path: Path) -> None:
    for index in range(3):
        entry(tmp_path, f"{index:02}.npz", 10, age_s=50)
    entry(tmp_path, "00 mine.txt", 10, age_s=10**6)
    entry(tmp_path, ".0a.new.part", 10, age_s=LEFTOVER_S / 2)
    entry(tmp_path, ".0a.old.part", 10, age_s=LEFTOVER_S * 2)
    (tmp_path / "notes.jsonl").write_text("[]\n")
    make_room(tmp_path, 5)
    assert names(tmp_path) == {"00 mine.txt", ".0a.new.part", "notes.jsonl"}


def test_a_cache_that_is_emptied_meanwhile_stops_nothing(
    videos: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def emptied(part: Path, key: str) -> Frames | None:
        frames = read_entry(part, key)
        part.unlink()
        return frames

    monkeypatch.setattr(isolated, "read_entry", emptied)
    assert bounded(tmp_path, 10**6).get(videos[0]).pixels.shape == (4, 56, 56, 3)
    assert taken(tmp_path) == 0


def test_what_cannot_be_removed_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(str(path))

    entry(tmp_path, "00.npz", 10, age_s=50)
    monkeypatch.setattr(Path, "unlink", refuse)
    make_room(tmp_path, 5)
    assert names(tmp_path) == {"00.npz"}


def test_the_folder_is_looked_at_first_and_then_after_each_hundredth(tmp_path: Path) -> None:
    room = Room(tmp_path, 10_000)
    old = entry(tmp_path, "00.npz", 10_001, age_s=50)
    room.take(1)
    assert not old.exists()
    old = entry(tmp_path, "00.npz", 10_001, age_s=50)
    room.take(99)
    assert old.exists()
    room.take(1)
    assert not old.exists()


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    """Twelve clips of noise, whose four frames take 25 to 38 KB each."""
    folder, random = tmp_path_factory.mktemp("videos"), np.random.default_rng(0)
    noise = random.integers(0, 256, (12, 12, 56, 56, 3), dtype=np.uint8)
    paths = [write_clip(folder / f"{i}.mp4", pixels) for i, pixels in enumerate(noise)]
    return [Clip(path, None, None) for path in paths]


def bounded(folder: Path, most: int) -> FrameCache:
    return FrameCache(folder, VIDEO, 2, replace(LIMITS, cache_gb=most / 2**30))


@pytest.mark.parametrize("most", [1, 50_000, 200_000])
def test_no_result_depends_on_the_bound(videos: list[Clip], tmp_path: Path, most: int) -> None:
    wanted = [*videos, *videos[::-1]]
    roomy = list(bounded(tmp_path / "roomy", 10**9).prefetch(wanted, depth=4))
    tight = list(bounded(tmp_path / "tight", most).prefetch(wanted, depth=4))
    for one, other in zip(roomy, tight, strict=True):
        assert one.frames is not None
        assert other.frames is not None
        assert np.array_equal(one.frames.pixels, other.frames.pixels)
        assert one.frames.times == other.frames.times
    assert 12 * 25_000 < taken(tmp_path / "roomy") < 12 * 38_000
    assert taken(tmp_path / "tight") <= most


def test_a_hit_keeps_an_entry(videos: list[Clip], tmp_path: Path) -> None:
    cache = bounded(tmp_path, 10**6)
    paths = []
    for age, clip in zip((30, 20, 10), videos, strict=False):
        cache.get(clip)
        paths.append(next(path for path in tmp_path.rglob("*.npz") if path not in paths))
        os.utime(paths[-1], (time.time() - age,) * 2)
    cache.get(videos[0])
    # Three entries and a half: nine tenths of it hold three.
    bounded(tmp_path, taken(tmp_path) * 7 // 6).get(videos[3])
    assert [path.exists() for path in paths] == [True, False, True]


READ = """
import sys
from pathlib import Path
from video_star.core.engine import Clip
from video_star.core.params import VideoParams
from video_star.video.cache import FrameCache
from video_star.video.isolated import Limits
video = VideoParams(frames=4, sampling="uniform", fps=None, short_side=None)
cache = FrameCache(Path(sys.argv[1]), video, 2, Limits(600, 4, 50_000 / 2**30))
clips = [Clip(path, None, None) for path in sorted(Path(sys.argv[2]).iterdir())]
for _ in range(5):
    for decoded in cache.prefetch(clips, depth=4):
        assert decoded.frames is not None and decoded.frames.pixels.shape == (4, 56, 56, 3)
"""


def test_processes_share_a_cache_that_holds_one_clip(videos: list[Clip], tmp_path: Path) -> None:
    command = [sys.executable, "-c", READ, str(tmp_path), str(videos[0].path.parent)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    for process in running:
        _, said = process.communicate(timeout=120)
        assert (process.returncode, said) == (0, b"")
    assert taken(tmp_path) <= 3 * 50_000
    assert not list(tmp_path.rglob(".*"))


def test_memory_and_open_files_stay_flat_over_many_decodes(
    videos: list[Clip], tmp_path: Path
) -> None:
    cache, this = bounded(tmp_path, 1), psutil.Process()

    def read(times: int) -> tuple[int, int, int]:
        """Decode each clip so often; open files, and bytes of this process and its children."""
        for decoded in cache.prefetch(videos * times, depth=4):
            assert decoded.frames is not None
        children = [child.memory_info().rss for child in this.children()]
        return this.num_fds(), this.memory_info().rss, max(children)

    files, ours, theirs = read(5)
    later_files, later_ours, later_theirs = read(20)
    assert later_files <= files
    assert later_ours - ours < 5 * 2**20
    assert later_theirs - theirs < 5 * 2**20
