"""`video-star score tempcompass` as a user meets it: table, report, named problems, no torch."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import official_world as world
import pytest

SECONDS = 10.0
"""Promised for all 7,540 items, the start of the process included."""


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return world.write_questions(tmp_path / "official")


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    return world.write_tasks(tmp_path / "answers", world.official())


def _run(*options: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "video_star", "score", "tempcompass", *map(str, options)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_a_table_on_the_terminal_and_everything_in_the_file(
    questions: Path, answers: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report.json"
    inputs = ("--questions", questions, "--predictions", answers)
    done = _run(*inputs, "--out", out, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "match rate" in done.stdout
    assert "No judge" in done.stdout
    report = json.loads(out.read_text())
    assert report["unit"] == "percent"
    assert report["accuracy"] == 50
    assert report["bootstrap"] == {"resamples": 1000, "seed": 17, "by": "video"}
    first = out.read_bytes()
    _run(*inputs, "--out", out, cwd=tmp_path)
    assert out.read_bytes() == first


def test_problems_are_named_and_the_exit_code_is_3(
    questions: Path, answers: Path, tmp_path: Path
) -> None:
    def drop(content: Any) -> None:
        del content["7"]["direction"][2]

    world.change(answers / "yes_no.json", drop)
    out = tmp_path / "report.json"
    inputs = ("--questions", questions, "--predictions", answers, "--out", out)
    done = _run(*inputs, cwd=tmp_path)
    assert done.returncode == 3
    assert "problem: yes_no/7/direction/2: no file has an answer to it" in done.stderr
    assert "--allow-missing" in done.stderr
    assert done.stdout == ""
    assert [p["where"] for p in json.loads(out.read_text())["problems"]] == ["yes_no/7/direction/2"]
    allowed = _run(*inputs, "--allow-missing", cwd=tmp_path)
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
    done = _run("--questions", questions, "--predictions", answers, "--out", out, cwd=tmp_path)
    lines = done.stderr.splitlines()
    assert sum(line.startswith("problem: ") for line in lines) == 20
    assert f"... and 4 more problems; all are in {out}" in lines
    assert len(json.loads(out.read_text())["problems"]) == 24


def test_a_judge_that_is_none_is_exit_code_2(
    questions: Path, answers: Path, tmp_path: Path
) -> None:
    inputs = ("--questions", questions, "--predictions", answers)
    done = _run(*inputs, "--judge", "gpt-4", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: --judge gpt-4: write none")


@contextmanager
def _server(reply: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An OpenAI-compatible server on loopback that always says the same."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = json.dumps({"choices": [{"message": {"content": reply}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", heard
    finally:
        server.shutdown()
        server.server_close()


def test_a_server_judges_and_its_replies_are_kept(
    questions: Path, answers: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report.json"
    inputs = ("--questions", questions, "--predictions", answers, "--out", out)
    with _server("Correct\nAnswer: A. a jump") as (url, heard):
        asked = ("--judge", url, "--judge-model", "m-1", "--judge-replies", tmp_path / "r.jsonl")
        done = _run(*inputs, *asked, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        report = json.loads(out.read_text())
        assert (len(heard), report["judge"]["judged"]) == (4, 4)
        assert {request["model"] for request in heard} == {"m-1"}
        assert report["judge"]["name"] == "m-1"
        assert report["tasks"]["captioning"]["accuracy"] == 100
        assert _run(*inputs, *asked, cwd=tmp_path).returncode == 0
        assert len(heard) == 4


def test_scoring_loads_no_heavy_package(questions: Path, answers: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from video_star.cli.main import app\n"
        f"args = ['score', 'tempcompass', '--questions', {str(questions)!r}, "
        f"'--predictions', {str(answers)!r}]\n"
        "assert CliRunner().invoke(app, args).exit_code == 0\n"
        "heavy = {'torch', 'transformers', 'pandas', 'mlflow', 'prefect', 'dvc', 'av'}\n"
        "sys.exit(', '.join(heavy & sys.modules.keys()) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_all_questions_are_scored_in_the_promised_time(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "tempcompass"
    if not folder.is_dir():
        pytest.skip("TempCompass files absent")
    begun = time.monotonic()
    done = _run(
        *("--questions", folder / "questions"),
        *("--predictions", folder / "predictions" / "video-llava"),
        *("--judge", f"recorded:{folder / 'official_results' / 'video-llava'}"),
        *("--out", tmp_path / "report.json"),
        cwd=tmp_path,
    )
    seconds = time.monotonic() - begun
    assert done.returncode == 0
    assert "49.77" in done.stdout
    assert seconds < SECONDS
