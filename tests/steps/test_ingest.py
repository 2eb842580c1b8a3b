"""ingest: all sources to one sorted manifest, with everything that was left out counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import tiny

from video_star.core.context import StepResult
from video_star.core.errors import DataError, TooManyFailures
from video_star.core.jsonl import read_records
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import Failure
from video_star.data.manifest import read_manifest
from video_star.pipeline.runner import run_step
from video_star.pipeline.steps.ingest import run_ingest

HEADER = "label,youtube_id,time_start,time_end,split\n"


def kinetics(name: str, split: str) -> dict[str, Any]:
    return {
        "reader": "kinetics",
        "dataset": "k",
        "annotations": f"{name}.csv",
        "videos": "videos",
        "split": split,
    }


def name(number: int) -> str:
    return f"-video{number:05d}"


def rows(*numbers: int, label: str = "diving") -> str:
    return HEADER + "".join(f"{label},{name(n)},1,2,val\n" for n in numbers)


def prepare(workspace: Workspace, train: str, test: str, videos: Sequence[int]) -> Workspace:
    folder = workspace.data / "videos"
    folder.mkdir(parents=True, exist_ok=True)
    for number in videos:
        (folder / f"{name(number)}_000001_000002.mp4").touch()
    (workspace.data / "train.csv").write_text(train, encoding="utf-8")
    (workspace.data / "test.csv").write_text(test, encoding="utf-8")
    return workspace


def ingest(workspace: Workspace) -> StepResult:
    return run_ingest(tiny.context_of(workspace))


@pytest.fixture
def empty(new_workspace: Callable[..., Workspace]) -> Workspace:
    sources = [kinetics("train", "train"), kinetics("test", "test")]
    return new_workspace(ingest__sources=sources, max_failure_rate=0.7)


def test_sources_become_one_sorted_manifest(empty: Workspace) -> None:
    result = ingest(prepare(empty, rows(3, 1), rows(2), range(4)))
    ids = [sample.id for sample in read_manifest(empty)]
    assert ids == [f"k/{name(n)}_000001_000002" for n in (1, 2, 3)]
    assert [sample.split for sample in read_manifest(empty)] == ["train", "test", "train"]
    assert (result.report.read, result.report.written, result.report.failed) == (3, 3, 0)
    assert result.report.metrics == {"train": 2, "test": 1}


def test_row_order_changes_no_byte(empty: Workspace) -> None:
    ingest(prepare(empty, rows(1, 3), rows(2), range(4)))
    before = empty.manifest.read_bytes()
    ingest(prepare(empty, rows(3, 1), rows(2), range(4)))
    assert empty.manifest.read_bytes() == before


def test_what_is_left_out_is_counted_by_reason(empty: Workspace) -> None:
    train = rows(1, 1, 9) + f",{name(2)},1,2,val\n"
    report = ingest(prepare(empty, train, rows(3), range(4))).report
    assert report.reasons == {"DuplicateId": 1, "EmptyLabel": 1, "MissingVideo": 1}
    assert (report.read, report.written, report.failed) == (5, 2, 3)


def test_a_recording_in_train_and_test_is_refused_and_named(empty: Workspace) -> None:
    prepare(empty, rows(1, 2), rows(2), range(4))
    with pytest.raises(DataError, match=f"k/{name(2)}"):
        ingest(empty)
    other_clip = HEADER + f"diving,{name(1)},5,6,val\n"
    (empty.data / "videos" / f"{name(1)}_000005_000006.mp4").touch()
    with pytest.raises(DataError, match=f"k/{name(1)}"):
        ingest(prepare(empty, rows(1), other_clip, range(4)))


def test_all_recordings_in_train_and_test_are_written_down(empty: Workspace) -> None:
    shared = range(1, 14)
    prepare(empty, rows(0, *shared), rows(*shared), range(14))
    with pytest.raises(DataError, match=rf"^13 .*{_failures(empty)} lists all\)\.$") as caught:
        ingest(empty)
    assert str(caught.value).count("k/") == 10
    found = [f.sample_id for f in read_records(_failures(empty), Failure)]
    assert found == [f"k/{name(number)}" for number in shared]


def test_files_without_rows_are_refused(empty: Workspace) -> None:
    with pytest.raises(DataError, match="nothing to learn from"):
        ingest(prepare(empty, HEADER, HEADER, ()))


def test_too_many_left_out_rows_stop_the_step_and_leave_the_last_manifest(
    empty: Workspace,
) -> None:
    prepare(empty, rows(1, 2), rows(3), range(4))
    run_step("ingest", "r0", empty, Silent())
    before = empty.manifest.read_bytes()
    (empty.data / "videos").rename(empty.data / "elsewhere")
    (empty.data / "videos").mkdir()
    with pytest.raises(TooManyFailures, match="MissingVideo"):
        run_step("ingest", "r0", empty, Silent())
    assert "MissingVideo" in _failures(empty).read_text(encoding="utf-8")
    assert empty.manifest.read_bytes() == before


def _failures(workspace: Workspace) -> Path:
    return workspace.round("r0").failures("ingest")


def test_a_file_of_questions_takes_the_place_of_the_templates(
    new_workspace: Callable[..., Workspace],
) -> None:
    sources = [kinetics("train", "train"), kinetics("test", "test")]
    workspace = new_workspace(ingest__sources=sources, ingest__questions="q.yaml")
    prepare(workspace, rows(1, 2), rows(3), range(4))
    (workspace.data / "q.yaml").write_text("class:\n- Which sport is it?\n", encoding="utf-8")
    ingest(workspace)
    asked = {(s.question, s.question_template) for s in read_manifest(workspace)}
    assert asked == {("Which sport is it?", "class/file/0")}
    (workspace.data / "q.yaml").write_text("class:\n- Is it {event}?\n", encoding="utf-8")
    with pytest.raises(DataError, match="no field"):
        ingest(workspace)
    outside = new_workspace("b", ingest__sources=sources, ingest__questions="../q.yaml")
    with pytest.raises(DataError, match="leads out"):
        ingest(prepare(outside, rows(1), rows(3), range(4)))


def test_a_copy_of_a_test_video_under_another_name_is_refused(empty: Workspace) -> None:
    prepare(empty, rows(1, 2), rows(3), range(4))
    for number, content in ((1, b"one"), (2, b"two"), (3, b"two")):
        path = empty.data / "videos" / f"{name(number)}_000001_000002.mp4"
        path.write_bytes(content)
    with pytest.raises(DataError, match=f"{name(2)}.* is .*{name(3)}"):
        ingest(empty)
    assert not empty.manifest.read_text(encoding="utf-8").count(name(2))


def test_a_video_of_a_benchmark_is_refused_and_absent_benchmarks_are_none(
    empty: Workspace,
) -> None:
    prepare(empty, rows(1), rows(3), range(4))
    assert ingest(empty).report.written == 2
    (empty.data / "videos" / f"{name(1)}_000001_000002.mp4").write_bytes(b"seen")
    folder = empty.data / "tempcompass" / "videos"
    folder.mkdir(parents=True)
    (folder / "1023759503.mp4").write_bytes(b"seen")
    with pytest.raises(DataError, match=r"1023759503\.mp4 of tempcompass"):
        ingest(empty)
