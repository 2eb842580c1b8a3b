"""curate: which answers become training conversations, in which forms, and what never does."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stored import run, store
from tiny import tiny_samples

from video_star.core.errors import DataError, VideoStarError
from video_star.core.jsonl import read_shards
from video_star.core.labels import ClassLabel
from video_star.core.paths import Workspace
from video_star.core.prompts import BEST_OPTION, EXPLAIN
from video_star.core.records import Origin, StepReport, TrainingExample
from video_star.data.manifest import read_manifest
from video_star.pipeline.steps.curate import Kept, _capped

SEEN = "The square moves."
REQUEST = 'End with a last line "Answer: <name>".'


def answers(workspace: Workspace, direct: int) -> None:
    """The first `direct` samples are answered rightly, the others only once they are told."""
    samples = read_manifest(workspace, "train")
    texts = {s.id: f"{SEEN} This is {s.labels[0].name}. Then it ends." for s in samples}
    names = sorted(texts)
    store(workspace, {n: texts[n] if n in names[:direct] else "No idea." for n in names})
    store(workspace, {n: texts[n] for n in names[direct:]}, "rationalized")
    run(workspace)
    run(workspace, "verify-rationales")


def curate(
    workspace: Workspace, round_name: str = "r1"
) -> tuple[StepReport, list[TrainingExample]]:
    report = run(workspace, "curate", round_name)
    return report, list(read_shards(workspace.round(round_name).train, TrainingExample))


def test_each_passing_sample_is_kept_once_in_every_form(workspace: Workspace) -> None:
    answers(workspace, direct=4)
    report, examples = curate(workspace)
    assert report.metrics["kept"] == 10
    assert report.metrics["direct_yield"] == pytest.approx(0.4)
    assert report.metrics["rationalized_yield"] == pytest.approx(0.6)
    forms = Counter(example.form for example in examples)
    assert forms == {
        "direct": 10,
        "chain_of_thought": 10,
        "multiple_choice": 20,
        "yes_no": 40,
    }


def test_no_stored_question_contains_the_hint(workspace: Workspace) -> None:
    answers(workspace, direct=0)
    _, examples = curate(workspace)
    names = {s.id: s.labels[0].name for s in read_manifest(workspace, "train")}
    for example in examples:
        assert "The answer is" not in example.prompt
        if example.form in ("direct", "chain_of_thought"):
            assert names[example.sample_id] not in example.prompt


def test_the_direct_form_is_the_sentence_that_names_the_label(workspace: Workspace) -> None:
    answers(workspace, direct=10)
    _, examples = curate(workspace)
    names = {s.id: s.labels[0].name for s in read_manifest(workspace, "train")}
    for example in examples:
        if example.form == "direct":
            assert example.completion == f"This is {names[example.sample_id]}."
        if example.form == "chain_of_thought":
            assert example.prompt.endswith(f"{EXPLAIN}\n{REQUEST}")
            assert example.completion.startswith(SEEN)


def test_a_final_line_stays_in_the_chain_of_thought_and_not_in_the_direct_form(
    workspace: Workspace,
) -> None:
    names = {s.id: s.labels[0].name for s in read_manifest(workspace, "train")}
    texts = {n: f"{SEEN}\nAnswer: {name}" for n, name in names.items()}
    texts["tiny/train-0"] = "It moves. It is jumping up. It lands.\nAnswer: jumping"
    store(workspace, texts)
    store(workspace, {}, "rationalized")
    assert run(workspace).metrics["line_share"] == 1
    run(workspace, "verify-rationales")
    found = {(e.sample_id, e.form): e.completion for e in curate(workspace)[1]}
    for name, text in texts.items():
        assert found[name, "chain_of_thought"] == text
        if name != "tiny/train-0":
            assert found[name, "direct"] == names[name]
    assert found["tiny/train-0", "direct"] == "It is jumping up."


def test_without_the_request_the_prompts_are_those_of_the_paper(
    new_workspace: Callable[..., Workspace],
) -> None:
    workspace = new_workspace(prompts__final_line=False)
    answers(workspace, direct=10)
    asked = {e.prompt for e in curate(workspace)[1] if e.form == "chain_of_thought"}
    assert all(prompt.endswith(f"\n{EXPLAIN}") for prompt in asked)


def test_a_choice_has_the_right_option_once_and_answers_with_its_line(workspace: Workspace) -> None:
    answers(workspace, direct=10)
    _, examples = curate(workspace)
    names = {s.id: s.labels[0].name for s in read_manifest(workspace, "train")}
    letters = Counter()
    for example in (e for e in examples if e.form == "multiple_choice"):
        lines = example.prompt.splitlines()
        assert lines[-1] == BEST_OPTION
        right = [line for line in lines[1:-1] if line[3:] == names[example.sample_id]]
        assert [example.completion] == right
        letters[example.completion[0]] += 1
    assert len(letters) > 1


def test_choices_of_one_sample_differ_and_yes_is_as_frequent_as_no(workspace: Workspace) -> None:
    answers(workspace, direct=10)
    _, examples = curate(workspace)
    choices = {e.prompt for e in examples if e.form == "multiple_choice"}
    assert len(choices) > 10
    said = Counter(e.completion for e in examples if e.form == "yes_no")
    assert said == {"yes": 20, "no": 20}
    names = {s.id: s.labels[0].name for s in read_manifest(workspace, "train")}
    for example in (e for e in examples if e.form == "yes_no"):
        assert (names[example.sample_id] in example.prompt) == (example.completion == "yes")


def test_the_last_round_trains_on_direct_answers_only(workspace: Workspace) -> None:
    answers(workspace, direct=4)
    shutil.copytree(workspace.round("r1").folder, workspace.round("r2").folder)
    report, examples = curate(workspace, "r2")
    assert report.metrics["kept"] == 4
    assert report.metrics["rationalized_yield"] == pytest.approx(0.6)
    assert {example.origin for example in examples} == {"direct"}


def test_the_last_round_takes_all_when_asked_to(new_workspace: Callable[..., Workspace]) -> None:
    workspace = new_workspace(curate__final_round="all")
    answers(workspace, direct=4)
    shutil.copytree(workspace.round("r1").folder, workspace.round("r2").folder)
    assert curate(workspace, "r2")[0].metrics["kept"] == 10


def test_a_cap_per_label_prefers_direct_answers(new_workspace: Callable[..., Workspace]) -> None:
    workspace = new_workspace(curate__cap_per_label=1)
    answers(workspace, direct=4)
    report, examples = curate(workspace)
    assert report.metrics["kept"] == 4
    assert {example.origin for example in examples} == {"direct"}


def test_a_cap_tells_a_label_from_one_that_begins_like_it(tmp_path: Path) -> None:
    names = ("walking", "walking\x1f1", "walking")
    origins: tuple[Origin, ...] = ("direct", "direct", "rationalized")
    kept = [
        Kept(sample=sample.model_copy(update=label), text="x", short="x", origin=origin)
        for sample, name, origin in zip(tiny_samples(3), names, origins, strict=True)
        for label in [{"labels": (ClassLabel(name=name),)}]
    ]
    assert list(_capped(iter(kept), 1, 17, tmp_path)) == kept[:2]


def test_labels_alone_give_template_answers(new_workspace: Callable[..., Workspace]) -> None:
    workspace = new_workspace(curate__source="labels")
    answers(workspace, direct=0)
    report, examples = curate(workspace)
    assert report.metrics["kept"] == 10
    assert {example.form for example in examples} == {"direct", "multiple_choice", "yes_no"}
    assert {example.origin for example in examples} == {None}


def test_nothing_to_train_on_is_said(new_workspace: Callable[..., Workspace]) -> None:
    workspace = new_workspace(zero_yield="continue")
    store(workspace, {s.id: "No idea." for s in read_manifest(workspace, "train")})
    store(workspace, {}, "rationalized")
    run(workspace)
    run(workspace, "verify-rationales")
    with pytest.raises(VideoStarError, match="no answer passed"):
        curate(workspace)


def replay_file(workspace: Workspace, entries: list[dict[str, Any]]) -> None:
    (workspace.data / "other.json").write_text(json.dumps(entries))


def entry(name: str, video: str = "train-0.mp4") -> dict[str, Any]:
    turns = [{"from": "human", "value": "<video>\nWhat moves?"}, {"from": "gpt", "value": "A box."}]
    return {"id": name, "video": video, "conversations": turns}


REPLAY = {"annotations": "other.json", "videos": "clips", "share": 0.25}


def test_replayed_examples_have_their_share(new_workspace: Callable[..., Workspace]) -> None:
    workspace = new_workspace(curate__replay=REPLAY)
    replay_file(workspace, [entry(str(i)) for i in range(100)])
    answers(workspace, direct=10)
    _, examples = curate(workspace)
    replayed = [example for example in examples if example.form == "replay"]
    assert len(replayed) / len(examples) == pytest.approx(0.25, abs=0.01)
    assert replayed[0].prompt == "What moves?"
    assert replayed[0].video == "clips/train-0.mp4"


def test_a_missing_replay_file_says_what_to_change(new_workspace: Callable[..., Workspace]) -> None:
    workspace = new_workspace(curate__replay=REPLAY)
    answers(workspace, direct=10)
    with pytest.raises(DataError, match=r"correct curate\.replay or set it to null"):
        curate(workspace)
