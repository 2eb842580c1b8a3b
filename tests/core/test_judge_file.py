"""`video-star judge`: lines in, verdicts out in order, bad lines named and counted."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny
from typer.testing import CliRunner

from video_star.cli.main import app
from video_star.core.params import load_params
from video_star.verification.judge_file import Judged, judge_lines

PARAMS = tiny.ROOT / "params.yaml"
CAT = "A cat sleeps on a chair beside the door."
"""Too long for a bare name, so nothing is embedded."""


def line(name: str, text: str, *labels: dict[str, Any], **changes: Any) -> str:
    """A line of the input; what changes to None is left out."""
    kinds = labels or ({"kind": "class", "name": "diving"},)
    row = {"id": name, "question": "What happens?", "labels": list(kinds), "answer": text}
    row.update(changes)
    return json.dumps({key: value for key, value in row.items() if value is not None})


def judged(lines: list[str], home: Path) -> tuple[list[Judged], list[str]]:
    """What is judged, and what is said of bad lines."""
    text, problems = io.BytesIO("".join(f"{item}\n" for item in lines).encode()), list[str]()
    return list(judge_lines(text, load_params(PARAMS), home, problems.append)), problems


def command(*args: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "video_star", "judge", *args],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def test_options_that_brought_their_letters_are_chosen_by_their_texts(tmp_path: Path) -> None:
    """The question has both letters, as tables of Video-MME became before."""
    options = ["A. Apples.", "B. Candles.", "C. Berries."]
    label = {"kind": "choice", "options": options, "answer": 2}
    question = "What?\nA. A. Apples.\nB. B. Candles.\nC. C. Berries."
    texts = ("Berries.", "C", "(C)", "C. Berries.", "Candles.")
    found, _ = judged([line(text, text, label, question=question) for text in texts], tmp_path)
    assert [one.passed for one in found] == [True] * 4 + [False]


def test_verdicts_come_in_the_order_of_the_lines(tmp_path: Path) -> None:
    lines = [line(f"a{i}", "This is diving." if i % 3 else CAT) for i in range(1100)]
    found, problems = judged(["", *lines, "  "], tmp_path)
    assert [(item.id, item.passed) for item in found] == [
        (f"a{i}", bool(i % 3)) for i in range(1100)
    ]
    assert not problems


def test_every_label_of_a_line_has_its_verdict(tmp_path: Path) -> None:
    labels = {"kind": "class", "name": "diving"}, {"kind": "class", "name": "surfing"}
    texts = ("This is diving and surfing.", "This is diving.")
    (both, one), _ = judged([line(text, text, *labels) for text in texts], tmp_path)
    assert (both.passed, one.passed) == (True, False)
    assert [verdict.reason for verdict in one.verdicts] == ["match", "no match"]


def test_classes_of_later_lines_are_known(tmp_path: Path) -> None:
    hedge, surf = line("a", "This is diving and surfing."), {"kind": "class", "name": "surfing"}
    (alone,), _ = judged([hedge], tmp_path)
    (among, _), _ = judged([hedge, line("b", "surfing", surf)], tmp_path)
    (apart, _), _ = judged([hedge, line("b", "surfing", surf, dataset="other")], tmp_path)
    assert alone.passed
    assert apart.passed
    assert among.verdicts[0].reason == "several classes"


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("{", "Invalid JSON"),
        ("[1]", "should be an object"),
        (line("x", "a", question=None), "question: Field required"),
        (line("x", "a", id=5), "id: "),
        (line("", "a"), "id: "),
        (line("x", "a", labels=[]), "labels: "),
        (line("x", "a", {"kind": "colour"}), "labels.0: .*'colour'.*'class', 'sequence'"),
        (line("x", "a", {"name": "diving"}), "labels.0: .*'kind'"),
        (line("x", "a", {"kind": "class"}), "labels.0.class.name: Field required"),
        (line("x", "a", {"kind": "span", "start": 5, "end": 2}), "must be after start"),
        (line("first", "a"), "id 'first' is on an earlier line"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_judged(
    tmp_path: Path, bad: str, problem: str
) -> None:
    lines = [line("first", "This is diving."), bad, line("last", CAT, model="mine")]
    found, problems = judged(lines, tmp_path)
    assert [item.id for item in found] == ["first", "last"]
    assert len(problems) == 1
    assert re.match(f"line 2: .*{problem}", problems[0])


def test_bytes_that_are_no_utf8_are_a_bad_line(tmp_path: Path) -> None:
    raw = io.BytesIO(b"\xef\xbb\xbf" + line("a", "A dive.").encode() + b'\n{"id": "\xff"}\n')
    problems: list[str] = []
    assert len(list(judge_lines(raw, load_params(PARAMS), tmp_path, problems.append))) == 1
    assert len(problems) == 1


def test_the_command_prints_verdicts_and_names_bad_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(PARAMS, tmp_path)
    monkeypatch.chdir(tmp_path)
    text = "\n".join([line("a", "This is diving."), "{", line("b", CAT)])
    (tmp_path / "answers.jsonl").write_text(text)
    done = CliRunner().invoke(app, ["judge", "answers.jsonl"])
    assert done.exit_code == 1
    rows = [json.loads(row) for row in done.stdout.splitlines()]
    assert [(row["id"], row["passed"]) for row in rows] == [("a", True), ("b", False)]
    assert rows[0]["verdicts"][0]["extracted"] == "diving"
    assert "answers.jsonl: line 2: Invalid JSON" in done.stderr
    assert "judged 2 answers, 1 passed, 0 doubtful, 1 bad lines" in done.stderr


def test_the_command_writes_a_file_and_reads_standard_input(tmp_path: Path) -> None:
    shutil.copy(PARAMS, tmp_path)
    done = command("-", "--out", "out/v.jsonl", cwd=tmp_path, stdin=line("a", "This is diving."))
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((tmp_path / "out" / "v.jsonl").read_text())["passed"]
    done = command("answers.jsonl", cwd=tmp_path)
    assert done.returncode == 3
    assert "answers.jsonl: there is no such file" in done.stderr
