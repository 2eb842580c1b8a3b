"""Whatever lies under a video's name is read, or refused in one sentence; it opens nothing else."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
import tiny
import video_files as files
from frame_images import write_frames

from video_star.core.engine import Clip
from video_star.core.errors import VideoError
from video_star.core.params import VideoParams
from video_star.video.cache import FrameCache
from video_star.video.decode import probe, read_frames
from video_star.video.frame_folder import numbered_images
from video_star.video.timeline import DAMAGED

VIDEO = VideoParams.model_validate(tiny.tiny_params()["video"])
SCRIPTS = {
    "text": "not a video at all\n" * 50,
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
    "concat": "ffconcat version 1.0\nfile other.mp4\nfile other.mp4\n",
    "playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n",
    "local playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nother.ts\n#EXT-X-ENDLIST\n",
    "dash": (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
        "<BaseURL>{url}</BaseURL><AdaptationSet/></Period></MPD>"
    ),
    "session": (
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    ),
    "images": "img%03d.png",
    "srt": "1\n00:00:00,000 --> 00:00:02,000\nhello\n",
}


def refused(path: Path, reason: str) -> None:
    """Both ways of reading give one sentence with the path."""
    for read in (lambda: files.sampled(path, 4), lambda: probe(path)):
        with pytest.raises(VideoError, match=reason) as caught:
            read()
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert message.endswith(".")
        assert "\n" not in message


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_script_under_a_video_name_opens_nothing(tmp_path: Path, kind: str) -> None:
    files.steps(tmp_path / "other.mp4")
    files.steps(tmp_path / "other.ts")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/other.ts"
        for suffix in (".mp4", ".ts", ".mkv"):
            path = tmp_path / f"a{suffix}"
            path.write_text(SCRIPTS[kind].format(url=url), encoding="utf-8")
            refused(path, "has no video stream|cannot be decoded")
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize("name", ["pic.mp4", "concat:a.mp4", "http:b.mp4", "%03d.mp4", "a b'c.mp4"])
def test_a_name_is_only_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    files.steps(tmp_path / "x.mp4").rename(name)
    assert files.levels(files.sampled(Path(name), 2)) == [0, 19]


def test_an_unknown_codec_is_said(tmp_path: Path) -> None:
    path = files.steps(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    refused(path, "its video has an unknown codec; re-encode the file")


def test_an_encrypted_video_is_said(tmp_path: Path) -> None:
    plain = files.steps(tmp_path / "plain.mp4")
    key = {"key": "76a6c65c5ea762046bd749a2e632ccbb", "kid": "a7e61c373e219033c21091fa607bf3b8"}
    options = {f"encryption_{name}": value for name, value in key.items()}
    options["encryption_scheme"] = "cenc-aes-ctr"
    path = files.remuxed(plain, tmp_path / "a.mp4", options=options)
    refused(path, "is encrypted; decrypt it or leave it out")


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"\x47" * 1880, b"ID3\x04" + b"\0" * 500])
def test_nothing_inside_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    refused(path, "cannot be decoded|has no video stream|holds no frames")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".webm"])
def test_a_picture_under_a_video_name_is_refused(tmp_path: Path, suffix: str) -> None:
    folder = write_frames(tmp_path / "images", ["1.jpg", "2.png"])
    for image in sorted(folder.iterdir()):
        path = image.rename(tmp_path / f"{image.stem}{suffix}")
        refused(path, "has no video stream")


def test_a_pipe_or_a_device_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "zero.mp4").symlink_to("/dev/zero")
    for name in ("pipe.mp4", "zero.mp4"):
        clip = Clip(tmp_path / name, None, None)
        refused(clip.path, "is no regular file; replace it with a video file")
        cache = FrameCache(tmp_path / "cache", VIDEO, 1)
        with pytest.raises(VideoError, match="is no regular file"):
            cache.get(clip)
    os.mkfifo(tmp_path / "cache" / "1.jpg")
    with pytest.raises(VideoError, match=r"1\.jpg: is no regular file"):
        numbered_images(tmp_path / "cache")


def test_a_file_that_may_not_be_read_is_said_in_the_words_of_the_system(tmp_path: Path) -> None:
    refused(tmp_path / ("a" * 300 + ".mp4"), "cannot be read .File name too long.")
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    refused(tmp_path / "loop.mp4", "cannot be read .Too many levels of symbolic links.")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".flv"])
def test_a_file_that_breaks_off_is_read_as_far_as_it_goes(tmp_path: Path, suffix: str) -> None:
    path = files.steps(tmp_path / f"a{suffix}", grain=12, g="1", bf="0")
    if suffix == ".mp4":  # else the index would be lost with the end
        plain = path.rename(tmp_path / "plain.mp4")
        files.remuxed(plain, path, options={"movflags": "faststart"})
    assert files.sampled(path, 2).note is None
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    frames = files.sampled(path, 3)
    first, _, last = files.levels(frames)
    assert first == 0
    assert 5 <= last <= 14
    assert frames.note is not None
    assert frames.note.startswith("ends at ")
    assert probe(path).note is not None
    assert probe(path).duration_s == pytest.approx((last + 1) / 10, abs=0.11)


def test_pictures_that_cannot_be_decoded_are_left_out(tmp_path: Path) -> None:
    path = files.steps(tmp_path / "a.ts", grain=12, g="1", bf="0")
    content = bytearray(path.read_bytes())
    for hole in range(len(content) // 2, len(content) // 2 + 12_000):
        content[hole] = 255
    path.write_bytes(content)
    frames = files.sampled(path, 40)
    assert files.levels(frames)[0] == 0
    assert files.levels(frames)[-1] == 19
    assert len({*files.levels(frames)}) < 20
    assert frames.note == DAMAGED


@pytest.mark.parametrize("seed", range(40))
def test_no_damage_ends_in_a_traceback(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    suffix = random.choice([".mp4", ".mkv", ".ts", ".avi", ".h264", ".flv", ".mov"])
    path = files.steps(tmp_path / f"a{suffix}", g="5")
    content = bytearray(path.read_bytes())
    for _ in range(random.choice([1, 4, 30])):
        content[random.randrange(len(content))] = random.randrange(256)
    path.write_bytes(content[: random.randrange(len(content) // 2, len(content) + 1)])
    for read in (lambda: probe(path), lambda: read_frames(Clip(path, 0.5, 1.5), VIDEO)):
        with suppress(VideoError):
            read()
