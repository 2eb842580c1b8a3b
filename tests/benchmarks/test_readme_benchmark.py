"""The benchmark of one's own in the docs, executed as it stands there."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest
import tiny
import yaml
from scripted_answers import evaluating

from video_star.core.errors import UsageError
from video_star.core.jsonl import read_records
from video_star.core.paths import Workspace
from video_star.core.records import Prediction, Score
from video_star.evaluation.benchmarks import open_benchmark
from video_star.evaluation.metrics import RoundMetrics
from video_star.pipeline.steps.evaluate import run_evaluate

PAGE = (tiny.ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
TABLE = """id,video,question,answer
one,a.mp4,Which colour?,red
two,a.mp4,Which ground?,grey
three,b.mp4,Which colour?,blue
"""


def block(language: str) -> str:
    """The page's fenced block of this language that is about benchmarks."""
    (found,) = re.findall(rf"```{language} benchmark\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.fixture
def ready(new_workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """What the page says: the file in the workspace folder, the line in params.yaml."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "my_bench", raising=False)
    workspace = new_workspace(evaluate__benchmarks=yaml.safe_load(block("yaml")))
    (name,) = re.findall(r"One file, `(my_bench\.py)` in the workspace folder", PAGE)
    (workspace.root / name).write_text(block("python"), encoding="utf-8")
    for number, video in enumerate(("a.mp4", "b.mp4")):
        tiny.write_clip(workspace.data / "colours/videos" / video, tiny.moving_square(number))
    (workspace.data / "colours/test.csv").write_text(TABLE, encoding="utf-8")
    return workspace


def test_it_is_asked_scored_and_reported_like_any_other(ready: Workspace) -> None:
    rules = [{"prompt": "colour", "text": "It is Red."}, {"text": "Grey ground."}]
    context = evaluating(ready, rules)
    assert run_evaluate(context).failures == ()
    metrics = RoundMetrics.model_validate_json(context.paths.metrics.read_text())
    accuracy = metrics.metrics["colours/accuracy"]
    assert (accuracy.value, accuracy.n) == (2 / 3, 3)
    assert 0 <= accuracy.low < 2 / 3 < accuracy.high <= 1
    folder = context.paths.predictions / "colours"
    scores = list(read_records(folder / "scores.jsonl", Score))
    assert [(s.item_id, s.value, s.cluster) for s in scores] == [
        ("one", 1, "a.mp4"),
        ("two", 1, "a.mp4"),
        ("three", 0, "b.mp4"),
    ]
    predictions = list(read_records(folder / "predictions.jsonl", Prediction))
    assert predictions[1].prompt == "Which ground?"


def test_its_parameters_are_validated_by_their_names(ready: Workspace) -> None:
    with pytest.raises(UsageError, match=r"benchmarks\.colours\.videos: Field required"):
        open_benchmark("colours", {"use": "my_bench:Colours", "file": "x"}, ready.root)


@pytest.mark.parametrize("use", ["my_bench:Colour", "none_such:Colours", "my_bench:", "os:sep:x"])
def test_a_class_that_is_not_there_is_said_in_one_sentence(ready: Workspace, use: str) -> None:
    with pytest.raises(UsageError, match=r"colours\.use: .* cannot be imported") as caught:
        open_benchmark("colours", {"use": use}, ready.root)
    assert "\n" not in str(caught.value)


def test_nothing_in_a_workspace_stands_in_for_an_installed_package(ready: Workspace) -> None:
    open_benchmark("colours", {"use": "my_bench:Colours", "file": "x", "videos": "y"}, ready.root)
    assert sys.path[-1] == str(ready.root.resolve())
