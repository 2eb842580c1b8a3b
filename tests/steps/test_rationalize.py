"""rationalize: only samples without a passing answer are asked again, with their label."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from video_star.core.jsonl import read_shards, write_records, write_shards
from video_star.core.labels import ClassLabel, label_text
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import Answer, Failure, Verdict
from video_star.pipeline.runner import run_step


def verdict(number: int, passed: bool, attempt: int = 0) -> Verdict:
    return Verdict(
        sample_id=f"tiny/train-{number}",
        attempt=attempt,
        origin="direct",
        outcome="pass" if passed else "fail",
        passed=passed,
        has_line=False,
        reason="match" if passed else "no match",
        labels=(),
    )


def write_verdicts(workspace: Workspace, verdicts: list[Verdict]) -> None:
    write_shards(workspace.round("r1").verdicts, verdicts, lambda v: v.sample_id)


def rationales(workspace: Workspace) -> list[Answer]:
    run_step("rationalize", "r1", workspace, Silent())
    return list(read_shards(workspace.round("r1").rationales, Answer))


@pytest.fixture
def scripted(new_workspace: Callable[..., Workspace]) -> Workspace:
    workspace = new_workspace(settings__engine="scripted:script.json")
    rules = [
        {"prompt": "The answer is: clapping.", "text": "Told clapping."},
        {"prompt": "The answer is: ", "text": "Told another."},
        {"text": "Told nothing."},
    ]
    (workspace.root / "script.json").write_text(json.dumps(rules), encoding="utf-8")
    run_step("base", "r0", workspace, Silent())
    return workspace


def test_only_samples_without_a_passing_answer_are_asked(scripted: Workspace) -> None:
    write_verdicts(
        scripted,
        [verdict(i, passed=i > 4) for i in range(10)] + [verdict(2, passed=True, attempt=1)],
    )
    found = rationales(scripted)
    assert sorted(a.sample_id for a in found) == [f"tiny/train-{i}" for i in (0, 1, 3, 4)]
    assert {a.origin for a in found} == {"rationalized"}


def test_the_prompt_tells_the_label(scripted: Workspace) -> None:
    write_verdicts(scripted, [])
    texts = {a.sample_id: a.text for a in rationales(scripted)}
    assert texts["tiny/train-2"] == "Told clapping."
    assert texts["tiny/train-0"] == "Told another."
    assert len(texts) == 10


def test_samples_without_an_answer_are_left_out(scripted: Workspace) -> None:
    # generate could not use the video of train-2; later it failed, and so says of all.
    write_verdicts(scripted, [verdict(i, passed=False) for i in range(10) if i != 2])
    failures = [
        Failure(sample_id=f"tiny/train-{i}", step="generate", error="VideoError", message="x")
        for i in range(10)
    ]
    write_records(scripted.round("r1").failures("generate"), failures)
    found = {a.sample_id for a in rationales(scripted)}
    assert found == {f"tiny/train-{i}" for i in range(10) if i != 2}


def test_disabled_rationalization_writes_empty_shards(
    new_workspace: Callable[..., Workspace],
) -> None:
    workspace = new_workspace(rationalize__enabled=False)
    assert rationales(workspace) == []
    assert len(list(workspace.round("r1").rationales.iterdir())) == 16


def test_the_real_model_explains_with_other_seeds_than_it_answered(workspace: Workspace) -> None:
    run_step("base", "r0", workspace, Silent())
    run_step("generate", "r1", workspace, Silent())
    write_verdicts(workspace, [verdict(i, passed=i > 1) for i in range(10)])
    found = rationales(workspace)
    direct = {a.seed for a in read_shards(workspace.round("r1").answers, Answer)}
    assert len(found) == 2
    assert not {a.seed for a in found} & direct


def test_several_labels_are_told_in_order() -> None:
    labels = (ClassLabel(name="jumping"), ClassLabel(name="ice skating"))
    assert label_text(labels) == "jumping, ice skating"
