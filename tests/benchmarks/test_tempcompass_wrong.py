"""Wrong answer files are refused, and everything that is wrong with them is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import official_world as world
import pytest

from video_star.core.errors import DataError


def test_other_files_are_named_as_not_read(questions: Path, answers: Path) -> None:
    (answers / "notes.md").write_text("# my run\n")
    (answers / "scores.jsonl").write_text('{"item_id": "a"}\n{"item_id": "b"}\n')
    (answers / "table.pkl").write_bytes(b"\x80\x04\x95\x00")
    report = world.scored(questions, answers).report
    assert report["ignored_files"] == ["notes.md", "scores.jsonl", "table.pkl"]
    assert not report["problems"]


def test_the_same_answers_in_two_files_are_noted_and_other_ones_refused(
    questions: Path, answers: Path
) -> None:
    copy = answers / "z_copy.json"
    copy.write_text((answers / "caption_matching.json").read_text())
    scored = world.scored(questions, answers)
    assert not scored.stopping
    assert scored.report["notes"] == [
        "1 answers of z_copy.json stand in caption_matching.json already"
    ]
    world.change(copy, lambda content: content["7"]["order"][0].update(prediction="Caption B"))
    scored = world.scored(questions, answers)
    assert scored.stopping
    assert [(p.kind, p.where) for p in scored.problems] == [("twice", "caption_matching/7/order/0")]


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda own: own["direction"].pop(), "missing yes_no/7/direction/2"),
        (lambda own: own["direction"][2].update(prediction=None), "missing yes_no/7/direction/2"),
        (lambda own: own.update(smell=own["direction"][2:]), "unknown yes_no.json 7/smell/0"),
        (lambda own: own["direction"].extend(own["direction"][2:]), "twice yes_no/7/direction/2"),
        (lambda own: own["direction"][2].update(question="x?"), "question yes_no/7/direction/2"),
        (lambda own: own["direction"][2].update(answer="yes"), "answer yes_no/7/direction/2"),
        (
            lambda own: own["direction"][2].update(prediction=1),
            "malformed yes_no.json 7/direction/2",
        ),
    ],
)
def test_a_wrong_answer_file_is_refused_item_by_item(
    questions: Path, answers: Path, edit: Any, named: str
) -> None:
    world.change(answers / "yes_no.json", lambda content: edit(content["7"]))
    scored = world.scored(questions, answers)
    assert scored.stopping
    assert [f"{p.kind} {p.where}" for p in scored.problems] == [named]
    assert (scored.report["accuracy"], scored.report["items"]) == (None, [])
    assert len(scored.report["problems"]) == 1
    allowed = world.scored(questions, answers, allow_missing=True)
    assert bool(allowed.stopping) == (not named.startswith("missing"))


def test_a_video_that_stands_twice_in_a_file_is_not_dropped_in_silence(
    questions: Path, answers: Path
) -> None:
    path = answers / "caption_matching.json"
    content = json.loads(path.read_text())["7"]
    path.write_text(f'{{"7": {json.dumps(content)}, "7": {json.dumps(content)}}}')
    (problem,) = world.scored(questions, answers).problems
    assert (problem.kind, problem.where) == ("twice", "caption_matching.json")
    assert "'7' stands twice" in problem.what


def test_a_caption_file_may_name_another_truth_as_captions_are_not_scored_by_it(
    questions: Path, answers: Path
) -> None:
    def other(content: Any) -> None:
        content["7"]["order"][1]["answer"] = "A. other"

    world.change(answers / "captioning.json", other)
    assert not world.scored(questions, answers).problems


@pytest.mark.parametrize("name", ["yes_no.json", "lmms", "table"])
def test_a_truncated_file_is_named_and_so_is_what_it_lacks_of_a_task(
    questions: Path, answers: Path, tmp_path: Path, name: str
) -> None:
    path = answers / name
    if name != "yes_no.json":
        (answers / "yes_no.json").unlink()
        folder = tmp_path / "other"
        world.write_lmms(folder, world.lmms_lines())
        source = folder / "20240910_samples_tempcompass_yes_no.jsonl"
        if name == "table":
            rows = [row for row in world.table_rows() if row["task_type"] == "yes_no"]
            source = world.write_table(folder / "yes_no.tsv", rows)
        path = answers / source.name
        path.write_bytes(source.read_bytes())
    path.write_bytes(path.read_bytes()[:-12])
    scored = world.scored(questions, answers)
    first, *rest = scored.problems
    assert first.kind == "unreadable"
    assert path.name in first.where
    assert {problem.kind for problem in rest} <= {"missing"}
    assert {p.where.split("/")[0] for p in rest} <= {"yes_no"}
    assert bool(rest) is (name != "yes_no.json")
    absent = "yes_no: no file has an answer to any of its 4 questions, so it is absent"
    assert (absent in scored.report["notes"]) is (name == "yes_no.json")
    assert world.scored(questions, answers, allow_missing=True).stopping


def test_folders_without_answers_say_what_is_read(questions: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        world.scored(questions, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no file"):
        world.scored(questions, tmp_path / "empty")
    (tmp_path / "empty" / "a.md").write_text("none")
    with pytest.raises(DataError, match="none of its files"):
        world.scored(questions, tmp_path / "empty")
