"""On the published predictions, the official results come out: item by item and digit for digit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import official_world as world
import pytest

from video_star.evaluation.benchmarks.scoring import Scored
from video_star.evaluation.benchmarks.tempcompass_judge import OfficialResults

TASKS = ("multi-choice", "yes_no", "caption_matching", "captioning")
LEADERBOARD = {
    "action": 71.41,
    "direction": 42.4,
    "speed": 41.94,
    "order": 45.66,
    "attribute_change": 45.74,
}
CHOICE_BY_TYPE = {
    "fine-grained action": 58.8,
    "coarse-grained action": 90.3,
    "object motion": 36.2,
    "camera motion": 32.6,
    "absolute speed": 47.6,
    "relative speed": 28.0,
    "order": 37.7,
    "color & light change": 43.6,
    "size & shape change": 39.4,
    "combined change": 41.7,
    "other change": 38.9,
}
"""Printed in the README of the official repository."""


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Path:
    path = real_data / "tempcompass"
    if not path.is_dir():
        pytest.skip("TempCompass files absent")
    return path


@pytest.fixture(scope="module")
def recorded(folder: Path) -> Scored:
    judge = OfficialResults(folder / "official_results" / "video-llava")
    return world.scored(folder / "questions", folder / "predictions" / "video-llava", judge)


def _read(folder: Path) -> dict[str, Any]:
    return {task: json.loads((folder / f"{task}.json").read_text()) for task in TASKS}


def test_every_item_has_the_official_rating_and_match(recorded: Scored, folder: Path) -> None:
    official = _read(folder / "official_results" / "video-llava")
    assert not recorded.problems
    assert len(recorded.report["items"]) == 7540
    for item in recorded.report["items"]:
        result = official[item["task"]][item["video"]][item["aspect"]][item["index"]]
        assert item["rating"] == result["rating"], item
        assert item["match_success"] == result.get("match_success"), item


def test_the_averages_are_the_official_digits(recorded: Scored) -> None:
    report = recorded.report
    tasks = {name: round(own["accuracy"], 1) for name, own in report["tasks"].items()}
    assert tasks == dict(zip(TASKS, (45.6, 56.4, 63.3, 34.8), strict=True))
    assert {name: own["n"] for name, own in report["tasks"].items()} == dict(
        zip(TASKS, (1580, 2453, 1503, 2004), strict=True)
    )
    assert round(report["accuracy"], 2) == 49.77
    assert {n: round(own["accuracy"], 2) for n, own in report["aspects"].items()} == LEADERBOARD
    choice = report["tasks"]["multi-choice"]["fine_aspects"]
    assert {n: round(own["accuracy"], 1) for n, own in choice.items()} == CHOICE_BY_TYPE
    assert list(choice) == list(CHOICE_BY_TYPE)


def test_judged_are_captions_and_what_no_rule_recognises(recorded: Scored) -> None:
    judge = recorded.report["judge"]
    assert judge["judged"] == 2004 + 7
    assert judge["unscored"] == {}
    (note,) = recorded.report["notes"]
    assert note.startswith("132 of 2004 recorded ratings of captions")


@pytest.mark.parametrize("layout", ["lmms-eval", "VLMEvalKit"])
def test_the_published_predictions_in_other_layouts_give_the_same(
    recorded: Scored, folder: Path, tmp_path: Path, layout: str
) -> None:
    questions = _read(folder / "questions")
    published = _read(folder / "predictions" / "video-llava")
    answers = {
        task: [
            published[task][video][aspect][index]["prediction"]
            for video, aspects in questions[task].items()
            for aspect, entries in aspects.items()
            for index in range(len(entries))
        ]
        for task in TASKS
    }
    if layout == "lmms-eval":
        world.write_lmms(tmp_path / "other", world.lmms_lines(questions, answers))
    else:
        world.write_table(tmp_path / "other" / "m.tsv", world.table_rows(questions, answers))
    judge = OfficialResults(folder / "official_results" / "video-llava")
    scored = world.scored(folder / "questions", tmp_path / "other", judge)
    assert not scored.problems
    assert scored.report["items"] == recorded.report["items"]
