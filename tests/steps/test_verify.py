"""verify and verify-rationales on stored answers: verdicts, counts, zero yield."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from stored import run, store

from video_star.domain import Verdict
from video_star.errors import DataError, ZeroYield
from video_star.layout import Workspace
from video_star.manifest import read_manifest
from video_star.records import read_shards


def right(workspace: Workspace) -> dict[str, str]:
    return {s.id: f"This is {s.labels[0].name}." for s in read_manifest(workspace, "train")}


def test_an_answer_passes_when_it_names_the_label(workspace: Workspace) -> None:
    store(workspace, {**right(workspace), "tiny/train-0": "This is something new."})
    report = run(workspace)
    verdicts = {v.sample_id: v for v in read_shards(workspace.round("r1").verdicts, Verdict)}
    assert [name for name, v in verdicts.items() if not v.passed] == ["tiny/train-0"]
    assert (report.read, report.written, report.rejected) == (10, 10, 1)
    assert report.metrics["yield"] == 0.9


def test_a_verdict_says_where_the_label_stands(workspace: Workspace) -> None:
    store(workspace, right(workspace))
    run(workspace)
    verdict = next(iter(read_shards(workspace.round("r1").verdicts, Verdict)))
    label = verdict.labels[0]
    assert label.place is not None
    start, end = label.place
    assert right(workspace)[verdict.sample_id][start:end] == label.extracted
    assert label.threshold == 0.85


def test_another_threshold_needs_no_model(new_workspace: Callable[..., Workspace]) -> None:
    typed_wrong = {"tiny/train-2": "This is claping."}
    passed = []
    for name, threshold in (("strict", 1.0), ("shipped", 0.85)):
        workspace = new_workspace(name, verify__thresholds={"class_similarity": threshold})
        store(workspace, typed_wrong)
        run(workspace)
        passed += [v.passed for v in read_shards(workspace.round("r1").verdicts, Verdict)]
    assert passed == [False, True]


def test_an_explanation_that_only_repeats_the_hint_is_an_echo(workspace: Workspace) -> None:
    store(workspace, {})
    told = {name: f"The answer is: {text[8:]}" for name, text in right(workspace).items()}
    told["tiny/train-0"] = "The red square leaps up and lands again. This is jumping."
    store(workspace, told, "rationalized")
    run(workspace)
    report = run(workspace, "verify-rationales")
    assert report.reasons == {"echo": 9}


def test_a_round_without_any_yield_stops_and_shows_three_answers(workspace: Workspace) -> None:
    wrong = {s.id: "I see a dog." for s in read_manifest(workspace, "train")}
    store(workspace, wrong)
    store(workspace, wrong, "rationalized")
    run(workspace)
    with pytest.raises(ZeroYield) as caught:
        run(workspace, "verify-rationales")
    assert "kind class (threshold 0.85)" in str(caught.value)
    assert str(caught.value).count("I see a dog.") == 3


def test_a_round_without_yield_goes_on_when_asked_to(
    new_workspace: Callable[..., Workspace],
) -> None:
    workspace = new_workspace(verify__zero_yield="continue")
    wrong = {s.id: "I see a dog." for s in read_manifest(workspace, "train")}
    store(workspace, wrong)
    store(workspace, wrong, "rationalized")
    run(workspace)
    assert run(workspace, "verify-rationales").rejected == 10


def test_an_answer_to_an_unknown_sample_is_named(workspace: Workspace) -> None:
    store(workspace, {"tiny/gone": "This is jumping."})
    with pytest.raises(DataError, match="tiny/gone, which the manifest does not have"):
        run(workspace)


def test_the_same_answers_give_the_same_bytes(workspace: Workspace) -> None:
    store(workspace, right(workspace))
    folder = workspace.round("r1").verdicts
    seen = []
    for _ in range(2):
        run(workspace)
        seen.append({p.name: p.read_bytes() for p in sorted(folder.iterdir())})
    assert seen[0] == seen[1]
