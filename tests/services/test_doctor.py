"""doctor: each thing that is wrong is named with what to do."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from dvc.repo import Repo

from video_star.cli import doctor
from video_star.cli.doctor import Finding, print_findings, run_doctor
from video_star.core.paths import Workspace


def problems(root: Path) -> dict[str, str]:
    return {f.what: f.fix for f in run_doctor(Workspace(root)) if not f.ok}


def test_an_empty_folder_is_diagnosed_without_raising(tmp_path: Path) -> None:
    found = problems(tmp_path)
    assert "video-star in a workspace" in found["params.yaml"]
    assert "make setup" in found["data/ is missing"]
    assert all(found.values())


def test_python_in_the_mlflow_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "__init__.py").touch()
    assert "mlflow/ holds __init__.py" in problems(tmp_path)


def test_findings_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    print_findings([Finding(True, "disk"), Finding(False, "port 4200", "stop that program")])
    assert capsys.readouterr().out == "ok      disk\nPROBLEM port 4200: stop that program\n"


def test_the_true_reason_is_said(
    new_workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = new_workspace(settings__engine="scripted:script.json")
    root = workspace.root
    assert not any("cannot be written" in what for what in problems(root))

    workspace.round("r0").report("base").mkdir(parents=True)
    assert "base.json: cannot be read (Is a directory)" in problems(root)["rounds/"]
    workspace.round("r0").report("base").rmdir()
    workspace.manifest.write_bytes(b"\xff\n")
    assert "manifest.jsonl:1: no valid VideoSample" in problems(root)["rounds/"]

    workspace.mlflow.mkdir(exist_ok=True)
    monkeypatch.setattr(doctor, "LOCK_WAIT_S", 0.1)
    with closing(sqlite3.connect(workspace.mlflow_store)) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN EXCLUSIVE")
        locked = f"{workspace.mlflow_store}: database is locked"
        assert "stop the program that holds it" in problems(root)[locked]
    workspace.mlflow_store.write_bytes(b"no database" * 100)
    garbage = f"{workspace.mlflow_store}: file is not a database"
    assert "move it away" in problems(root)[garbage]

    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path).name != "rounds" and real(path, mode)
    )
    assert "mount it writable" in problems(root)[f"{root / 'rounds'} cannot be written to"]


def test_data_that_dvc_cannot_compare_are_not_called_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data.dvc").write_bytes(b"\xff: [")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    with Repo.init(str(tmp_path)):
        pass
    found = problems(tmp_path)
    assert "DVC cannot compare" in found["data/"]
    assert "remov" not in found["data/"]
