"""`video-star score tempcompass` as a user meets it: table, report, named problems, no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import official_world as world
import pytest
from score_runs import run


def test_a_table_on_the_terminal_and_everything_in_the_file(
    questions: Path, answers: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report.json"
    inputs = ("--questions", questions, "--predictions", answers)
    done = run("tempcompass", *inputs, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert "match rate" in done.stdout
    assert "No judge" in done.stdout
    report = json.loads(out.read_text())
    assert report["unit"] == "percent"
    assert report["accuracy"] == 50
    assert report["bootstrap"] == {"resamples": 1000, "seed": 17, "by": "video"}
    first = out.read_bytes()
    run("tempcompass", *inputs, "--out", out)
    assert out.read_bytes() == first


def test_problems_are_named_and_the_exit_code_is_3(
    questions: Path, answers: Path, tmp_path: Path
) -> None:
    def drop(content: Any) -> None:
        del content["7"]["direction"][2]

    world.change(answers / "yes_no.json", drop)
    out = tmp_path / "report.json"
    inputs = ("--questions", questions, "--predictions", answers, "--out", out)
    done = run("tempcompass", *inputs)
    assert done.returncode == 3
    assert "problem: yes_no/7/direction/2: no file has an answer to it" in done.stderr
    assert "--allow-missing" in done.stderr
    assert done.stdout == ""
    assert [p["where"] for p in json.loads(out.read_text())["problems"]] == ["yes_no/7/direction/2"]
    allowed = run("tempcompass", *inputs, "--allow-missing")
    assert allowed.returncode == 0
    assert "1 answers are missing" in allowed.stdout
    assert json.loads(out.read_text())["missing"] == 1


def test_only_the_first_problems_are_shown_and_all_are_counted(
    questions: Path, answers: Path, tmp_path: Path
) -> None:
    def many(content: Any) -> None:
        content["9"] = {"order": content["7"]["order"] * 24}

    world.change(answers / "caption_matching.json", many)
    out = tmp_path / "report.json"
    inputs = ("--questions", questions, "--predictions", answers, "--out", out)
    done = run("tempcompass", *inputs)
    lines = done.stderr.splitlines()
    assert sum(line.startswith("problem: ") for line in lines) == 20
    assert f"... and 4 more problems; all are in {out}" in lines
    assert len(json.loads(out.read_text())["problems"]) == 24


@pytest.mark.parametrize("name", ["tempcompass", "video-qa"])
def test_scoring_loads_no_heavy_package(
    questions: Path, answers: Path, tmp_path: Path, name: str
) -> None:
    inputs = ["--questions", str(questions), "--predictions", str(answers)]
    if name == "video-qa":
        row = {"video_name": "v", "question_id": 1, "question": "a?", "answer": "b", "pred": "b"}
        path = tmp_path / "rows.json"
        path.write_text(json.dumps([{**row, "id": 1}]), encoding="utf-8")
        keys = ("--questions", "--answers", "--predictions")
        inputs = [part for key in keys for part in (key, str(path))]
    code = (
        "import sys; from typer.testing import CliRunner; from video_star.cli.main import app\n"
        f"assert CliRunner().invoke(app, {['score', name, *inputs]}).exit_code == 0\n"
        "heavy = set('torch transformers pandas mlflow prefect dvc av openai scipy'.split())\n"
        "sys.exit(', '.join(heavy & sys.modules.keys()) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
