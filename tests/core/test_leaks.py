"""Nothing is learned from that is measured with: by id, by file and by content."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from video_star.core.context import StepContext
from video_star.core.engine import Engine
from video_star.core.errors import DataError
from video_star.core.labels import TextLabel
from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.core.records import Split, VideoSample
from video_star.evaluation.leakage import recording_of, refuse_shared_videos


class Counting:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def update(self, done: int, total: int, what: str) -> None:
        self.seen.append((done, total))

    def note(self, message: str) -> None:
        raise AssertionError(message)


def video(workspace: Workspace, name: str, content: bytes) -> None:
    path = workspace.data / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def sample(path: str, split: Split, source: str = "", dataset: str = "d") -> VideoSample:
    return VideoSample(
        id=f"{dataset}/{split}/{path}/{source}",
        dataset=dataset,
        video=path,
        source_id=source or f"{dataset}/{path}",
        split=split,
        question="?",
        question_template="given",
        labels=(TextLabel(text="x"),),
    )


def check(workspace: Workspace, *samples: VideoSample) -> Counting:
    def no_engine(ref: object) -> Engine:
        raise AssertionError("no model is asked")

    progress = Counting()
    params = load_params(workspace.params)
    refuse_shared_videos(StepContext(workspace, params, "r0", no_engine, progress), samples)
    return progress


def benchmark(workspace: Workspace, name: str, content: bytes) -> None:
    video(workspace, f"tempcompass/videos/{name}", content)


def test_other_bytes_copies_in_one_split_and_empty_or_missing_files_are_no_leak(
    workspace: Workspace,
) -> None:
    contents = {"a": b"abc", "b": b"abd", "copy of a": b"abc", "none": b"", "nothing": b""}
    for name, content in contents.items():
        video(workspace, f"{name}.mp4", content)
    benchmark(workspace, "1023759503.mp4", b"abe")
    check(
        workspace,
        *(sample(f"{name}.mp4", "train") for name in ("a", "copy of a", "none")),
        *(sample(f"{name}.mp4", "test") for name in ("b", "nothing", "missing")),
    )
    check(workspace, sample("a.mp4", "test"), sample("copy of a.mp4", "test"))


def test_the_same_bytes_under_another_name_are_refused_and_both_named(
    workspace: Workspace,
) -> None:
    video(workspace, "a.mp4", b"abc")
    video(workspace, "deep/b.mp4", b"abc")
    pair = (sample("a.mp4", "train"), sample("deep/b.mp4", "test", dataset="e"))
    with pytest.raises(DataError, match=r"1 training videos .*a\.mp4 of d is deep/b\.mp4 of e"):
        check(workspace, *pair)


def test_one_file_in_both_splits_is_refused_whatever_its_sources_are_called(
    workspace: Workspace,
) -> None:
    video(workspace, "a.mp4", b"abc")
    with pytest.raises(DataError, match=r"a\.mp4 of d is a\.mp4 of e"):
        check(
            workspace,
            sample("a.mp4", "train", source="d/1"),
            sample("a.mp4", "test", source="e/2", dataset="e"),
        )


@pytest.mark.parametrize("name", ["copy.mp4", "0007.webm"])
def test_a_benchmarks_video_in_the_training_set_is_found_by_content(
    workspace: Workspace, name: str
) -> None:
    video(workspace, name, b"abc")
    benchmark(workspace, "1023759503.mp4", b"abc")
    with pytest.raises(DataError, match=r"of d is tempcompass/videos/1023759503\.mp4"):
        check(workspace, sample(name, "train"))
    check(workspace, sample(name, "test"))


@pytest.mark.parametrize("name", ["1023759503.mp4", "1023759503_reverse.mp4"])
def test_a_benchmarks_video_that_was_encoded_anew_is_found_by_its_id(
    workspace: Workspace, name: str
) -> None:
    benchmark(workspace, name, b"abc")
    video(workspace, "deep/1023759503.webm", b"other bytes")
    with pytest.raises(DataError, match=r"deep/1023759503\.webm of d"):
        check(workspace, sample("deep/1023759503.webm", "train", source="d/tape"))
    video(workspace, "x.mp4", b"more bytes")
    with pytest.raises(DataError, match=r"x\.mp4 of d"):
        check(workspace, sample("x.mp4", "train", source="d/1023759503"))


def test_two_data_sets_may_not_share_a_recording_across_the_splits(workspace: Workspace) -> None:
    video(workspace, "a.mp4", b"abc")
    video(workspace, "b.mp4", b"abcd")
    train = sample("a.mp4", "train", source="k700/-wR5jVB-WPk")
    with pytest.raises(DataError, match=r"a\.mp4 of d is b\.mp4 of k400"):
        check(workspace, train, sample("b.mp4", "test", "k400/-wR5jVB-WPk", "k400"))
    check(workspace, train, sample("b.mp4", "test", "k400/-wR5jVB-WPQ", "k400"))
    check(workspace, train, sample("b.mp4", "train", "k400/-wR5jVB-WPk", "k400"))


@pytest.mark.parametrize(
    ("name", "recording"),
    [
        ("k/-wR5jVB-WPk", "-wR5jVB-WPk"),
        ("-wR5jVB-WPk_000001_000011.mp4", "-wR5jVB-WPk"),
        ("v_-wR5jVB-WPk.mkv", "-wR5jVB-WPk"),
        ("mv89psg6zh4_33_46.avi", "mv89psg6zh4"),
        ("d/deep/1023759503.webm", "1023759503"),
        ("1023759503", "1023759503"),
        ("00042.mp4", None),
        ("video7.mp4", None),
        ("a clip of us.mp4", None),
        ("cam01.mp4", None),
    ],
)
def test_only_names_that_are_known_anywhere_count_as_ids(name: str, recording: str | None) -> None:
    assert recording_of(name) == recording


def test_folders_of_frames_are_compared_by_their_frames(workspace: Workspace) -> None:
    for folder, last in (("a", b"2"), ("b", b"2"), ("c", b"3")):
        for number, content in enumerate((b"1", last)):
            video(workspace, f"{folder}/{number:05d}.jpg", content)
    # What a file manager leaves is no frame, and the names only give the order.
    video(workspace, "b/.DS_Store", b"x")
    (workspace.data / "b" / "00001.jpg").rename(workspace.data / "b" / "frame_2.jpg")
    check(workspace, sample("a", "train"), sample("c", "test"))
    with pytest.raises(DataError, match="a of d is b of d"):
        check(workspace, sample("a", "train"), sample("b", "test"))


def test_only_files_of_equal_size_are_hashed_and_each_of_them_once(workspace: Workspace) -> None:
    for name, content in (("a", b"12"), ("b", b"21"), ("c", b"123"), ("d", b"1234")):
        video(workspace, f"{name}.mp4", content)
    samples = [sample("a.mp4", "train"), sample("c.mp4", "train")]
    samples += [sample("b.mp4", "test"), sample("d.mp4", "test")]
    assert check(workspace, *samples).seen == [(1, 2), (2, 2)]
    kept = _kept(workspace)
    assert kept.keys() == {"a.mp4", "b.mp4"}
    check(workspace, *samples)
    assert _kept(workspace) == kept
    video(workspace, "b.mp4", b"13")
    later = (workspace.data / "b.mp4").stat().st_mtime_ns + 10**9
    os.utime(workspace.data / "b.mp4", ns=(later, later))
    check(workspace, *samples)
    changed = _kept(workspace)
    assert changed["a.mp4"] == kept["a.mp4"]
    assert changed["b.mp4"] == hashlib.sha256(b"13").hexdigest()


def test_at_most_ten_pairs_are_listed(workspace: Workspace) -> None:
    for number in range(12):
        video(workspace, f"train{number}.mp4", b"%d train" % number)
        video(workspace, f"test{number}.mp4", b"%d train" % number)
    samples = [sample(f"{s}{n}.mp4", s) for n in range(12) for s in ("train", "test")]  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"12 training videos .*; \.\.\.\)") as caught:
        check(workspace, *samples)
    assert str(caught.value).count(" is ") == 10


def test_a_benchmark_without_files_is_none(new_workspace: Callable[..., Workspace]) -> None:
    benchmarks: dict[str, Any] = {
        "kinetics_qa": {"options": 3, "distractors": "any", "judge": None},
        "tempcompass": {"annotations": "nowhere", "suffixes": "official", "judge": None},
    }
    workspace = new_workspace(evaluate__benchmarks=benchmarks)
    video(workspace, "a.mp4", b"abc")
    check(workspace, sample("a.mp4", "train"))


def _kept(workspace: Workspace) -> dict[str, str]:
    """Names of the files whose digests are kept, and these."""
    with closing(sqlite3.connect(workspace.frames / "sha256.sqlite")) as kept:
        rows = kept.execute("SELECT name, digest FROM digests").fetchall()
    return {Path(name).name: digest for name, digest in rows}
