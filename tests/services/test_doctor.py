"""doctor: each thing that is wrong is named with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

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
