"""The evaluate step: one list of questions in, predictions, marks and means out."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import tiny

from video_star.core.context import StepContext
from video_star.core.engine import Outcome, Reply, Request, Unusable
from video_star.core.errors import DataError, UsageError
from video_star.core.jsonl import read_records
from video_star.core.model_paths import base_ref, write_ref
from video_star.core.paths import Workspace
from video_star.core.records import ModelRef, Prediction, Score
from video_star.evaluation.metrics import RoundMetrics
from video_star.pipeline.steps.evaluate import run_evaluate

TEMPCOMPASS = {"annotations": "tempcompass", "suffixes": "official", "judge": None}
BENCHMARKS = {
    "kinetics_qa": {"options": 3, "distractors": "any", "judge": None},
    "tempcompass": TEMPCOMPASS,
}
QUESTION = {"question": "Which way?\nA. left\nB. right", "answer": "B. right"}


class Parrot:
    """An engine that always says the same, and cannot open videos whose name has a given part."""

    def __init__(self, ref: ModelRef, says: str, broken: str) -> None:
        self._ref, self._says, self._broken = ref, says, broken
        self.asked: list[Request] = []

    @property
    def ref(self) -> ModelRef:
        return self._ref

    def answer(
        self, requests: Sequence[Request], known: Collection[str] = ()
    ) -> Iterator[Sequence[Outcome]]:
        for request in reversed(requests):
            if request.key not in known:
                self.asked.append(request)
                yield [self._say(request)]

    def _say(self, request: Request) -> Outcome:
        name = request.clip.path.name
        if self._broken in name:
            return Unusable(request.key, "VideoError", f"{name}: cannot be decoded")
        return Reply(request.key, self._says, "stop", 3)


def _prepare(workspace: Workspace) -> None:
    questions = workspace.data / "tempcompass" / "questions"
    questions.mkdir(parents=True)
    for task in ("multi-choice", "captioning"):
        content = {"test-0": {"order": [QUESTION]}, "test-1": {"order": [QUESTION]}}
        (questions / f"{task}.json").write_text(json.dumps(content))
    for task in ("yes_no", "caption_matching"):
        (questions / f"{task}.json").write_text("{}")
    (workspace.data / "tempcompass" / "meta_info.json").write_text("{}")
    videos = workspace.data / "tempcompass" / "videos"
    videos.mkdir()
    for name in ("test-0.mp4", "test-1.mp4"):
        (videos / name).write_bytes((workspace.data / "clips" / name).read_bytes())
    params = tiny.params_of(workspace)
    ref = base_ref(params.model, workspace.root)
    write_ref(workspace.round("r0").model_json, ref)


def _context(
    workspace: Workspace, says: str = "This is surfing.", broken: str = "nothing"
) -> tuple[StepContext, list[Parrot]]:
    opened: list[Parrot] = []

    def open_engine(ref: ModelRef) -> Parrot:
        opened.append(Parrot(ref, says, broken))
        return opened[-1]

    return StepContext(workspace, tiny.params_of(workspace), "r0", open_engine), opened


@pytest.fixture
def ready(new_workspace: Callable[..., Workspace]) -> Workspace:
    workspace = new_workspace(evaluate__benchmarks=BENCHMARKS, max_failure_rate=0.5)
    _prepare(workspace)
    return workspace


def test_every_item_is_asked_once_greedily_and_marked(ready: Workspace) -> None:
    context, (_, engine) = _run(ready)  # the first names the store
    assert len(engine.asked) == len({r.key for r in engine.asked}) == 4 * 2 + 2 * 2
    assert {request.sampling.temperature for request in engine.asked} == {0.0}
    metrics = RoundMetrics.model_validate_json(context.paths.metrics.read_text())
    assert metrics.round == "r0"
    opened = metrics.metrics["kinetics_qa/open_accuracy"]
    assert (opened.value, opened.n) == (0.25, 4)
    assert metrics.slices["kinetics_qa/open_accuracy"]["class=surfing"].value == 1
    assert metrics.metrics["tempcompass/accuracy"].value == 0
    assert metrics.metrics["tempcompass/captioning/own_rule_match_rate"].value == 0
    assert metrics.slices["tempcompass/accuracy"]["aspect=order"].n == 2


def test_predictions_and_scores_of_each_benchmark_are_kept(ready: Workspace) -> None:
    context, _ = _run(ready)
    folder = context.paths.predictions
    predictions = list(read_records(folder / "kinetics_qa" / "predictions.jsonl", Prediction))
    scores = list(read_records(folder / "kinetics_qa" / "scores.jsonl", Score))
    assert [p.item_id for p in predictions] == [s.item_id for s in scores]
    official = json.loads((folder / "tempcompass" / "multi-choice.json").read_text())
    assert official["test-0"]["order"][0]["prediction"] == "This is surfing."


def test_an_unreadable_video_is_a_failure_and_unscored(ready: Workspace) -> None:
    context, _ = _context(ready, broken="test-1")
    result = run_evaluate(context)
    names = {failure.sample_id for failure in result.failures}
    assert names == {
        "kinetics_qa/tiny/test-1/open",
        "kinetics_qa/tiny/test-1/choice",
        "tempcompass/multi-choice/test-1/order/0",
        "tempcompass/captioning/test-1/order/0",
    }
    assert (result.report.read, result.report.failed) == (12, 4)
    assert result.report.reasons == {"VideoError": 4, "unmatched": 1}
    assert result.report.written + result.report.failed + result.report.rejected == 12
    metrics = RoundMetrics.model_validate_json(context.paths.metrics.read_text())
    assert metrics.metrics["kinetics_qa/open_accuracy"].n == 3


def test_a_missing_video_is_named_item_by_item(ready: Workspace) -> None:
    (ready.data / "tempcompass" / "videos" / "test-1.mp4").unlink()
    result = run_evaluate(_context(ready)[0])
    assert [failure.sample_id for failure in result.failures] == [
        "tempcompass/multi-choice/test-1/order/0",
        "tempcompass/captioning/test-1/order/0",
    ]
    assert all("test-1.mp4" in failure.message for failure in result.failures)


def test_the_same_answers_give_the_same_bytes(ready: Workspace) -> None:
    def files(folder: Path) -> dict[str, bytes]:
        return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.json*")}

    context, _ = _run(ready)
    before = files(context.paths.folder)
    _run(ready)
    assert files(context.paths.folder) == before


def test_predictions_of_a_benchmark_that_is_no_longer_asked_are_removed(ready: Workspace) -> None:
    context, _ = _context(ready)
    stale = context.paths.predictions / "old" / "predictions.jsonl"
    stale.parent.mkdir(parents=True)
    stale.write_text("")
    run_evaluate(context)
    assert not stale.exists()


def test_a_missing_model_is_said_before_any_engine_is_opened(ready: Workspace) -> None:
    context, opened = _context(ready)
    context.paths.model_json.unlink()
    with pytest.raises(DataError, match=r"model\.json"):
        run_evaluate(context)
    assert opened == []


def test_nothing_scored_is_an_error(ready: Workspace) -> None:
    context, _ = _context(ready, broken="test-")
    with pytest.raises(DataError, match="not one answer could be scored"):
        run_evaluate(context)


def test_an_unknown_benchmark_stops_before_anything_is_asked(
    new_workspace: Callable[..., Workspace],
) -> None:
    workspace = new_workspace(evaluate__benchmarks={"mvbench": {}})
    _prepare(workspace)
    context, opened = _context(workspace)
    with pytest.raises(UsageError, match="no such benchmark"):
        run_evaluate(context)
    assert opened == []


def _run(workspace: Workspace, **changes: Any) -> tuple[StepContext, list[Parrot]]:
    context, opened = _context(workspace, **changes)
    run_evaluate(context)
    return context, opened
