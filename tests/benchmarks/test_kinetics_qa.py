"""Kinetics-QA: held-out samples become open and multiple-choice items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tiny

from video_star.benchmarks.base import Item
from video_star.benchmarks.kinetics_qa import Choice, KineticsQA, Open, chosen_option
from video_star.context import StepContext
from video_star.errors import UsageError
from video_star.labels import ClassLabel
from video_star.layout import Workspace
from video_star.manifest import read_manifest, write_manifest

OPTIONS = ("pole vaulting", "vaulting", "ice skating", "yawning")


def _context(workspace: Workspace) -> StepContext:
    def no_engine(ref: object) -> Any:
        raise AssertionError(f"a benchmark needs no engine, not even {ref}")

    return StepContext(workspace, tiny.params_of(workspace), "r0", no_engine)


def _items(workspace: Workspace, options: int = 3) -> list[Item[Open | Choice]]:
    return KineticsQA({"options": options}).items(_context(workspace))


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("C. ice skating", 2),
        ("C", 2),
        ("C.", 2),
        ("C)", 2),
        ("(C)", 2),
        ("(C) ice skating", 2),
        (" C. ice skating\n", 2),
        ("C. It is a sport.", 2),
        ("Ice skating.", 2),
        ("The person is ice  skating.", 2),
        ("pole vaulting", 0),
        ("vaulting", 1),
        ("C. yawning", None),
        ("ice skating or yawning", None),
        ("E. yawning", None),
        ("E", None),
        ("A person.", None),
        ("Clapping", None),
        ("", None),
    ],
)
def test_an_option_is_chosen_only_without_doubt(text: str, index: int | None) -> None:
    assert chosen_option(text, OPTIONS) == index


def test_each_held_out_sample_is_asked_openly_and_with_options(workspace: Workspace) -> None:
    items = _items(workspace)
    test = read_manifest(workspace, "test")
    assert [item.id for item in items] == [
        f"{sample.id}/{form}" for sample in test for form in ("open", "choice")
    ]
    assert [item.prompt for item in items[::2]] == [sample.question for sample in test]
    assert {item.metric for item in items} == {"open_accuracy", "choice_accuracy"}
    assert items[0].slices == (f"class={test[0].labels[0].name}",)


def test_options_hold_the_label_once_among_other_classes(workspace: Workspace) -> None:
    for item in _items(workspace)[1::2]:
        assert isinstance(item.gold, Choice)
        assert len(set(item.gold.options)) == 3
        assert set(item.gold.options) <= set(tiny.CLASSES)
        assert f"class={item.gold.options[item.gold.answer]}" in item.slices
        assert (
            f"\n{'ABC'[item.gold.answer]}. {item.gold.options[item.gold.answer]}\n" in item.prompt
        )


def test_items_do_not_depend_on_other_samples_or_on_order(
    workspace: Workspace,
) -> None:
    before = {item.id: item for item in _items(workspace)}
    samples = read_manifest(workspace)
    write_manifest(workspace, [s for s in samples if s.id != "tiny/test-3"])
    after = {item.id: item for item in _items(workspace)}
    assert after == {name: item for name, item in before.items() if "test-3" not in name}


def test_a_synonym_of_the_label_is_no_distractor(workspace: Workspace) -> None:
    samples = [
        sample.model_copy(
            update={
                "labels": (ClassLabel(name=label.name, synonyms=("hiking",)),)
                if label.name == "jumping"
                else (label,)
            }
        )
        for sample in read_manifest(workspace)
        for label in sample.labels
    ]
    write_manifest(workspace, samples)
    for item in _items(workspace):
        if isinstance(item.gold, Choice) and "class=jumping" in item.slices:
            assert "hiking" not in item.gold.options


def test_more_options_than_classes_are_refused(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="has only 3 classes besides"):
        _items(workspace, options=5)


def test_marks_of_answers(workspace: Workspace) -> None:
    opened, choice = _items(workspace)[:2]
    benchmark = KineticsQA({"options": 3})
    assert isinstance(choice.gold, Choice)
    name = choice.gold.options[choice.gold.answer]
    wrong = choice.gold.options[choice.gold.answer - 1]
    assert benchmark.score(opened, f"This is {name}.").value == 1
    assert benchmark.score(opened, "Something else entirely.").value == 0
    assert benchmark.score(choice, name).value == 1
    assert benchmark.score(choice, wrong).value == 0
    unclear = benchmark.score(choice, "I cannot tell.")
    assert (unclear.value, unclear.reason) == (0, "no choice")


def test_means_are_reported_by_class(new_workspace: Callable[..., Workspace]) -> None:
    items = _items(new_workspace())
    benchmark = KineticsQA({"options": 3})
    scores = [item.scored(1.0 if "jumping" in item.slices[0] else 0.0, "match") for item in items]
    (opened,) = (m for m in benchmark.measures(scores) if m.name == "open_accuracy")
    assert [p.value for p in opened.points].count(1.0) == 1
    assert {p.value for p in opened.slices["class=jumping"]} == {1.0}
