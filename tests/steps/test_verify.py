"""verify and verify-rationales on stored answers: verdicts, counts, zero yield."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from chat_server import Answer as Answered
from chat_server import said, serve
from stored import run, store

from video_star.core.errors import DataError, ZeroYield
from video_star.core.jsonl import read_shards, write_shards
from video_star.core.labels import ClassLabel, Label, TextLabel
from video_star.core.paths import Workspace
from video_star.core.records import Answer, Verdict
from video_star.data.manifest import read_manifest, write_manifest
from video_star.pipeline.runner import run_step
from video_star.pipeline.steps import verify


class Notes:
    """Keeps what a step tells."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.updates: list[tuple[int, int]] = []

    def update(self, done: int, total: int, what: str) -> None:
        self.updates.append((done, total))

    def note(self, message: str) -> None:
        self.told.append(message)


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
    typed_wrong = {"tiny/train-2": "In this clip somebody is claping with both hands."}
    passed = []
    for name, threshold in (("strict", 1.0), ("shipped", 0.85)):
        workspace = new_workspace(name, verify__thresholds={"class_similarity": threshold})
        store(workspace, typed_wrong)
        run(workspace)
        passed += [v.passed for v in read_shards(workspace.round("r1").verdicts, Verdict)]
    assert passed == [False, True]


def test_an_explanation_that_only_repeats_the_hint_is_an_echo(
    new_workspace: Callable[..., Workspace],
) -> None:
    workspace = new_workspace(generate__enabled=False)
    store(workspace, {})
    told = {name: f"The answer is: {text[8:]}" for name, text in right(workspace).items()}
    told["tiny/train-0"] = "The red square leaps up and lands again. This is jumping."
    store(workspace, told, "rationalized")
    run(workspace)
    report = run(workspace, "verify-rationales")
    assert report.reasons == {"echo": 9}


def test_a_round_without_yield_goes_on_when_asked_to(
    new_workspace: Callable[..., Workspace],
) -> None:
    workspace = new_workspace(zero_yield="continue")
    wrong = {s.id: "I see a dog." for s in read_manifest(workspace, "train")}
    store(workspace, wrong)
    store(workspace, wrong, "rationalized")
    run(workspace)
    notes = Notes()
    report = run_step("verify-rationales", "r1", workspace, notes)
    assert report.rejected == 10
    (note,) = notes.told
    assert "kind class (threshold 0.5)" in note
    assert note.count("I see a dog.") == 3


def test_an_answer_to_an_unknown_sample_is_named(workspace: Workspace) -> None:
    store(workspace, {"tiny/gone": "This is jumping."})
    with pytest.raises(DataError, match="tiny/gone, which the manifest does not have"):
        run(workspace)


DOOR = TextLabel(text="The person opens the door.")


def relabel(workspace: Workspace, labels: dict[str, tuple[Label, ...]]) -> None:
    """Give some samples other labels."""
    samples = read_manifest(workspace)
    write_manifest(
        workspace, [s.model_copy(update={"labels": labels.get(s.id, s.labels)}) for s in samples]
    )


def test_yield_is_told_per_label_kind(workspace: Workspace) -> None:
    both = ClassLabel(name="opening door"), DOOR
    relabel(workspace, {"tiny/train-0": (DOOR,), "tiny/train-1": (DOOR,), "tiny/train-2": both})
    texts = {s.id: f"This is {s.labels[0].name}." for s in read_manifest(workspace, "train")[3:]}
    texts["tiny/train-0"] = "A man is opening a door."
    texts["tiny/train-1"] = "A dog runs."
    texts["tiny/train-2"] = "A man is opening a door."
    store(workspace, texts)
    report = run(workspace)
    assert report.metrics == {
        "yield": 0.9,
        "yield/class": 1.0,
        "yield/text": pytest.approx(2 / 3),
        "line_share": 0.0,
        "fail/text": 1,
        "pass/class": 8,
        "pass/text": 2,
    }


def test_every_kind_without_yield_is_named_with_its_threshold_and_answers(
    workspace: Workspace,
) -> None:
    names = [f"tiny/train-{i}" for i in range(4)]
    relabel(workspace, dict.fromkeys(names, (DOOR,)))
    wrong = {s.id: "I see a dog." for s in read_manifest(workspace, "train")}
    for kinds in (["class", "text"], ["text"]):
        texts = wrong if len(kinds) == 2 else {**wrong, "tiny/train-5": "This is surfing."}
        store(workspace, texts)
        store(workspace, wrong, "rationalized")
        run(workspace)
        with pytest.raises(ZeroYield) as caught:
            run(workspace, "verify-rationales")
        message = str(caught.value)
        assert ("kind class (threshold 0.5)" in message) == ("class" in kinds)
        assert "kind text (threshold 0.43)" in message
        assert message.count("I see a dog.") == 3 * len(kinds)


def test_a_kind_whose_direct_answers_pass_has_a_yield(workspace: Workspace) -> None:
    store(workspace, right(workspace))
    store(workspace, {"tiny/train-0": "I see a dog."}, "rationalized")
    run(workspace)
    assert run(workspace, "verify-rationales").rejected == 1


