"""What the system refuses, and garbage in files of our own: one sentence, nothing left over."""

from __future__ import annotations

import errno
import gc
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from video_star.cli import main as cli
from video_star.core.paths import Workspace
from video_star.generation import store

DEEP = b"[" * 100_000
GARBAGE = {"not UTF-8": b"\xff\xfe", "another type": b"5\n", "nested": DEEP, "empty": b""}
FILES = {
    "rounds/manifest.jsonl": "generate r1",
    "rounds/r0/model/model.json": "generate r1",
    "rounds/r1/answers/a.jsonl": "verify r1",
    "rounds/r0/metrics.json": "rounds",
    "params.yaml": "verify r1",
}


@pytest.fixture
def run(
    new_workspace: Callable[..., Workspace],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[str], tuple[int, str]]:
    """Run a command line in a workspace with two rounds' worth of files; exit code and stderr."""
    workspace = new_workspace(settings__engine="scripted:script.json")
    (workspace.root / "script.json").write_text('[{"text": "This is jumping."}]')
    monkeypatch.chdir(workspace.root)
    monkeypatch.delenv("VIDEO_STAR_HOME", raising=False)

    def run(command: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["video-star", *command.split()])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), capsys.readouterr().err

    for command in ("base", "generate r1", "verify r1"):
        assert run(command)[0] == 0
    return run


def is_one_sentence(text: str) -> bool:
    """Whether what follows the lines of progress is one."""
    _, mark, sentence = text.partition("error: ")
    return mark != "" and sentence.count("\n") == 1 and len(sentence) < 1000


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("name", FILES)
def test_garbage_in_a_file_of_ours_is_named(
    run: Callable[[str], tuple[int, str]], name: str, content: bytes
) -> None:
    if content == b"" and name.endswith(".jsonl"):
        pytest.skip("a file without lines is one without records")
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    code, text = run(FILES[name])
    assert code in (2, 3)
    assert is_one_sentence(text), text
    assert path.name in text


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("name", [".work/frames/notes.jsonl", ".work/frames/sha256.sqlite"])
def test_garbage_in_what_is_kept_to_save_time_costs_time_only(
    run: Callable[[str], tuple[int, str]], name: str, content: bytes
) -> None:
    before = Path("rounds/r1/answers/a.jsonl").read_bytes()
    Path(name).write_bytes(content)
    assert run("generate r1 --force")[0] == 0
    assert Path("rounds/r1/answers/a.jsonl").read_bytes() == before


def test_an_answer_store_that_is_none_is_named(run: Callable[[str], tuple[int, str]]) -> None:
    (path,) = Path(".work/answers").glob("*.sqlite")
    for leftover in Path(".work/answers").glob("*-*"):
        leftover.unlink()
    path.write_bytes(DEEP)
    code, text = run("generate r1 --force")
    assert code == 3
    assert is_one_sentence(text)
    assert "delete it, its answers are asked again" in text


def test_a_locked_answer_store_is_named(
    run: Callable[[str], tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BUSY_S", 0.1)
    gc.collect()  # closes what the commands before have opened
    (path,) = Path(".work/answers").glob("*.sqlite")
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        code, text = run("generate r1 --force")
    assert code == 1
    assert is_one_sentence(text)
    assert "database is locked; stop the program that holds it" in text


@pytest.mark.parametrize(
    ("number", "way_out"),
    [(errno.ENOSPC, "free some space"), (errno.EROFS, "make it writable"), (errno.EIO, "correct")],
)
def test_a_write_that_fails_leaves_the_last_result_and_nothing_else(
    run: Callable[[str], tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    way_out: str,
) -> None:
    before = {path: path.read_bytes() for path in Path("rounds/r1/verdicts").rglob("*.jsonl")}

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    code, text = run("verify r1 --force")
    assert code == 1
    assert is_one_sentence(text)
    assert way_out in text
    assert "rounds/r1" in text
    assert not list(Path().rglob("*.part"))
    assert {path: path.read_bytes() for path in Path("rounds/r1/verdicts").rglob("*.jsonl")} == (
        before
    )


@pytest.mark.parametrize("name", ["rounds/r1/reports/verify.json", "rounds/r1/verdicts"])
def test_a_folder_for_a_file_and_a_file_for_a_folder_are_named(
    run: Callable[[str], tuple[int, str]], name: str
) -> None:
    path = Path(name)
    kept = path.is_dir()
    path.rename("elsewhere")
    if kept:
        path.touch()
    else:
        (path / "inside").mkdir(parents=True)
    code, text = run("verify r1 --force")
    assert code == 1
    assert is_one_sentence(text)
    assert path.name in text
    assert "move the" in text


def test_an_interrupted_command_says_how_to_go_on(
    run: Callable[[str], tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("video_star.pipeline.runner.run_step", interrupt)
    code, text = run("verify r1")
    assert code == 130
    assert text == "interrupted; the same command goes on where it stopped.\n"
