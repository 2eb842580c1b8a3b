"""`video-star judge`: lines in, verdicts out in order, bad lines named and counted."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny

from video_star.core.params import Params, load_params
from video_star.verification.judge_file import BadLine, Judged, judge_lines

PARAMS = tiny.ROOT / "params.yaml"


def line(name: str, text: str, *labels: dict[str, Any], **changes: Any) -> str:
    """A line of the input; what changes to None is left out."""
    kinds = labels or ({"kind": "class", "name": "diving"},)
    row = {"id": name, "question": "What happens?", "labels": list(kinds), "answer": text}
    row.update(changes)
    return json.dumps({key: value for key, value in row.items() if value is not None})


def judged(lines: list[str], home: Path, params: Params | None = None) -> list[Judged | BadLine]:
    text = io.BytesIO("".join(f"{item}\n" for item in lines).encode())
    return list(judge_lines(text, params or load_params(PARAMS), home))


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
    found = judged([line(text, text, label, question=question) for text in texts], tmp_path)
    assert [isinstance(one, Judged) and one.passed for one in found] == [True] * 4 + [False]


def test_verdicts_come_in_the_order_of_the_lines(tmp_path: Path) -> None:
    lines = [line(f"a{i}", "This is diving." if i % 3 else "A cat.") for i in range(1100)]
    found = judged(lines, tmp_path)
    assert [item.id for item in found if isinstance(item, Judged)] == [f"a{i}" for i in range(1100)]
    assert [item.passed for item in found if isinstance(item, Judged)] == [
        bool(i % 3) for i in range(1100)
    ]


def test_every_label_of_a_line_has_its_verdict(tmp_path: Path) -> None:
    labels = {"kind": "class", "name": "diving"}, {"kind": "class", "name": "surfing"}
    both, one = judged(
        [line("a", "This is diving and surfing.", *labels), line("b", "This is diving.", *labels)],
        tmp_path,
    )
    assert isinstance(both, Judged)
    assert isinstance(one, Judged)
    assert (both.passed, one.passed) == (True, False)
    assert [verdict.reason for verdict in one.verdicts] == ["match", "no match"]


def test_classes_of_later_lines_are_known(tmp_path: Path) -> None:
    surf = {"kind": "class", "name": "surfing"}
    hedge = line("a", "This is diving and surfing.")
    alone = judged([hedge], tmp_path)[0]
    among = judged([hedge, line("b", "surfing", surf)], tmp_path)[0]
    assert isinstance(alone, Judged)
    assert isinstance(among, Judged)
    assert alone.passed
    assert among.verdicts[0].reason == "several classes"


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        (line("x", "a", question=None), "no question"),
        (line("x", "a", labels=None), "no labels"),
        (line("x", "a", id=None), "no id"),
        (line("x", "", answer=None), "no answer"),
        (line("x", "a", id=5), "id: "),
        (line("", "a"), "id: "),
        (line("x", "a", labels=[]), "labels: "),
        (line("x", "a", {"kind": "colour"}), "labels.0: unknown label kind 'colour'"),
        (line("x", "a", {"name": "diving"}), "labels.0: a label without a kind"),
        (line("x", "a", {"kind": "class"}), "no labels.0.class.name"),
        (line("x", "a", {"kind": "span", "start": 5, "end": 2}), "must be after start"),
        (line("first", "a"), "id 'first' is on an earlier line"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_judged(
    tmp_path: Path, bad: str, problem: str
) -> None:
    found = judged([line("first", "This is diving."), bad, line("last", "A cat.")], tmp_path)
    assert [type(item) for item in found] == [Judged, BadLine, Judged]
    assert isinstance(found[1], BadLine)
    assert found[1].number == 2
    assert problem in found[1].problem


def test_other_keys_and_blank_lines_are_left_alone(tmp_path: Path) -> None:
    found = judged(["", line("a", "This is diving.", model="mine"), "  "], tmp_path)
    assert [type(item) for item in found] == [Judged]


def test_bytes_that_are_no_utf8_are_a_bad_line(tmp_path: Path) -> None:
    raw = line("a", "This is diving.").encode() + b'\n{"id": "\xff"}\n'
    found = list(judge_lines(io.BytesIO(b"\xef\xbb\xbf" + raw), load_params(PARAMS), tmp_path))
    assert [type(item) for item in found] == [Judged, BadLine]


def test_the_command_prints_verdicts_and_names_bad_lines(tmp_path: Path) -> None:
    shutil.copy(PARAMS, tmp_path)
    text = "\n".join([line("a", "This is diving."), "{", line("b", "A cat.")])
    (tmp_path / "answers.jsonl").write_text(text)
    done = command("answers.jsonl", cwd=tmp_path)
    assert done.returncode == 1
    rows = [json.loads(row) for row in done.stdout.splitlines()]
    assert [(row["id"], row["passed"]) for row in rows] == [("a", True), ("b", False)]
    assert rows[0]["verdicts"][0]["extracted"] == "diving"
    assert "answers.jsonl: line 2: not JSON" in done.stderr
    assert "judged 2 answers, 1 passed, 0 doubtful, 1 bad lines" in done.stderr


def test_the_command_writes_a_file_and_reads_standard_input(tmp_path: Path) -> None:
    shutil.copy(PARAMS, tmp_path)
    done = command("-", "--out", "out/v.jsonl", cwd=tmp_path, stdin=line("a", "This is diving."))
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((tmp_path / "out" / "v.jsonl").read_text())["passed"]


def test_the_command_needs_a_workspace_and_a_file(tmp_path: Path) -> None:
    done = command("answers.jsonl", cwd=tmp_path)
    assert done.returncode == 2
    assert "a folder with params.yaml" in done.stderr
    shutil.copy(PARAMS, tmp_path)
    done = command("answers.jsonl", cwd=tmp_path)
    assert done.returncode == 3
    assert "answers.jsonl: there is no such file" in done.stderr