def test_a_round_in_which_nothing_was_asked_is_no_zero_yield(
    new_workspace: Callable[..., Workspace],
) -> None:
    workspace = new_workspace(generate__enabled=False)
    store(workspace, {})
    store(workspace, {}, "rationalized")
    run(workspace)
    assert run(workspace, "verify-rationales").metrics == {"yield": 0.0}


def test_several_attempts_are_one_sample_and_keep_their_order(workspace: Workspace) -> None:
    texts = ["I see a dog.", "This is jumping.", "Nothing."]
    answers = [
        Answer(
            sample_id="tiny/train-0",
            attempt=attempt,
            origin="direct",
            prompt_hash="0" * 16,
            text=text,
            finish_reason="stop",
            n_tokens=5,
            seed=1,
        )
        for attempt, text in enumerate(texts)
    ]
    write_shards(workspace.round("r1").answers, answers, lambda answer: answer.sample_id)
    report = run(workspace)
    assert (report.read, report.metrics["yield"]) == (3, 1.0)
    verdicts = list(read_shards(workspace.round("r1").verdicts, Verdict))
    assert [(v.attempt, v.passed) for v in verdicts] == [(0, False), (1, True), (2, False)]


def test_chunks_change_no_byte(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    store(workspace, right(workspace))
    seen = []
    for size in (512, 3):
        monkeypatch.setattr(verify, "CHUNK", size)
        run(workspace)
        folder = workspace.round("r1").verdicts
        seen.append({p.name: p.read_bytes() for p in sorted(folder.iterdir())})
    assert seen[0] == seen[1]


def test_progress_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "CHUNK", 4)
    store(workspace, right(workspace))
    notes = Notes()
    run_step("verify", "r1", workspace, notes)
    assert notes.updates == [(4, 10), (8, 10), (10, 10)]


def test_a_verifier_of_the_workspace_judges_and_its_error_is_a_reason(
    new_workspace: Callable[..., Workspace],
) -> None:
    workspace = new_workspace(verify__verifiers={"class": "step_checks:verify"})
    (workspace.root / "step_checks.py").write_text(
        "def verify(label, case, params, known):\n    raise RuntimeError('no')\n"
    )
    store(workspace, right(workspace))
    assert run(workspace).reasons == {"verifier error": 10}


def test_a_judge_is_asked_once_and_verifying_again_needs_no_server(
    new_workspace: Callable[..., Workspace],
) -> None:
    asked: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> Answered:
        asked.append(body)
        opens = "<answer>The person may open" in body["messages"][-1]["content"]
        return said("I say Correct or Incorrect. It is Correct." if opens else "Incorrect")

    with serve(answer) as server:
        judge = {
            **{"use": "server", "url": server.url, "model": "tiny"},
            **{"decides": "doubtful", "max_tokens": 64},
        }
        workspace = new_workspace(verify__doubtful="judge", verify__judge=judge)
        names = {s.id: s.labels[0].name for s in read_manifest(workspace, "train")}
        texts = {n: f"This is {name}." for n, name in names.items()}
        texts["tiny/train-0"] = f"The person may open, perhaps, or be {names['tiny/train-0']}."
        texts["tiny/train-1"] = f"This is not {names['tiny/train-1']}."
        texts["tiny/train-2"] = "A dog lies on the grass of a garden."
        store(workspace, texts)
        first = run(workspace)
    assert len(asked) == 2, "only what is doubtful is asked"
    assert first.reasons == {"judged incorrect": 1, "no match": 1}
    assert run(workspace) == first
    kept = (workspace.work / "judge" / "replies.jsonl").read_text().splitlines()
    assert [json.loads(row)["reply"].endswith("Correct.") for row in kept].count(True) == 1


def test_the_base_model_judges_what_is_doubtful(new_workspace: Callable[..., Workspace]) -> None:
    judge = {"use": "model", "decides": "doubtful", "max_tokens": 8}
    workspace = new_workspace(
        verify__doubtful="judge", verify__judge=judge, settings__engine="scripted:judge.json"
    )
    rules = [{"prompt": "This is not", "text": "Incorrect"}, {"text": "It is Correct."}]
    (workspace.root / "judge.json").write_text(json.dumps(rules), encoding="utf-8")
    names = {s.id: s.labels[0].name for s in read_manifest(workspace, "train")}
    texts = {n: f"This is {name}." for n, name in names.items()}
    texts["tiny/train-0"] = f"Perhaps it is {names['tiny/train-0']}."
    texts["tiny/train-1"] = f"This is not {names['tiny/train-1']}."
    store(workspace, texts)
    report = run(workspace)
    assert report.reasons == {"judged incorrect": 1}
    assert report.metrics["yield"] == 0.9


def test_answers_that_are_not_there_are_an_error(workspace: Workspace) -> None:
    store(workspace, {})
    with pytest.raises(DataError, match="holds no answer; run the step that writes it"):
        run(workspace)
