"""The benchmark of one's own test samples: every kind, scored by the verifiers."""

from __future__ import annotations

import pytest
from held_out_samples import context_of, dive, star

from video_star.core.errors import DataError
from video_star.core.labels import SpanLabel
from video_star.core.paths import Workspace
from video_star.evaluation.benchmarks import open_benchmark
from video_star.evaluation.metrics import Bootstrap, summarise

ALL = open_benchmark("held_out", {"dataset": None})
SPAN = star(
    "Sequence_T3_9",
    id="mine/a",
    dataset="mine",
    question="When does the person open the door?",
    labels=(SpanLabel(start=1.0, end=2.0, duration=4.0),),
)


def test_every_test_sample_is_asked_for_its_final_line(workspace: Workspace) -> None:
    samples = [SPAN, dive(1, "score"), dive(2, "score", split="train"), star("Sequence_T3_10")]
    items = ALL.items(context_of(workspace, samples))
    assert [item.id for item in items] == [
        "finediving/01_1/score",
        "mine/a",
        "star/Sequence_T3_10/choice",
    ]
    assert items[1].prompt == (
        "When does the person open the door?\nExplain step by step.\n"
        'End with a last line "Answer: <start> - <end> seconds".'
    )
    assert items[1].slices == ("kind=span", "dataset=mine")
    (own,) = open_benchmark("held_out", {"dataset": "mine"}).items(context_of(workspace, samples))
    assert own.id == "mine/a"


def test_an_answer_counts_where_it_passes(workspace: Workspace) -> None:
    items = ALL.items(context_of(workspace, [SPAN, dive(1, "score")]))
    answers = {"mine/a": "Answer: 1.1 - 2.0 seconds", "finediving/01_1/score": "Answer: 20"}
    scores = [ALL.score(item, answers[item.id]) for item in items]
    (measure,) = ALL.measures(scores)
    assert summarise(measure.points, Bootstrap(100, 0)).value == 0.5
    assert [point.value for point in measure.slices["kind=span"]] == [1.0]
    assert [point.value for point in measure.slices["dataset=finediving"]] == [0.0]


def test_no_test_sample_is_said(workspace: Workspace) -> None:
    context = context_of(workspace, [SPAN])
    with pytest.raises(DataError, match="finds no test sample of data set 'other'"):
        open_benchmark("held_out", {"dataset": "other"}).items(context)
