"""The command line as a user meets it: quick, one sentence per error, meaningful exit codes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tiny import ROOT, video_star

from video_star.core import messages
from video_star.pipeline.stages import STEPS

SHIPPED = ROOT / "params.yaml"


def test_help_lists_every_step(tmp_path: Path) -> None:
    out = video_star("--help", cwd=tmp_path).stdout
    assert all(step in out for step in STEPS)


def test_an_unknown_parameter_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    text = SHIPPED.read_text().replace("max_new_tokens: 64", "max_new_tokens: 64\n  warmth: 1", 1)
    (tmp_path / "params.yaml").write_text(text)
    done = video_star("generate", "r1", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "error: params.yaml: generate.warmth: unknown parameter, remove it or correct its name."
    )


@pytest.mark.parametrize("command", ["up", "cycle"])
def test_outside_of_a_workspace_no_server_is_started(tmp_path: Path, command: str) -> None:
    done = video_star(command, cwd=tmp_path)
    assert done.returncode == 2
    assert "run video-star in a workspace" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_step_without_its_input_says_which_file_and_what_to_run(tmp_path: Path) -> None:
    shutil.copy(SHIPPED, tmp_path / "params.yaml")
    done = video_star("curate", "r1", cwd=tmp_path)
    assert done.returncode == 3
    assert "manifest.jsonl" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_folder_one_is_in_is_a_place_like_any_other(tmp_path: Path) -> None:
    shutil.copy(SHIPPED, tmp_path / "params.yaml")
    (tmp_path / "rounds").mkdir()
    (tmp_path / "rounds" / "manifest.jsonl").touch()
    done = video_star("export", "train", "--format", "star_annotations", "--to", ".", cwd=tmp_path)
    assert done.stderr.startswith(f"error: {tmp_path}: Is a directory")


def test_a_stage_of_a_killed_dvc_ends_too(tmp_path: Path) -> None:
    shutil.copy(SHIPPED, tmp_path / "params.yaml")
    command = [sys.executable, "-m", "video_star", "judge", "-"]  # waits for lines that never come
    code = f"import subprocess; subprocess.run({command})"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"DVC_STAGE": "verify@r1", messages.VARIABLE: "1"},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as dvc:
        assert dvc.stderr is not None
        assert b"started" in dvc.stderr.readline()
        (stage,) = psutil.Process(dvc.pid).children()
        dvc.kill()
        stage.wait(20)
