"""generate: all training samples answered, nothing asked twice, broken videos counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
import yaml

from video_star.core.errors import DataError, TooManyFailures
from video_star.core.jsonl import SHARDS, read_records, read_shards
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import Answer, Failure
from video_star.data.manifest import read_manifest, write_manifest
from video_star.pipeline.runner import run_step


def answers_of(workspace: Workspace) -> list[Answer]:
    return list(read_shards(workspace.round("r1").answers, Answer))


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def run(workspace: Workspace, *steps: str) -> None:
    for step in steps:
        run_step(step, "r0" if step == "base" else "r1", workspace, Silent())


@pytest.fixture
def scripted(new_workspace: Callable[..., Workspace]) -> Workspace:
    workspace = new_workspace(settings__engine="scripted:script.json")
    rules = [
        {"video": "train-3", "text": "It is surfing."},
        {"prompt": "The answer is", "text": "Because of the label."},
        {"text": "Something moves."},
    ]
    (workspace.root / "script.json").write_text(json.dumps(rules), encoding="utf-8")
    return workspace


def test_every_training_sample_is_answered_once_per_attempt(workspace: Workspace) -> None:
    run(workspace, "base", "generate")
    found = {(a.sample_id, a.attempt) for a in answers_of(workspace)}
    assert found == {(f"tiny/train-{i}", k) for i in range(10) for k in range(2)}
    assert {a.origin for a in answers_of(workspace)} == {"direct"}
    for shard in workspace.round("r1").answers.iterdir():
        keys = [(a.sample_id, a.attempt) for a in read_records(shard, Answer)]
        assert keys == sorted(keys)
    assert len({a.seed for a in answers_of(workspace)}) == 20


def test_a_video_that_breaks_off_is_read_and_named_in_the_report(scripted: Workspace) -> None:
    lost = scripted.data / "clips" / "train-4.mp4"
    lost.write_bytes(lost.read_bytes().replace(b"avc1", b"zzzz"))
    torn = tiny.write_clip(lost.with_name("5.mkv"), tiny.moving_square(5), g="1", bf="0")
    content = torn.read_bytes()
    torn.with_name("train-5.mp4").write_bytes(content[: len(content) // 2])
    changed = yaml.safe_load(scripted.params.read_text(encoding="utf-8"))
    changed["max_failure_rate"] = 0.2
    scripted.params.write_text(yaml.safe_dump(changed), encoding="utf-8")
    for _ in range(2):  # the second time all answers are known
        run(scripted, "base", "generate")
        report = json.loads(scripted.round("r1").report("generate").read_text(encoding="utf-8"))
        assert report["failed"] == 1
        assert report["reasons"] == {"VideoError": 1}
        (note,) = report["notes"]
        assert note.startswith("clips/train-5.mp4 ends at ")
        assert note.endswith("it was read as far as it goes.")


def test_the_scripted_engine_answers_by_rule_and_is_named_in_the_report(
    scripted: Workspace,
) -> None:
    run(scripted, "base", "generate")
    texts = {a.sample_id: a.text for a in answers_of(scripted)}
    assert texts["tiny/train-3"] == "It is surfing."
    assert texts["tiny/train-4"] == "Something moves."
    report = json.loads(scripted.round("r1").report("generate").read_text(encoding="utf-8"))
    assert report["engine"] == "scripted:script.json"
    assert "notes" not in report
    usual = yaml.safe_load(scripted.params.read_text())
    usual["settings"]["engine"] = "transformers"
    scripted.params.write_text(yaml.safe_dump(usual))
    run(scripted, "generate")
    assert "engine" not in scripted.round("r1").report("generate").read_text(encoding="utf-8")


def test_a_second_run_gives_the_same_bytes_from_the_store(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(workspace, "base", "generate")
    first = folder_bytes(workspace.round("r1").answers)
    monkeypatch.setattr("video_star.generation.transformers.load", None)  # calling it: TypeError
    run(workspace, "generate")
    assert folder_bytes(workspace.round("r1").answers) == first


def test_answers_do_not_depend_on_the_batch_size(new_workspace: Callable[..., Workspace]) -> None:
    texts = []
    for size in (2, 16):
        workspace = new_workspace(name=f"ws{size}", settings__batch_size=size)
        run(workspace, "base", "generate")
        texts.append([a.text for a in answers_of(workspace)])
    assert texts[0] == texts[1]


def test_a_changed_seed_changes_answers_and_a_changed_setting_does_not(
    new_workspace: Callable[..., Workspace],
) -> None:
    workspaces = [new_workspace("a"), new_workspace("b", seed=18), new_workspace("c")]
    for workspace in workspaces:
        run(workspace, "base", "generate")
    a, b, c = ([x.text for x in answers_of(w)] for w in workspaces)
    assert a != b
    assert a == c


def test_an_unreadable_video_is_a_counted_failure(new_workspace: Callable[..., Workspace]) -> None:
    workspace = new_workspace(max_failure_rate=0.5)
    workspace.video("clips/train-1.mp4").write_bytes(b"")
    workspace.video("clips/train-2.mp4").unlink()
    run(workspace, "base", "generate")
    failures = list(read_records(workspace.round("r1").failures("generate"), Failure))
    assert [f.sample_id for f in failures] == ["tiny/train-1", "tiny/train-2"]
    assert {f.error for f in failures} == {"VideoError"}
    report = json.loads(workspace.round("r1").report("generate").read_text())
    assert (report["read"], report["written"], report["failed"]) == (10, 16, 2)


def test_too_many_unreadable_videos_stop_the_step_and_leave_its_answers(
    workspace: Workspace,
) -> None:
    run(workspace, "base", "generate")
    before = answers_of(workspace)
    workspace.video("clips/train-1.mp4").write_bytes(b"no video")
    with pytest.raises(TooManyFailures, match="1 of 10 samples failed"):
        run(workspace, "generate")
    assert answers_of(workspace) == before


@pytest.mark.parametrize("step", ["generate", "rationalize", "curate"])
def test_a_manifest_without_training_samples_is_refused(workspace: Workspace, step: str) -> None:
    run(workspace, "base")
    workspace.round("r1").verdicts.mkdir(parents=True)
    for shard in SHARDS:
        (workspace.round("r1").verdicts / f"{shard}.jsonl").touch()
    write_manifest(workspace, read_manifest(workspace, "test"))
    with pytest.raises(DataError, match="has no training sample; look at `video-star ingest`"):
        run(workspace, step)


def test_disabled_generation_writes_empty_shards(new_workspace: Callable[..., Workspace]) -> None:
    workspace = new_workspace(generate__enabled=False)
    run(workspace, "base", "generate")
    assert answers_of(workspace) == []
    assert len(list(workspace.round("r1").answers.iterdir())) == 16


def test_a_missing_model_reference_is_named(workspace: Workspace) -> None:
    with pytest.raises(DataError, match=r"model\.json: does not exist; run `base` of r0 first"):
        run(workspace, "generate")
