"""STAR-QA: the choice questions of held-out segments, overall, by type and over types."""

from __future__ import annotations

import pytest
from held_out_samples import context_of, star

from video_star.core.errors import DataError, UsageError
from video_star.core.labels import ClassLabel, SpanLabel
from video_star.core.paths import Workspace
from video_star.evaluation.benchmarks import open_benchmark
from video_star.evaluation.benchmarks.star_qa import StarQA
from video_star.evaluation.metrics import Bootstrap, mean_with_interval

BOOTSTRAP = Bootstrap(200, 0)
STAR = StarQA({"dataset": "star"})


def test_each_held_out_choice_is_asked_with_its_own_options(workspace: Workspace) -> None:
    seen = star("Sequence_T3_9")
    others = [
        star("Sequence_T3_10", split="train", source_id="star/BBBBB"),
        star("Sequence_T3_9", id="star/Sequence_T3_9/span", labels=(SpanLabel(start=1, end=2),)),
        star("Sequence_T3_11", id="other/Sequence_T3_11/choice", dataset="other"),
    ]
    (item,) = STAR.items(context_of(workspace, [seen, *others]))
    assert item.id == seen.id
    assert item.prompt == (
        "Which object was eaten?\nA. The blanket\nB. The sandwich\nC. The closet\n"
        "D. The medicine\nPlease directly give the best option:"
    )
    assert (item.clip.start_s, item.clip.end_s) == (0.25, 1.0)
    assert item.clip.path == workspace.video(seen.video)
    assert item.slices == ("type=Sequence",)
    assert item.cluster.endswith("star/AAAAA")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("B", 1),
        ("(B) The sandwich.", 1),
        ("The sandwich.", 1),
        ("The answer is B.", 1),
        ("C", 0),
        ("B or C", 0),
        ("The sandwich or the closet.", 0),
        ("I cannot tell.", 0),
        ("", 0),
    ],
)
def test_only_the_right_option_alone_is_right(
    workspace: Workspace, text: str, value: float
) -> None:
    (item,) = STAR.items(context_of(workspace, [star("Interaction_T1_4")]))
    score = STAR.score(item, text)
    assert (score.value, score.metric) == (value, "accuracy")
    assert (score.reason == "match") == bool(value)


def test_types_weigh_alike_in_their_mean_and_by_their_questions_overall(
    workspace: Workspace,
) -> None:
    samples = [star(f"Interaction_T1_{n}", video=f"AAAA{n}") for n in range(8)]
    samples += [star("Feasibility_T5_1", answer=0), star("Prediction_T2_1", answer=0)]
    items = STAR.items(context_of(workspace, samples))
    measures = {m.name: m for m in STAR.measures([STAR.score(item, "B") for item in items])}
    accuracy, mean = measures["accuracy"], measures["mean_of_types"]
    assert set(measures) == {"accuracy", "mean_of_types"}
    assert mean_with_interval(accuracy.points, BOOTSTRAP).value == 0.8
    assert mean_with_interval(mean.points, BOOTSTRAP).value == pytest.approx(1 / 3)
    by_type = {k: mean_with_interval(v, BOOTSTRAP) for k, v in accuracy.slices.items()}
    assert {k: (v.value, v.n) for k, v in by_type.items()} == {
        "type=Interaction": (1, 8),
        "type=Feasibility": (0, 1),
        "type=Prediction": (0, 1),
    }


def test_an_unscored_item_is_in_no_mean(workspace: Workspace) -> None:
    names = ("Interaction_T1_1", "Prediction_T2_1")
    items = STAR.items(context_of(workspace, [star(name) for name in names]))
    scores = [STAR.score(items[0], "B"), items[1].scored(None, "VideoError")]
    for measure in STAR.measures(scores):
        found = mean_with_interval(measure.points, BOOTSTRAP)
        assert (found.value, found.n) == (1, 1)
    assert STAR.measures([item.scored(None, "VideoError") for item in items]) == []


def test_no_held_out_choice_says_the_way_out(workspace: Workspace) -> None:
    samples = [star("Sequence_T3_9", split="train"), star("Sequence_T1_1", dataset="STAR")]
    with pytest.raises(DataError, match=r"star_qa finds no test sample of data set 'star' .*STAR"):
        STAR.items(context_of(workspace, samples))
    other = star("Sequence_T3_9", labels=(ClassLabel(name="eating"),))
    with pytest.raises(DataError, match="with a choice label"):
        STAR.items(context_of(workspace, [other]))


def test_an_id_without_a_question_type_is_named(workspace: Workspace) -> None:
    with pytest.raises(DataError, match="star/Intersection_4/choice tells no question type"):
        STAR.items(context_of(workspace, [star("Intersection_4")]))


def test_it_is_in_the_table_and_names_wrong_parameters() -> None:
    assert isinstance(open_benchmark("star_qa", {"dataset": "star"}), StarQA)
    with pytest.raises(UsageError, match=r"star_qa\.data: "):
        open_benchmark("star_qa", {"data": "star"})
