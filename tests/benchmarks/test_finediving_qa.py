"""FineDiving-QA: scores as numbers against the judges' ones, and steps in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from held_out_samples import context_of, dive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from scripted_answers import evaluating

from video_star.core.errors import DataError
from video_star.core.jsonl import read_records
from video_star.core.labels import ScoreLabel, SequenceLabel
from video_star.core.paths import Workspace
from video_star.core.prompts import EXPLAIN
from video_star.core.records import MetricValue, Score, VideoSample
from video_star.data.manifest import write_manifest
from video_star.evaluation.benchmarks.base import Item, Measure
from video_star.evaluation.benchmarks.finediving_qa import FineDivingQA, Gold, given_score
from video_star.evaluation.metrics import Bootstrap, RoundMetrics, Undefined, summarise
from video_star.pipeline.steps.evaluate import run_evaluate
from video_star.verification import Case

BOOTSTRAP = Bootstrap(200, 0)
DIVING = FineDivingQA({"dataset": "finediving"})
Found = dict[str, MetricValue | Undefined]


def _numbers(measures: Sequence[Measure]) -> Found:
    return {m.name: summarise(m.points, BOOTSTRAP, m.statistic, m.bounds) for m in measures}


def _value(found: Found, name: str) -> tuple[float, int]:
    number = found[name]
    assert isinstance(number, MetricValue), number
    return number.value, number.n


def _items(workspace: Workspace, samples: Sequence[VideoSample]) -> list[Item[Gold]]:
    return DIVING.items(context_of(workspace, samples))


def _scored(workspace: Workspace, truths: Sequence[float], answers: Sequence[str]) -> list[Score]:
    """Scores of dives 0, 1, ... that are asked for their score alone."""
    items = {
        item.id: item
        for item in _items(workspace, [dive(n, "score", t) for n, t in enumerate(truths)])
    }
    return [
        DIVING.score(items[f"finediving/01_{number}/score/score"], answer)
        for number, answer in enumerate(answers)
    ]


def test_scores_and_steps_of_held_out_dives_are_items(workspace: Workspace) -> None:
    kinds = ("assessment", "score", "sequence")
    samples = [dive(1, kind, 71.5) for kind in kinds]
    samples += [dive(2, "score", split="train"), dive(3, "score", dataset="other")]
    items = _items(workspace, samples)
    assert [(item.id, item.metric, item.truth) for item in items] == [
        ("finediving/01_1/assessment/sequence", "sequence_accuracy", None),
        ("finediving/01_1/assessment/score", "score_accuracy", 71.5),
        ("finediving/01_1/score/score", "score_accuracy", 71.5),
        ("finediving/01_1/sequence/sequence", "sequence_accuracy", None),
    ]
    line = (
        'End with a last line "Answer: <step>, then <step>; difficulty <number>; score <number>".'
    )
    assert [item.prompt for item in items[:2]] == [
        f"Ask for the assessment.\n{EXPLAIN}\n{line}"
    ] * 2
    assert [item.slices for item in items[1:3]] == [
        ("question=assessment",),
        ("question=score",),
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The score is 65.6.", 65.6),
        ("65.6", None),
        ("Answer: 65.6", 65.6),
        ("Forward, 2.5 Soms.Pike, Entry. The difficulty is 3.0 and the score is 65.6.", 65.6),
        ("The score is between 60 and 70.", None),
        ("Answer: forward, then entry; difficulty 3.0; score 65.6", 65.6),
        ("The score is 65. So the final score is 65.", 65),
        ("The score is 60 or 70.", None),
        ("The difficulty is 3.0.", None),
        ("I cannot tell.", None),
        ("", None),
    ],
)
def test_the_number_given_as_the_score_is_taken(text: str, number: float | None) -> None:
    label = ScoreLabel(value=50.0, low=0.0)
    steps = SequenceLabel(names=("forward", "entry"))
    labels = (steps, ScoreLabel(value=3.0, name="difficulty"), label)
    assert given_score(label, Case(text, "How good is this dive?", labels)) == number


def test_marks_keep_both_numbers_and_judge_by_the_verifiers(workspace: Workspace) -> None:
    steps, points = _items(workspace, [dive(1, "assessment", 60.0)])
    right = "A dive.\nAnswer: Forward, then 2.5 Soms.Pike, then entry; difficulty 3.0; score 63"
    assert DIVING.score(steps, right).value == 1
    assert DIVING.score(steps, "Entry, then forward, then 2.5 Soms.Pike.").value == 0
    near, far = DIVING.score(points, right), DIVING.score(points, "The score is 80.")
    assert (near.value, near.predicted, near.truth) == (1, 63, 60)
    assert (far.value, far.predicted, far.truth, far.reason) == (0, 80, 60, "other value")
    # The difficulty is asked for, but it is not this item's question.
    assert DIVING.score(points, "The difficulty is 1.0 and the score is 60.").value == 1
    none = DIVING.score(points, "A good dive.")
    assert (none.value, none.predicted, none.truth) == (0, None, 60)


def test_rho_and_relative_error_are_those_of_the_data_sets_own_evaluation(
    workspace: Workspace,
) -> None:
    rng = np.random.default_rng(2)
    truths = np.round(rng.uniform(20, 104.4, 40), 1)
    given = np.round(truths + rng.normal(0, 15, 40))
    scores = _scored(workspace, list(truths), [f"The score is {number:g}." for number in given])
    found = _numbers(DIVING.measures(scores))
    rho, error = spearmanr(given, truths).statistic, (given - truths) / np.ptp(truths)
    assert _value(found, "spearman") == (pytest.approx(rho, abs=1e-12), 40)
    assert _value(found, "r_l2") == (pytest.approx(np.mean(error**2)), 40)
    near = np.abs(given - truths) <= 0.1 * truths + 1e-9
    assert _value(found, "score_accuracy") == (pytest.approx(near.mean()), 40)
    assert _value(found, "unparsable") == (0, 40)


def test_answers_without_a_score_are_counted_and_in_neither_statistic(
    workspace: Workspace,
) -> None:
    answers = ["score 10", "score 30", "score 20", "none", "score 10 or 20"]
    scores = _scored(workspace, [10, 20, 30, 0, 100], answers)
    found = _numbers(DIVING.measures(scores))
    assert _value(found, "unparsable") == (0.4, 5)
    assert _value(found, "spearman") == (pytest.approx(0.5), 3)
    # The width of the truths is that of all items, whichever of them could be read.
    assert _value(found, "r_l2") == (pytest.approx((0.1**2 + 0.1**2) / 3), 3)
    assert _value(found, "score_accuracy") == (0.2, 5)


def test_an_unusable_video_is_in_no_share_but_widens_the_scale(workspace: Workspace) -> None:
    items = _items(workspace, [dive(n, "score", 50.0 * n) for n in range(3)])
    scores = [
        DIVING.score(items[0], "The score is 10."),
        DIVING.score(items[1], "The score is 60."),
        items[2].scored(None, "VideoError"),
    ]
    assert (scores[2].value, scores[2].truth) == (None, 100)
    found = _numbers(DIVING.measures(scores))
    assert {name: _value(found, name)[1] for name in found} == dict.fromkeys(
        ("score_accuracy", "unparsable", "spearman", "r_l2"), 2
    )
    assert _value(found, "r_l2")[0] == pytest.approx(0.01)
    assert DIVING.measures([items[2].scored(None, "VideoError")]) == []


def test_statistics_that_do_not_exist_are_named_and_no_number(workspace: Workspace) -> None:
    same = DIVING.measures(_scored(workspace, [40, 50, 60], ["score 50"] * 3))
    assert isinstance(_numbers(same)["spearman"], Undefined)
    assert _value(_numbers(same), "r_l2")[1] == 3
    silent = DIVING.measures(_scored(workspace, [40, 50], ["nothing"] * 2))
    assert {m.name: m.missing for m in silent if not m.points} == {
        "spearman": "no answer gives a score",
        "r_l2": "no answer gives a score",
    }
    equal = DIVING.measures(_scored(workspace, [50, 50], ["score 50", "score 60"]))
    assert {m.name: m.missing for m in equal if not m.points} == {
        "r_l2": "all true scores are equal"
    }
    assert isinstance(_numbers(equal)["spearman"], Undefined)


def test_steps_alone_are_measured_without_a_word_about_scores(workspace: Workspace) -> None:
    (item,) = _items(workspace, [dive(1, "sequence")])
    (measure,) = DIVING.measures([DIVING.score(item, "Forward, 2.5 Soms.Pike, Entry.")])
    assert (measure.name, [p.value for p in measure.points]) == ("sequence_accuracy", [1])


def test_no_held_out_dive_says_the_way_out(workspace: Workspace) -> None:
    only = ScoreLabel(name="difficulty", value=3.0)
    samples = [dive(1, "score", split="train"), dive(2, "score", labels=(only,))]
    with pytest.raises(DataError, match=r"finediving_qa finds no test sample .*score label"):
        _items(workspace, samples)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    dives=st.lists(
        st.tuples(st.integers(0, 110), st.one_of(st.none(), st.integers(0, 120))),
        min_size=1,
        max_size=12,
    ),
    random=st.randoms(use_true_random=False),
)
def test_measures_do_not_depend_on_order_and_lie_in_their_intervals(
    workspace: Workspace, dives: list[tuple[int, int | None]], random: object
) -> None:
    answers = ["nothing" if given is None else f"score {given}" for _, given in dives]
    scores = _scored(workspace, [float(truth) for truth, _ in dives], answers)
    found = _numbers(DIVING.measures(scores))
    random.shuffle(scores)  # type: ignore[attr-defined]
    assert _numbers(DIVING.measures(scores)) == found
    assert set(found) == {"score_accuracy", "unparsable", "spearman", "r_l2"}
    for number in found.values():
        if isinstance(number, MetricValue):
            assert number.low <= number.value <= number.high
    silent = sum(given is None for _, given in dives)
    assert _value(found, "unparsable")[0] == pytest.approx(silent / len(dives))


def test_the_step_writes_what_exists_and_names_what_does_not(
    new_workspace: Callable[..., Workspace],
) -> None:
    workspace = new_workspace(evaluate__benchmarks={"finediving_qa": {"dataset": "finediving"}})
    forty = "The score is 40."
    said = {"/test-0.mp4": forty, "/test-1.mp4": forty, "": "A dive."}
    rules = [{"video": video, "text": text} for video, text in said.items()]
    samples = [dive(n, "assessment", 40.0 + n, video=f"clips/test-{n}.mp4") for n in range(4)]
    write_manifest(workspace, samples)
    context = evaluating(workspace, rules)
    run_evaluate(context)
    metrics = RoundMetrics.model_validate_json(context.paths.metrics.read_text())
    assert metrics.undefined == {"finediving_qa/spearman": "one item only, or all values are equal"}
    assert set(metrics.metrics) == {
        f"finediving_qa/{name}"
        for name in ("sequence_accuracy", "score_accuracy", "unparsable", "r_l2")
    }
    assert metrics.metrics["finediving_qa/unparsable"].value == 0.5
    assert metrics.metrics["finediving_qa/r_l2"].n == 2
    lines = read_records(context.paths.predictions / "finediving_qa" / "scores.jsonl", Score)
    numbers = [(s.predicted, s.truth) for s in lines if s.metric == "score_accuracy"]
    assert numbers == [(40, 40), (40, 41), (None, 42), (None, 43)]
