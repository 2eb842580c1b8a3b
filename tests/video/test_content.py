"""Videos are hashed once for all that ask for their content, and again when they have changed."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import frame_images
import pytest
from tiny import moving_square, write_clip
from video_files import params

from video_star.core.engine import Clip
from video_star.core.errors import VideoError
from video_star.core.hashing import sha256_file
from video_star.video import content
from video_star.video.cache import FrameCache
from video_star.video.content import DIGESTS, ContentHashes, files_of

VIDEO = params()


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were really hashed."""
    names: list[str] = []

    def counting(path: Path) -> str:
        names.append(path.name)
        return sha256_file(path)

    monkeypatch.setattr(content, "sha256_file", counting)
    return names


def test_the_checks_of_ingest_and_the_frame_cache_hash_a_video_once(
    tmp_path: Path, hashed: list[str]
) -> None:
    path = write_clip(tmp_path / "a.mp4", moving_square(1))
    digest = ContentHashes(tmp_path / "frames").of(path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    cache = FrameCache(tmp_path / "frames", VIDEO, 1)
    cache.get(Clip(path, None, None))
    cache.get(Clip(path, 0.5, 1.0))
    (tmp_path / "link.mp4").symlink_to(path)
    FrameCache(tmp_path / "frames", VIDEO, 1).get(Clip(tmp_path / "link.mp4", None, None))
    assert hashed == ["a.mp4"]


def test_frames_that_were_compared_with_checksums_are_not_read_again(
    tmp_path: Path, hashed: list[str]
) -> None:
    frame_images.write_frames(tmp_path / "video", [f"{i}.png" for i in range(3)])
    hashes = ContentHashes(tmp_path / "frames")
    digests = [bytes.fromhex(hashes.of(frame)) for frame in files_of(tmp_path / "video")]
    assert hashes.of(tmp_path / "video") == hashlib.sha256(b"".join(digests)).hexdigest()
    assert hashed == ["0.png", "1.png", "2.png"]


def test_threads_that_want_one_file_hash_it_once(tmp_path: Path, hashed: list[str]) -> None:
    paths = [tmp_path / str(number) for number in range(20)]
    for path in paths:
        path.write_bytes(path.name.encode() * 100_000)
    hashes = ContentHashes(tmp_path / "frames")
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(hashes.of, [path for path in paths for _ in range(8)]))
    assert digests[::8] == [sha256_file(path) for path in paths]
    assert sorted(hashed, key=int) == [path.name for path in paths]


@pytest.mark.parametrize("garbage", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_database_that_is_none_is_made_anew(
    tmp_path: Path, hashed: list[str], garbage: bytes
) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / DIGESTS).write_bytes(garbage)
    for _ in range(4):
        assert ContentHashes(tmp_path).of(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
    assert 1 <= len(hashed) <= 2


def test_a_database_that_is_locked_or_of_another_kind_costs_hashing(
    tmp_path: Path, hashed: list[str]
) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    with closing(sqlite3.connect(tmp_path / DIGESTS)) as other:
        other.execute("CREATE TABLE digests (something INTEGER)")
    for _ in range(2):
        assert ContentHashes(tmp_path).of(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
    assert len(hashed) == 2


def test_a_changed_file_is_hashed_again(tmp_path: Path, hashed: list[str]) -> None:
    path, hashes = tmp_path / "a", ContentHashes(tmp_path)
    path.write_bytes(b"abc")
    hashes.of(path)
    path.write_bytes(b"abcd")
    assert hashes.of(path) == hashlib.sha256(b"abcd").hexdigest()
    changed = path.stat().st_mtime_ns + 1
    os.utime(path, ns=(changed, changed))
    hashes.of(path)
    os.replace(path, tmp_path / "b")  # noqa: PTH105
    with pytest.raises(VideoError, match="does not exist"):
        hashes.of(path)
    assert len(hashed) == 3


HASH = """
import sys
from pathlib import Path
from video_star.video.content import ContentHashes
hashes = ContentHashes(Path(sys.argv[1]))
print(*(hashes.of(path) for path in sorted(Path(sys.argv[2]).iterdir())))
"""


def test_processes_share_the_digests(tmp_path: Path, hashed: list[str]) -> None:
    (tmp_path / "videos").mkdir()
    for number in range(200):
        (tmp_path / "videos" / f"{number:03}").write_bytes(b"%d" % number)
    command = [sys.executable, "-c", HASH, str(tmp_path), str(tmp_path / "videos")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    said = [process.communicate(timeout=60)[0].decode().split() for process in running]
    right = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(200)]
    assert said == [right] * 3
    hashes = ContentHashes(tmp_path)
    assert [hashes.of(path) for path in sorted((tmp_path / "videos").iterdir())] == right
    assert not hashed
