"""Videos are read in child processes: what happens there stays there, and none is left behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import video_files as files

from video_star.core.engine import Clip
from video_star.core.errors import VideoError
from video_star.video import isolated
from video_star.video.cache import FrameCache
from video_star.video.decode import probe
from video_star.video.isolated import LIMITS, probe_apart

VIDEO = files.params()


def children() -> list[int]:
    """Processes of the children that wait for a video."""
    return [child._process.pid for waiting in isolated._idle.values() for child in waiting]


def test_a_child_gives_what_the_function_gives_and_stays_for_the_next_video(
    tmp_path: Path,
) -> None:
    path = files.steps(tmp_path / "a.mp4")
    assert probe_apart(path) == probe(path)
    before = children()
    with pytest.raises(VideoError, match=r"b\.mp4: cannot be read .it does not exist.; "):
        probe_apart(tmp_path / "b.mp4")
    assert probe_apart(path, LIMITS) == probe(path)
    assert children() == before


def test_a_video_that_takes_too_long_is_given_up_and_the_next_is_read(tmp_path: Path) -> None:
    path = files.steps(tmp_path / "a.mp4")
    hurried = replace(LIMITS, deadline_s=0.5)
    probe_apart(path, hurried)
    (child,) = isolated._idle[os.getpid(), hurried]
    os.kill(child._process.pid, signal.SIGSTOP)  # as if it hung
    cache = FrameCache(tmp_path / "cache", VIDEO, 1, hurried)
    clip = Clip(path, None, None)
    with pytest.raises(VideoError, match=r"a\.mp4: reading takes more than 0\.5 s; raise settings"):
        cache.get(clip)
    assert not child.lives()
    assert not list((tmp_path / "cache").rglob("*.part"))
    assert files.levels(FrameCache(tmp_path / "cache", VIDEO, 1).get(clip)) == [0, 6, 13, 19]


def test_a_video_that_needs_too_much_memory_is_one_failure(tmp_path: Path) -> None:
    path = tmp_path / "large.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 6000, 6000, "yuvj420p"
        for _ in range(2):
            picture = np.full((6000, 6000, 3), 90, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    clip = Clip(path, None, None)
    small = replace(LIMITS, memory_gb=0.3)
    with pytest.raises(VideoError, match=r"large\.mkv: does not fit in memory; raise settings\."):
        FrameCache(tmp_path / "cache", VIDEO, 1, small).get(clip)
    assert probe_apart(files.steps(tmp_path / "a.mp4"), small).n_frames == files.STEPS
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_a_child_that_is_ended_costs_nothing_and_a_video_that_ends_each_is_one_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.steps(tmp_path / "a.mp4")
    ask, signals = isolated._Child.ask, [signal.SIGKILL]

    def end_first(child: isolated._Child, request: dict[str, Any], deadline_s: float) -> object:
        if signals:
            os.kill(child._process.pid, signals.pop())
            os.waitid(os.P_PID, child._process.pid, os.WEXITED | os.WNOWAIT)
        return ask(child, request, deadline_s)

    monkeypatch.setattr(isolated._Child, "ask", end_first)
    assert probe_apart(path).n_frames == files.STEPS
    signals += [signal.SIGSEGV] * isolated.ATTEMPTS
    with pytest.raises(VideoError, match=r"a\.mp4: the process that read it ended .SIGSEGV.;"):
        probe_apart(path)
    assert probe_apart(path).n_frames == files.STEPS


def test_a_child_that_ended_while_it_waited_costs_nothing(tmp_path: Path) -> None:
    path = files.steps(tmp_path / "a.mp4")
    probe_apart(path)
    for pid in children():
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert probe_apart(path).n_frames == files.STEPS


def test_a_cache_that_cannot_be_written_is_an_os_error_without_leftovers(tmp_path: Path) -> None:
    clip = Clip(files.steps(tmp_path / "a.mp4", grain=12), None, None)
    own = replace(LIMITS, memory_gb=LIMITS.memory_gb / 2)  # a child of its own
    cache = FrameCache(tmp_path / "cache", VIDEO, 1, own)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(OSError, match=r"File too large: .*\.npz"):
            cache.get(clip)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not [
        path for path in (tmp_path / "cache").rglob("*") if path.suffix in (".part", ".npz")
    ]


def test_children_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    path = files.steps(tmp_path / "a.mp4")
    code = (
        "import sys, time; from pathlib import Path; from video_star.video import isolated;"
        "isolated.probe_apart(Path(sys.argv[1]));"
        "print([*isolated._idle.values()][0][0]._process.pid, flush=True); time.sleep(60)"
    )
    arguments = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    end = time.monotonic() + 30
    while Path(f"/proc/{child}").exists():
        # Its new parent may be slow to wait for it.
        if Path(f"/proc/{child}/stat").read_text().split(") ")[1][0] == "Z":
            break
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_child_is_light_and_a_library_in_the_working_folder_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "av.py").write_text("raise SystemExit('not this one')")
    code = (
        "import sys; import video_star.video.child;"
        "print(sorted({'torch', 'transformers', 'mlflow', 'prefect'} & {*sys.modules}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
    path = files.steps(tmp_path / "a.mp4")
    code = (
        "import sys; from pathlib import Path; sys.path.pop(0);"
        "from video_star.video.isolated import probe_apart;"
        "print(probe_apart(Path('a.mp4')).n_frames)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=path.parent, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == str(files.STEPS)


def test_a_message_has_the_path_that_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VideoError, match=r"^none\.mp4: cannot be read"):
        probe_apart(Path("none.mp4"))
