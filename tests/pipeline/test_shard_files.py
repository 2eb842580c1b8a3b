"""Shard files: what a run left, and what its workers still write when another has begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from video_star.core.paths import Workspace
from video_star.pipeline.shard_files import (
    RESULT,
    finished_results,
    new_shard_folder,
    read_object,
    shard_folder,
    write_object,
)


def test_a_late_result_of_a_killed_run_is_none_of_the_next(tmp_path: Path) -> None:
    """Shard 0 of two runs may be different work: what was answered since is left out."""
    workspace = Workspace(tmp_path)
    before, after = (new_shard_folder(workspace, "job") for _ in range(2))
    with pytest.raises(FileNotFoundError):
        write_object(before / f"0{RESULT}", ["late"])
    write_object(after / f"0{RESULT}", ["own"])
    assert read_object(after / f"0{RESULT}") == ["own"]
    assert list(finished_results(workspace, "job")) == ["own"]


@pytest.mark.parametrize("content", [b"", b"\x80\x05", b"cno_such_module\nThing\n."])
def test_a_result_that_cannot_be_read_is_made_again(tmp_path: Path, content: bytes) -> None:
    """What a power cut or another version of the code left."""
    workspace = Workspace(tmp_path)
    folder = new_shard_folder(workspace, "job")
    (folder / f"0{RESULT}").write_bytes(content)
    write_object(folder / f"1{RESULT}", ["whole"])
    assert list(finished_results(workspace, "job")) == ["whole"]
    assert not shard_folder(workspace, "job").exists()


def test_a_disk_that_is_full_is_named(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / ".0.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as raised:
        write_object(tmp_path / "0", "x")
    assert raised.value.filename == str(tmp_path / "0")
