"""The life of a sample: every fact of it against the files of the steps, read as a whole."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import tiny
import two_rounds

from video_star.cli.main import main
from video_star.cli.trace import print_life
from video_star.core.errors import DataError, UsageError
from video_star.core.jsonl import SHARDS, read_record, read_shards, shard_of
from video_star.core.paths import Workspace
from video_star.core.records import Answer, ModelRef, TrainingExample, Verdict
from video_star.data.manifest import read_manifest, write_manifest
from video_star.tracking.life import trace
from video_star.tracking.lives import Life

TRAIN = ("always", "lost", "found", "never")


def life(workspace: Workspace, sample_id: str) -> Life:
    return trace(tiny.context_of(workspace), sample_id)


def run(workspace: Workspace, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a command as in a terminal of 80 columns, in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        patch.dict(os.environ, {"VIDEO_STAR_HOME": str(workspace.root), "COLUMNS": "80"}),
        patch.object(sys, "argv", ["video-star", *args]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(args, code, out.getvalue(), err.getvalue())


def test_the_head_says_row_video_frames_and_prompts(lived_in: Workspace) -> None:
    own = life(lived_in, "mine/always")
    assert own.sample is not None
    assert own.sample.labels[0].kind == "class"
    assert own.sources == ("mine.csv",)
    assert [(row.file, row.line) for row in own.rows] == [("mine.csv", 2)]
    assert own.rows[0].text == "always,train-0.mp4,jumping,train"
    content = (lived_in.data / "clips" / "train-0.mp4").read_bytes()
    assert own.watched is not None
    assert own.watched.sha256 == hashlib.sha256(content).hexdigest()
    # Of twelve frames at 8 a second, four at 0, 11/3, 22/3 and 11: the nearest are 0, 4, 7 and 11.
    assert own.watched.times == (0.0, 4 / 8, 7 / 8, 11 / 8)
    assert own.watched.source == "frame cache"
    assert own.question is not None
    assert own.hint is not None
    assert "The answer is: jumping." in own.hint.text
    assert {one.answer.prompt_hash for r in own.rounds for one in r.answers} == {
        own.question.prompt_hash
    }


def test_the_hint_is_the_prompt_that_rationalize_asked(lived_in: Workspace) -> None:
    own = life(lived_in, "mine/never")
    assert own.hint is not None
    hashes = {one.answer.prompt_hash for r in own.rounds for one in r.rationales}
    assert hashes == {own.hint.prompt_hash}


def test_without_a_frame_cache_the_times_come_from_the_packets(copied: Workspace) -> None:
    shutil.rmtree(copied.frames)
    watched = life(copied, "mine/always").watched
    assert watched is not None
    assert (watched.source, watched.times) == ("packets", (0.0, 0.5, 0.875, 1.375))


def test_a_video_that_is_gone_or_no_video_is_a_fact_and_no_end(copied: Workspace) -> None:
    (copied.data / "clips" / "train-0.mp4").unlink()
    (copied.data / "clips" / "train-1.mp4").write_bytes(b"no video")
    for name in ("mine/always", "mine/lost"):
        watched = life(copied, name).watched
        assert watched is not None
        assert watched.source == "none"
        assert name.replace("mine/always", "train-0").replace("mine/lost", "train-1") in (
            watched.problem or ""
        )


@pytest.mark.parametrize("name", TRAIN)
def test_all_records_of_a_sample_are_found_and_no_others(lived_in: Workspace, name: str) -> None:
    own = life(lived_in, f"mine/{name}")
    for round_ in own.rounds[1:]:
        paths = lived_in.round(round_.round)
        for attempts, answers, verdicts in (
            (round_.answers, paths.answers, paths.verdicts),
            (round_.rationales, paths.rationales, paths.rationale_verdicts),
        ):
            assert [one.answer for one in attempts] == [
                a for a in read_shards(answers, Answer) if a.sample_id == own.id
            ]
            assert [one.verdict for one in attempts] == [
                v for v in read_shards(verdicts, Verdict) if v.sample_id == own.id
            ]
        assert list(round_.examples) == [
            e for e in read_shards(paths.train, TrainingExample) if e.sample_id == own.id
        ]


def test_how_each_sample_stands_in_each_round(lived_in: Workspace) -> None:
    stands = {
        name: [round_.standing for round_ in life(lived_in, f"mine/{name}").rounds]
        for name in TRAIN
    }
    assert stands == {
        "always": [None, "direct", "direct"],
        "lost": [None, "direct", "rejected"],
        "found": [None, "doubtful", "rationalized"],
        "never": [None, "rejected", "rejected"],
    }


def test_models_that_learned_from_it_are_named_with_their_digests(lived_in: Workspace) -> None:
    learners = [round_.learner for round_ in life(lived_in, "mine/lost").rounds]
    assert learners[0] is None
    assert learners[2] is None
    assert learners[1] is not None
    assert learners[1].examples == 8
    written = read_record(lived_in.round("r1").model_json, ModelRef)
    assert learners[1].model.tuned_digest == written.adapter_digest
    # The last round learns from direct answers only, so this explanation taught nothing.
    assert [round_.learner for round_ in life(lived_in, "mine/found").rounds] == [None] * 3


def test_a_model_that_goes_on_from_one_that_learned_from_it_is_named(copied: Workspace) -> None:
    two_rounds.change(copied, "finetune", start_from="previous")
    later = life(copied, "mine/lost").rounds[2].learner
    assert later is not None
    assert (later.examples, later.goes_on_from) == (0, "r1")


def test_a_test_sample_has_its_items_and_not_those_of_a_longer_id(lived_in: Workspace) -> None:
    own = life(lived_in, "mine/tested")
    taken = [(r.round, t.item_id, t.scores[0].value) for r in own.rounds for t in r.predictions]
    assert taken == [("r0", "mine/tested", 0), ("r1", "mine/tested", 1), ("r2", "mine/tested", 1)]
    assert own.rounds[1].predictions[0].prediction is not None
    assert "Answer: jumping" in own.rounds[1].predictions[0].prediction.text
    longer = life(lived_in, "mine/tested/longer").rounds[2].predictions
    assert [(taken.item_id, taken.scores[0].value) for taken in longer] == [
        ("mine/tested/longer", 0)
    ]


@pytest.mark.parametrize(
    ("name", "error"),
    [("mine/gone", "MissingVideo"), ("mine/bare", "EmptyLabel"), ("mine.csv:7", "EmptyLabel")],
)
def test_a_row_that_ingest_left_out_says_why(lived_in: Workspace, name: str, error: str) -> None:
    own = life(lived_in, name)
    assert own.sample is None
    assert [failure.error for failure in own.rounds[0].failures] == [error]


def test_failures_of_later_steps_are_those_of_the_sample(copied: Workspace) -> None:
    lines = [
        {"sample_id": name, "step": step, "error": "VideoError", "message": "it broke"}
        for name, step in (
            ("mine/tested", "generate"),
            ("mine/tested/longer", "generate"),
            ("held_out/mine/tested", "evaluate"),
            ("held_out/mine/tested/longer", "evaluate"),
            ("mine/testedly", "generate"),
        )
    ]
    path = copied.round("r1").failures("generate")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    failures = life(copied, "mine/tested").rounds[1].failures
    assert [own.sample_id for own in failures] == ["mine/tested", "held_out/mine/tested"]


def test_an_unknown_id_is_one_sentence_with_the_nearest(lived_in: Workspace) -> None:
    with pytest.raises(UsageError, match=r"'mine/alway'.*nearest ids are mine/always"):
        life(lived_in, "mine/alway")
    done = run(lived_in, "trace", "mine/alw\udcff\x1b[31m")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


def test_an_id_of_the_data_is_no_escape_sequence(copied: Workspace) -> None:
    samples = read_manifest(copied)
    write_manifest(copied, [samples[0].model_copy(update={"id": "mine/\x1b[31mred"}), *samples[1:]])
    done = run(copied, "trace", "mine/red")
    assert done.returncode == 2
    assert "mine/\\x1b[31mred" in done.stderr
    assert "\x1b" not in run(copied, "trace", "mine/\x1b[31mred").stdout


def test_a_word_of_messages_finds_no_failures(lived_in: Workspace) -> None:
    for name in ("mine/label", "row", "data", "mine/video"):
        with pytest.raises(UsageError):
            life(lived_in, name)


def test_a_held_out_recording_is_a_leak(copied: Workspace) -> None:
    samples = read_manifest(copied)
    source = next(own.source_id for own in samples if own.id == "mine/always")
    moved = [
        own.model_copy(update={"source_id": source}) if own.id == "mine/tested" else own
        for own in samples
    ]
    write_manifest(copied, moved)
    assert life(copied, "mine/always").leaks == ("clips/test-0.mp4 of mine",)
    assert life(copied, "mine/tested").leaks == ("clips/train-0.mp4 of mine",)
    assert life(copied, "mine/lost").leaks == ()


def test_a_video_of_a_benchmark_is_a_leak_by_its_content(copied: Workspace) -> None:
    raw: dict[str, Any] = {"annotations": "quiz", "suffixes": "official", "judge": None}
    two_rounds.change(copied, "evaluate", benchmarks={"tempcompass": raw})
    folder = copied.data / "quiz" / "videos"
    folder.mkdir(parents=True)
    shutil.copy(copied.data / "clips" / "train-0.mp4", folder / "1234567.mp4")
    assert life(copied, "mine/always").leaks == ("quiz/videos/1234567.mp4 of tempcompass",)


def test_only_the_shard_of_the_sample_is_read(copied: Workspace) -> None:
    whole = life(copied, "mine/lost")
    for name in SHARDS:
        if name != shard_of("mine/lost"):
            for path in (copied.root / "rounds").rglob(f"{name}.jsonl"):
                path.write_bytes(b"\xff damaged")
    assert life(copied, "mine/lost") == whole


def test_an_explanation_that_only_repeats_its_hint_is_shown_as_that(copied: Workspace) -> None:
    path = copied.round("r1").rationale_verdicts / f"{shard_of('mine/never')}.jsonl"
    verdicts = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    own = next(one for one in verdicts if one["sample_id"] == "mine/never")
    own |= {"outcome": "fail", "passed": False, "reason": "echo"}
    own["labels"][0] |= {"outcome": "pass", "passed": True, "reason": "match"}
    path.write_text("".join(f"{json.dumps(one)}\n" for one in verdicts), encoding="utf-8")
    said = run(copied, "trace", "mine/never").stdout
    assert re.search(r"explained\s+fail: echo\s*$", said, re.M)
    assert "pass: class, match" in said


def test_a_damaged_line_of_the_sample_is_named(copied: Workspace) -> None:
    path = copied.round("r1").answers / f"{shard_of('mine/lost')}.jsonl"
    path.write_text('{"sample_id": "mine/lost", "attempt": "many"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"answers/.\.jsonl:1: no valid Answer"):
        life(copied, "mine/lost")


def test_a_workspace_without_a_manifest_says_what_to_run(copied: Workspace) -> None:
    copied.manifest.unlink()
    done = run(copied, "trace", "mine/lost")
    assert done.returncode == 3
    assert "manifest.jsonl: cannot be read" in done.stderr
    assert done.stderr.count("\n") == 1


def test_texts_of_models_are_no_markup_and_move_no_cursor(lived_in: Workspace) -> None:
    shown = run(lived_in, "trace", "mine/never").stdout
    assert "It is [bold]never[/] \\x1b[31mred\\x1b[0m \\u202eesrever" in shown
    assert not {sign for sign in shown if not sign.isprintable()} - {"\n"}
    parsed = json.loads(run(lived_in, "trace", "mine/never", "--json").stdout)
    assert parsed["rounds"][1]["answers"][0]["answer"]["text"] == two_rounds.HOSTILE
    assert Life.model_validate(parsed) == life(lived_in, "mine/never")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(
    lived_in: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    width: int,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for name in (*TRAIN, "tested"):
        print_life(life(lived_in, f"mine/{name}"))
    assert max(map(len, capsys.readouterr().out.splitlines())) <= width


def test_a_terminal_without_unicode_is_told_the_same(lived_in: Workspace) -> None:
    done = tiny.video_star(
        "trace", "mine/never", cwd=lived_in.root, COLUMNS="80", PYTHONIOENCODING="ascii"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1] == "-" * 80
    assert "It is [bold]never[/]" in done.stdout


def test_an_answer_to_another_prompt_than_that_of_now_says_so(copied: Workspace) -> None:
    assert "in other words" not in run(copied, "trace", "mine/lost").stdout
    two_rounds.change(copied, "prompts", final_line=False)
    assert "asked in other words than above" in run(copied, "trace", "mine/lost").stdout


def test_nothing_slow_is_imported(lived_in: Workspace) -> None:
    code = (
        "import sys; sys.argv = ['video-star', 'trace', 'mine/lost', '--json']\n"
        "from video_star.cli.main import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "slow = {'torch', 'transformers', 'mlflow', 'prefect', 'dvc', 'scipy', 'pandas'}\n"
        "sys.exit(' '.join(slow & {*sys.modules}) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=lived_in.root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(json.loads(done.stdout)["sample"]["video"]).name == "train-1.mp4"
