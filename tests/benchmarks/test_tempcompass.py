"""TempCompass: the official files become items, scores become the official numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import official_world as world
import pytest
from chat_server import Answer, said, serve
from held_out_samples import context_of

from video_star.core.errors import DataError, UsageError
from video_star.core.paths import Workspace
from video_star.core.records import Score
from video_star.evaluation.benchmarks import open_benchmark
from video_star.evaluation.benchmarks.base import Item
from video_star.evaluation.benchmarks.tempcompass import TempCompass
from video_star.evaluation.benchmarks.tempcompass_official import Gold, source_of
from video_star.evaluation.metrics import Bootstrap, mean_with_interval

RAW = {"annotations": "tempcompass", "suffixes": "official", "judge": None}


@pytest.fixture
def benchmark() -> TempCompass:
    return TempCompass(RAW)


@pytest.fixture
def items(benchmark: TempCompass, new_workspace: Callable[..., Workspace]) -> dict[str, Item[Gold]]:
    workspace = new_workspace()
    world.write_questions(workspace.data / "tempcompass")
    return {item.id: item for item in benchmark.items(context_of(workspace))}


def test_items_carry_the_official_prompts(items: dict[str, Item[Gold]]) -> None:
    assert {(item.gold.task, item.prompt.rpartition("\n")[2]) for item in items.values()} == {
        ("multi-choice", "Please directly give the best option:"),
        ("yes_no", "Please answer yes or no:"),
        ("caption_matching", "Please directly give the best option:"),
        ("captioning", "Generated Caption:"),
    }


def test_order_needs_no_entry_in_meta_info(items: dict[str, Item[Gold]]) -> None:
    item = items["multi-choice/7/order/0"]
    assert item.slices == ("task=multi-choice", "aspect=order", "type=order")
    assert item.clip.path.as_posix().endswith("data/tempcompass/videos/7.mp4")


def test_unmatched_answer_is_wrong_and_unmatched_caption_is_unscored(
    benchmark: TempCompass, items: dict[str, Item[Gold]]
) -> None:
    answers = {
        "multi-choice/7/direction/0": "B",
        "multi-choice/7/order/0": "who knows",
        "yes_no/7/direction/0": "Yes",
        "caption_matching/7/order/0": "Caption B",
        "captioning/7/order/0": "A thing.",
    }
    scores = [benchmark.score(items[name], text) for name, text in answers.items()]
    assert [score.value for score in scores] == [1, 0, 1, 0, None]
    measured = {m.name: [p.value for p in m.points] for m in benchmark.measures(scores)}
    assert measured["accuracy"] == [1, 0, 1, 0]
    assert measured["multi-choice/match_rate"] == [1, 0]
    assert measured["rules_accuracy"] == [1, 0, 1, 0]
    assert measured["captioning/own_rule_match_rate"] == [0]
    assert "captioning/own_rule_accuracy" not in measured
    bootstrap = Bootstrap(100, 0)
    (aspects,) = (m for m in benchmark.measures(scores) if m.name == "mean_of_aspects")
    assert mean_with_interval(aspects.points, bootstrap).value == (2 / 2 + 0 / 2) / 2
    (fine,) = (m for m in benchmark.measures(scores) if m.name == "mean_of_fine_aspects")
    assert {point.group for point in fine.points} == {"object motion", "order"}


def test_a_video_that_could_not_be_read_is_left_out_of_every_rate(
    benchmark: TempCompass, items: dict[str, Item[Gold]]
) -> None:
    scores = [item.scored(None, "VideoError") for item in items.values()]
    assert benchmark.measures(scores) == []


def test_a_caption_counts_for_the_accuracy_by_our_rule_and_says_so(
    benchmark: TempCompass, items: dict[str, Item[Gold]]
) -> None:
    texts = {"captioning/7/order/0": "First a jump.", "yes_no/7/direction/0": "No."}
    scores = [benchmark.score(items[name], text) for name, text in texts.items()]
    measured = {m.name: [p.value for p in m.points] for m in benchmark.measures(scores)}
    assert measured["captioning/own_rule_accuracy"] == [1]
    assert measured["accuracy"] == [1, 0]
    assert measured["rules_accuracy"] == [0]


def test_what_evaluate_writes_gets_the_same_scores_from_the_official_files(
    benchmark: TempCompass, items: dict[str, Item[Gold]], tmp_path: Path
) -> None:
    said = (entry["prediction"] for *_, entry in world.answered())
    texts = dict(zip(items, said, strict=True))
    folder = tmp_path / "predictions" / "tempcompass"
    benchmark.write_predictions(folder, list(items.values()), texts)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    benchmark.write_predictions(folder, list(items.values()), texts)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    questions = tmp_path / "ws" / "data" / "tempcompass" / "questions"
    report = world.scored(questions, folder).report
    scores = [benchmark.score(items[name], text) for name, text in texts.items()]
    measured = {m.name: [p.value for p in m.points] for m in benchmark.measures(scores)}
    assert report["accuracy"] == 100 * sum(measured["rules_accuracy"]) / 8 == 50
    for task, own in report["tasks"].items():
        if task != "captioning":
            assert own["accuracy"] == pytest.approx(100 * mean(measured[f"{task}/accuracy"]))
            assert own["match_rate"] == pytest.approx(100 * mean(measured[f"{task}/match_rate"]))


def test_predictions_are_written_in_the_official_layout(
    benchmark: TempCompass, items: dict[str, Item[Gold]], tmp_path: Path
) -> None:
    texts = {"multi-choice/7/direction/0": "B"}
    benchmark.write_predictions(tmp_path, list(items.values()), texts)
    written = json.loads((tmp_path / "multi-choice.json").read_text())
    assert written["7"]["direction"] == [{**world.LEFT, "prediction": "B"}]
    assert written["7"]["order"] == [{**world.FIRST, "prediction": None}]
    assert (tmp_path / "captioning.json").exists()


@pytest.mark.parametrize(
    ("task", "content", "message"),
    [
        ("yes_no", {"7": {"speed": [{"question": "Is it?", "answer": "maybe"}]}}, "7/speed.0.: "),
        ("multi-choice", {"7": {"speed": [{"question": "Q\nA. a", "answer": "B. b"}]}}, "not an"),
        ("multi-choice", {"7": {"smell": [world.LEFT]}}, "7/smell"),
        ("captioning", {"8": {"speed": [world.LEFT]}}, r"8/speed\[0\]: there is no multi-choice"),
        ("yes_no", {"7": {"speed": [{"question": "Is it?", "answer": "no"}]}}, "no type for 7/sp"),
    ],
)
def test_what_cannot_be_scored_is_named(
    benchmark: TempCompass,
    workspace: Workspace,
    task: str,
    content: dict[str, Any],
    message: str,
) -> None:
    world.write_tasks(world.write_questions(workspace.data / "tempcompass"), {task: content})
    with pytest.raises(DataError, match=message):
        benchmark.items(context_of(workspace))


def test_missing_files_and_files_outside_the_data_folder_are_refused(
    benchmark: TempCompass, workspace: Workspace
) -> None:
    with pytest.raises(DataError, match=r"questions/multi-choice\.json: cannot be read"):
        benchmark.items(context_of(workspace))
    with pytest.raises(DataError, match="leads out of data/"):
        TempCompass({**RAW, "annotations": "../elsewhere"}).items(context_of(workspace))


def test_unknown_parameters_and_benchmarks_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"evaluate\.benchmarks\.tempcompass\.suffix"):
        open_benchmark("tempcompass", {**RAW, "suffix": "official"})
    with pytest.raises(UsageError, match="no such benchmark; the benchmarks are held_out"):
        open_benchmark("mvbench", {})


@pytest.mark.parametrize(
    ("video", "source"),
    [
        ("1034419625", "1034419625"),
        ("1034419625_reverse", "1034419625"),
        ("1034419625_concat_2", "1034419625"),
        ("1034419625_1098982673_0.mp4", "1034419625"),
        ("my_clip_0", "my_clip_0"),
    ],
)
def test_videos_made_from_one_recording_are_one_cluster(video: str, source: str) -> None:
    assert source_of(video) == source


TEXTS = {
    "multi-choice/7/direction/0": "B. right",
    "multi-choice/7/order/0": "It goes to the right, I think",
    "yes_no/7/direction/0": "no",
    "caption_matching/7/order/0": "the second one",
    "captioning/7/order/0": "A thing moves right.",
}


def _judge(body: dict[str, Any]) -> Answer:
    """Says Correct of "right", nothing clear of "second", and chooses A for captions."""
    prompt = body["messages"][-1]["content"]
    if "A thing moves right." in prompt:
        return said("Reasoning: it says so.\nAnswer: A. a jump")
    return said("Correct" if "to the right" in prompt else "Hard to say.")


def _score(
    workspace: Workspace, url: str
) -> tuple[TempCompass, list[Item[Gold]], dict[str, Score]]:
    benchmark = TempCompass({**RAW, "judge": {"url": url, "model": "referee"}})
    context = context_of(workspace)
    items = [item for item in benchmark.items(context) if item.id in TEXTS]
    scores = benchmark.score_all(context, items, TEXTS)
    return benchmark, items, {score.item_id: score for score in scores}


def test_the_judge_scores_what_no_rule_does(workspace: Workspace) -> None:
    world.write_questions(workspace.data / "tempcompass")
    with serve(_judge) as server:
        benchmark, items, scores = _score(workspace, server.url)
        assert len(server.bodies) == 3
        _score(workspace, server.url)
        assert len(server.bodies) == 3, "replies are kept"
    found = {name: (score.value, score.reason) for name, score in scores.items()}
    assert found == {
        "multi-choice/7/direction/0": (1.0, "right"),
        "multi-choice/7/order/0": (1.0, "judged right"),
        "yes_no/7/direction/0": (0.0, "wrong"),
        "caption_matching/7/order/0": (None, "judge unclear"),
        "captioning/7/order/0": (1.0, "judged right"),
    }
    measures = {m.name: m for m in benchmark.measures([scores[item.id] for item in items])}
    assert [p.value for p in measures["judged_share"].points] == [0, 1, 0, 0, 1]
    assert [name.split()[0] for name in measures["judged_share"].slices] == ["judge=referee"]
    assert "rules_accuracy" not in measures
    assert "captioning/own_rule_accuracy" not in measures
    assert [p.value for p in measures["captioning/accuracy"].points] == [1.0]
    assert [p.value for p in measures["multi-choice/match_rate"].points] == [1.0, 0.0]
