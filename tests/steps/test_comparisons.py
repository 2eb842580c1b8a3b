"""Rounds against r0 and the round before, through the evaluate step with scripted answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
import tiny
import yaml

from video_star.core.context import StepContext
from video_star.core.errors import DataError, UsageError
from video_star.core.model_paths import base_ref, write_ref
from video_star.core.paths import Workspace
from video_star.core.records import ModelRef
from video_star.evaluation.metrics import RoundMetrics
from video_star.generation.scripted import read_script
from video_star.pipeline.steps.evaluate import run_evaluate
from video_star.video.cache import FrameCache

QUIZ = '''
import csv

from video_star.evaluation.benchmarks.base import BenchmarkParams, Item, Measure, plain_measures
from video_star.core.engine import Clip
from video_star.core.errors import UsageError
from video_star.evaluation.metrics import Point


class Params(BenchmarkParams):
    file: str


class Quiz:
    """Right or wrong, and how far from the longest right answer of all items."""

    def __init__(self, raw):
        self.params = Params.model_validate(raw)

    def items(self, context):
        clips = context.workspace.data / "clips"
        with (context.workspace.data / self.params.file).open() as file:
            return [
                Item(id=row["id"], clip=Clip(clips / row["video"], None, None), prompt=row["ask"],
                     cluster=row["video"], metric="accuracy", slices=(), gold=row["answer"],
                     truth=float(len(row["answer"])))
                for row in csv.DictReader(file)
            ]

    def score(self, item, text):
        if text == "judge":
            raise UsageError("the judge is away")
        return item.scored(float(item.gold in text), "said", float(len(text)))

    def measures(self, scores):
        if not scores:
            raise AssertionError("measured without any mark")
        longest = max(score.truth for score in scores)
        points = tuple(
            Point(score.predicted / longest, score.cluster, item=score.item_id)
            for score in scores if score.predicted is not None
        )
        return [*plain_measures(scores), Measure("length", points, {}, bounds=(0.0, 9.0))]

    def write_predictions(self, folder, items, texts):
        pass
'''
QUESTIONS = {
    "one": ("test-0.mp4", "Which colour?", "red"),
    "two": ("test-0.mp4", "Which ground?", "grey"),
    "three": ("test-1.mp4", "Which way?", "left"),
    "four": ("test-2.mp4", "How many?", "two"),
}
WRONG = {ask: "none" for _, ask, _ in QUESTIONS.values()}
RIGHT = {ask: answer for _, ask, answer in QUESTIONS.values()}


@pytest.fixture
def ready(new_workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with a benchmark of four questions about three videos, and models of r0..r2."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "quiz_bench", raising=False)
    workspace = new_workspace(evaluate__benchmarks=_uses("quiz"))
    (workspace.root / "quiz_bench.py").write_text(QUIZ, encoding="utf-8")
    _write(workspace, QUESTIONS)
    ref = base_ref(tiny.params_of(workspace).model, workspace.root)
    for name in ("r0", "r1", "r2"):
        write_ref(workspace.round(name).model_json, ref)
    return workspace


def _uses(*names: str) -> dict[str, Any]:
    return {name: {"use": "quiz_bench:Quiz", "file": "quiz.csv"} for name in names}


def _write(workspace: Workspace, questions: dict[str, tuple[str, str, str]]) -> None:
    rows = [",".join((name, *own)) for name, own in questions.items()]
    text = "\n".join(["id,video,ask,answer", *rows])
    (workspace.data / "quiz.csv").write_text(text, encoding="utf-8")


def _evaluate(workspace: Workspace, name: str, answers: dict[str, str]) -> RoundMetrics:
    """Evaluate a round whose model answers by these prompts."""
    script = workspace.root / f"{name}.json"
    rules = [{"prompt": prompt, "text": text} for prompt, text in answers.items()]
    script.write_text(json.dumps(rules), encoding="utf-8")
    params = tiny.params_of(workspace)

    def open_engine(ref: ModelRef) -> Any:
        return read_script(script, ref, FrameCache(workspace.frames, params.video, 1), batch_size=2)

    context = StepContext(workspace, params, name, open_engine)
    run_evaluate(context)
    return RoundMetrics.model_validate_json(context.paths.metrics.read_text())


def test_r0_is_compared_with_nobody(ready: Workspace) -> None:
    assert _evaluate(ready, "r0", WRONG).comparisons == {}


def test_a_round_is_compared_with_r0_and_the_round_before_on_the_same_items(
    ready: Workspace,
) -> None:
    _evaluate(ready, "r0", WRONG)
    first = _evaluate(ready, "r1", {**WRONG, "Which way?": "left"})
    assert list(first.comparisons["quiz/accuracy"]) == ["r0"]
    second = _evaluate(ready, "r2", RIGHT)
    pairs = second.comparisons["quiz/accuracy"]
    assert list(pairs) == ["r0", "r1"]
    whole, last = pairs["r0"], pairs["r1"]
    assert (whole.difference, whole.n, whole.clusters, whole.left_out) == (1, 4, 3, 0)
    assert (whole.low, whole.high, whole.p) == (1, 1, 2 / 2**3)
    # Two of the three videos differ, and all of their four flips are possible.
    assert (last.difference, last.n, last.p) == (0.75, 4, 2 / 2**2)
    assert last.low <= 0.75 <= last.high


@pytest.mark.parametrize("lost", ["metrics", "predictions"])
def test_a_round_that_is_not_evaluated_is_named_before_anything_is_asked(
    ready: Workspace, lost: str
) -> None:
    _evaluate(ready, "r0", WRONG)
    path = getattr(ready.round("r0"), lost)
    path.rename(path.with_name("elsewhere"))
    with pytest.raises(DataError, match="r1 is compared with r0, which is not evaluated yet"):
        _evaluate(ready, "r1", {})


def test_the_digest_changes_with_a_mark_and_with_nothing_else(ready: Workspace) -> None:
    before = _evaluate(ready, "r0", WRONG).scores_sha256
    assert _evaluate(ready, "r0", WRONG).scores_sha256 == before
    assert _evaluate(ready, "r0", {**WRONG, "How many?": "two"}).scores_sha256 != before


def test_the_same_answers_give_the_same_comparisons(ready: Workspace) -> None:
    _evaluate(ready, "r0", WRONG)
    assert _evaluate(ready, "r1", RIGHT) == _evaluate(ready, "r1", RIGHT)


def test_a_benchmark_of_a_later_round_is_compared_with_nobody(ready: Workspace) -> None:
    _evaluate(ready, "r0", WRONG)
    raw = tiny.tiny_params(evaluate__benchmarks=_uses("quiz", "newer"))
    ready.params.write_text(yaml.safe_dump(raw), encoding="utf-8")
    found = _evaluate(ready, "r1", RIGHT)
    assert "newer/accuracy" in found.metrics
    assert {name.partition("/")[0] for name in found.comparisons} == {"quiz"}


def test_items_that_came_or_went_are_left_out_and_counted(ready: Workspace) -> None:
    _evaluate(ready, "r0", WRONG)
    changed = {name: own for name, own in QUESTIONS.items() if name != "one"}
    changed["five"] = ("test-3.mp4", "What else?", "a long answer")
    _write(ready, changed)
    found = _evaluate(ready, "r1", {**RIGHT, "What else?": "a long answer"})
    pair = found.comparisons["quiz/accuracy"]["r0"]
    assert (pair.difference, pair.n, pair.left_out) == (1, 3, 2)
    # Both are measured on one scale, that of the items they share: the longest is "grey".
    lengths = found.comparisons["quiz/length"]["r0"]
    assert lengths.difference == pytest.approx((4 + 4 + 3 - 3 * 4) / 4 / 3)


def test_an_item_that_was_asked_in_other_words_is_another_item(ready: Workspace) -> None:
    _evaluate(ready, "r0", WRONG)
    _write(ready, {**QUESTIONS, "four": ("test-2.mp4", "How many are there?", "two")})
    found = _evaluate(ready, "r1", {**RIGHT, "How many are": "two"})
    pair = found.comparisons["quiz/accuracy"]["r0"]
    assert (pair.n, pair.left_out) == (3, 1)


def test_the_interval_of_a_single_video_is_as_wide_as_the_bounds(ready: Workspace) -> None:
    _write(ready, {"three": QUESTIONS["three"]})
    _evaluate(ready, "r0", WRONG)
    found = _evaluate(ready, "r1", RIGHT).comparisons
    assert [(pair["r0"].low, pair["r0"].high) for pair in found.values()] == [(-1, 1), (-9, 9)]


def files_of(ready: Workspace) -> dict[str, bytes]:
    own = ready.round("r0").folder
    return {str(p): p.read_bytes() for p in own.rglob("*.json*") if "failures" not in p.parts}


def test_a_judge_that_fails_leaves_the_last_evaluation_as_it_was(ready: Workspace) -> None:
    _evaluate(ready, "r0", WRONG)
    before = files_of(ready)
    with pytest.raises(UsageError, match="the judge is away"):
        _evaluate(ready, "r0", {**WRONG, "How many?": "judge"})
    assert files_of(ready) == before


def test_videos_that_fail_leave_the_last_evaluation_as_it_was(ready: Workspace) -> None:
    _evaluate(ready, "r0", WRONG)
    before = files_of(ready)
    for clip in (ready.data / "clips").glob("test-*.mp4"):
        clip.write_bytes(b"")
    with pytest.raises(DataError, match=r"not one answer could be scored .*VideoError"):
        _evaluate(ready, "r0", {**WRONG, "other": "script"})
    assert files_of(ready) == before
