"""TempCompass in `evaluate` with a judge: captions, and what no official rule recognises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tiny
from chat_server import Answer, said, serve
from test_tempcompass import RAW, _context, _write

from video_star.core.paths import Workspace
from video_star.core.records import Score
from video_star.evaluation.benchmarks.base import Item
from video_star.evaluation.benchmarks.tempcompass import TempCompass
from video_star.evaluation.benchmarks.tempcompass_files import Gold

TEXTS = {
    "multi-choice/7/direction/0": "B. right",
    "multi-choice/7/order/0": "It goes to the right, I think",
    "yes_no/7/direction/0": "no",
    "caption_matching/7/order/0": "the second one",
    "captioning/7/direction/0": "A thing moves right.",
}


def _judge(body: dict[str, Any]) -> Answer:
    """Says Correct of "right", nothing clear of "second", and chooses B for captions."""
    prompt = body["messages"][-1]["content"]
    if "A thing moves right." in prompt:
        return said("Reasoning: it says right.\nAnswer: B. right")
    return said("Correct" if "to the right" in prompt else "Hard to say.")


def _score(
    workspace: Workspace, url: str
) -> tuple[TempCompass, list[Item[Gold]], dict[str, Score]]:
    benchmark = TempCompass({**RAW, "judge": {"url": url, "model": "referee"}})
    context = _context(workspace)
    items = benchmark.items(context)
    scores = benchmark.score_all(context, items, TEXTS)
    return benchmark, items, {score.item_id: score for score in scores}


@pytest.fixture
def ready(new_workspace: Callable[..., Workspace]) -> Workspace:
    workspace = new_workspace()
    _write(workspace.data / "tempcompass")
    return workspace


def test_the_judge_marks_what_no_rule_does(ready: Workspace) -> None:
    with serve(_judge) as server:
        benchmark, items, scores = _score(ready, server.url)
        assert len(server.bodies) == 3
        _score(ready, server.url)
        assert len(server.bodies) == 3, "replies are kept"
    found = {name: (score.value, score.reason) for name, score in scores.items()}
    assert found == {
        "multi-choice/7/direction/0": (1.0, "right"),
        "multi-choice/7/order/0": (1.0, "judged right"),
        "yes_no/7/direction/0": (0.0, "wrong"),
        "caption_matching/7/order/0": (None, "judge unclear"),
        "captioning/7/direction/0": (1.0, "judged right"),
    }
    measures = {m.name: m for m in benchmark.measures([scores[item.id] for item in items])}
    assert [p.value for p in measures["judged_share"].points] == [0, 1, 0, 0, 1]
    assert [name.split()[0] for name in measures["judged_share"].slices] == ["judge=referee"]
    assert "rules_accuracy" not in measures
    assert "captioning/own_rule_accuracy" not in measures
    assert [p.value for p in measures["captioning/accuracy"].points] == [1.0]
    assert [p.value for p in measures["multi-choice/match_rate"].points] == [1.0, 0.0]


def test_without_a_judge_nothing_is_asked(ready: Workspace) -> None:
    benchmark = TempCompass(RAW)
    context = _context(ready)
    scores = benchmark.score_all(context, benchmark.items(context), TEXTS)
    assert {score.item_id: score.reason for score in scores}["multi-choice/7/order/0"] == (
        "unmatched"
    )
    assert tiny.params_of(ready).evaluate.benchmarks["tempcompass"]["judge"] is None
