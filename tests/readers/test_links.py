"""Videos on another disk: behind links in data/, or below a video root; what is refused and why."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo

from video_star.core.errors import DataError, TooManyFailures, UsageError
from video_star.core.paths import Workspace, inside
from video_star.core.progress import Silent
from video_star.core.records import StepReport
from video_star.data.manifest import read_manifest
from video_star.pipeline.runner import run_step

TABLE = {
    "reader": "table",
    "dataset": "mine",
    "annotations": "mine/labels.csv",
    "videos": "mine/videos",
    "kind": "class",
    "columns": {"video": "file", "label": "action"},
    "split": "train",
}
NAMES = ("train-0.mp4", "train-1.mp4")


@pytest.fixture
def disk(tmp_path: Path, clips: Path) -> Path:
    """Another disk with two videos."""
    folder = tmp_path / "big disk" / "k400"
    folder.mkdir(parents=True)
    for name in NAMES:
        shutil.copy(clips / name, folder)
    return folder


@pytest.fixture
def make(new_workspace: Callable[..., Workspace]) -> Callable[..., Workspace]:
    """`make((root, ...), videos="...")`: a workspace with one table and no other data."""

    def make(roots: tuple[Path, ...] = (), name: str = "ws", **section: object) -> Workspace:
        workspace = new_workspace(
            name=name,
            ingest__sources=[{**TABLE, **section}],
            evaluate__benchmarks={"held_out": {"dataset": None}},
            settings__video_roots=[str(root) for root in roots],
            max_failure_rate=0.5,
        )
        shutil.rmtree(workspace.data)
        (workspace.data / "mine").mkdir(parents=True)
        rows = "".join(f"{name},jumping\n" for name in NAMES)
        (workspace.data / "mine" / "labels.csv").write_text(f"file,action\n{rows}")
        return workspace

    return make


def ingest(workspace: Workspace) -> StepReport:
    return run_step("ingest", "r0", workspace, Silent())


def said(workspace: Workspace) -> str:
    """The failures that ingest listed."""
    return workspace.round("r0").failures("ingest").read_text(encoding="utf-8")


def test_a_linked_folder_is_taken_by_dvc_and_by_ingest(
    make: Callable[..., Workspace], disk: Path
) -> None:
    workspace = make((disk.parent,))
    (workspace.data / "mine" / "videos").symlink_to(disk)
    with Repo.init(str(workspace.root), no_scm=True) as repo:
        repo.add([str(workspace.data)])
    assert ingest(workspace).written == 2
    assert [s.video for s in read_manifest(workspace)] == [f"mine/videos/{n}" for n in NAMES]
    run_step("base", "r0", workspace, Silent())
    assert run_step("generate", "r1", workspace, Silent()).failed == 0


def test_files_in_linked_folders_are_found_by_their_names(
    make: Callable[..., Workspace], disk: Path
) -> None:
    workspace = make((disk,))
    videos = workspace.data / "mine" / "videos"
    videos.mkdir()
    (videos / "jumping").symlink_to(disk)
    (disk / "back").symlink_to(disk)  # each folder is walked through once
    assert ingest(workspace).written == 2


@pytest.mark.parametrize("level", ["folder", "below", "file"])
def test_a_link_that_is_not_allowed_is_named_as_one(
    make: Callable[..., Workspace], disk: Path, level: str
) -> None:
    workspace = make()
    videos = workspace.data / "mine" / "videos"
    if level == "folder":
        videos.symlink_to(disk)
    else:
        videos.mkdir()
        where = videos / ("jumping" if level == "below" else NAMES[0])
        where.symlink_to(disk if level == "below" else disk / NAMES[0])
    with pytest.raises((DataError, TooManyFailures)) as raised:
        ingest(workspace)
    text = said(workspace) if isinstance(raised.value, TooManyFailures) else str(raised.value)
    assert f"behind a link to {disk}" in text
    assert "allow its folder in settings.video_roots" in text


def test_a_link_to_itself_is_a_counted_row(make: Callable[..., Workspace], disk: Path) -> None:
    workspace = make()
    shutil.copytree(disk, workspace.data / "mine" / "videos")
    loop = workspace.data / "mine" / "videos" / NAMES[0]
    loop.unlink()
    loop.symlink_to(loop)
    assert ingest(workspace).reasons == {"BadRow": 1}
    assert "a link that leads to itself" in said(workspace)


def checksums(workspace: Workspace, disk: Path) -> None:
    """As `sha256sum` writes them."""
    lines = (f"{hashlib.sha256((disk / n).read_bytes()).hexdigest()}  ./{n}\n" for n in NAMES)
    (workspace.data / "mine" / "k400.sha256").write_text("".join(lines))


def test_videos_below_a_root_are_used_with_their_checksums(
    make: Callable[..., Workspace], disk: Path
) -> None:
    workspace = make((disk.parent,), videos=str(disk), checksums="mine/k400.sha256")
    checksums(workspace, disk)
    assert ingest(workspace).written == 2
    samples = read_manifest(workspace)
    assert [s.video for s in samples] == [str(disk / name) for name in NAMES]
    # Ids do not depend on where the disk is mounted.
    assert [(s.id, s.source_id) for s in samples] == [
        ("mine/train-0", "mine/train-0.mp4"),
        ("mine/train-1", "mine/train-1.mp4"),
    ]
    run_step("base", "r0", workspace, Silent())
    assert run_step("generate", "r1", workspace, Silent()).failed == 0

    shutil.copy(disk / NAMES[1], disk / NAMES[0])
    assert ingest(workspace).reasons == {"ChangedVideo": 1}
    assert "another file than that of mine/k400.sha256" in said(workspace)


def test_videos_elsewhere_need_a_root_and_checksums(
    make: Callable[..., Workspace], disk: Path
) -> None:
    with pytest.raises(UsageError, match=r"need `checksums`.*sha256sum\) > data/NAME.sha256"):
        ingest(make((disk,), videos=str(disk)))
    with pytest.raises(DataError, match=r"leads out of data/.*settings.video_roots"):
        ingest(make((), name="other", videos=str(disk), checksums="mine/labels.csv"))


def test_a_name_that_climbs_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(DataError, match="leads out of data/; use a path inside of it"):
        inside(tmp_path / "data", "../secret.mp4")
    with pytest.raises(DataError, match="leads out of data/"):
        inside(tmp_path / "data", "/etc/passwd", (tmp_path / "elsewhere",))


def test_a_link_to_nothing_is_a_missing_video_by_whatever_name_it_is_found(
    make: Callable[..., Workspace], disk: Path
) -> None:
    workspace = make()
    videos = workspace.data / "mine" / "videos" / "jumping"
    shutil.copytree(disk, videos)
    (videos / NAMES[0]).unlink()
    (videos / NAMES[0]).symlink_to("nowhere.mp4")
    assert ingest(workspace).reasons == {"MissingVideo": 1}
    assert "is a link to a file that is not there" in said(workspace)


def test_a_link_out_of_a_root_is_named_as_one(tmp_path: Path) -> None:
    for name in ("data", "root"):
        (tmp_path / name).mkdir()
    (tmp_path / "secret.mp4").touch()
    link = tmp_path / "root" / "a.mp4"
    link.symlink_to(tmp_path / "secret.mp4")
    with pytest.raises(DataError, match=rf"behind a link to {tmp_path}/secret.mp4"):
        inside(tmp_path / "data", str(link), (tmp_path / "root",))
