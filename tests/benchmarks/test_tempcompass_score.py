"""Answers in any layout get the official scores; what is wrong with them is named."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import official_world as world
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from video_star.core.errors import DataError
from video_star.evaluation.benchmarks.predictions import Predictions
from video_star.evaluation.benchmarks.scoring import Scored
from video_star.evaluation.benchmarks.tempcompass_judge import OfficialResults
from video_star.evaluation.benchmarks.tempcompass_predictions import TaskAnswer, join_answers
from video_star.evaluation.benchmarks.tempcompass_scoring import meta_file, render


def _ratings(scored: Scored) -> dict[str, list[int | None]]:
    ratings: dict[str, list[int | None]] = {}
    for item in scored.report["items"]:
        ratings.setdefault(item["task"], []).append(item["rating"])
    return ratings


def test_without_a_judge_unmatched_answers_are_0_and_captions_unscored(
    questions: Path, answers: Path
) -> None:
    scored = world.scored(questions, answers)
    assert _ratings(scored) == {
        "multi-choice": [1, 0, 0],
        "yes_no": [1, 0, 1, 0],
        "caption_matching": [1],
        "captioning": [None, None],
    }
    report = scored.report
    assert report["accuracy"] == 50
    assert (report["n"], report["unscored"], report["match_rate"]) == (8, 2, 75)
    assert report["tasks"]["multi-choice"]["match_rate"] == pytest.approx(200 / 3)
    captions = report["tasks"]["captioning"]
    assert (captions["accuracy"], captions["n"], captions["match_rate"]) == (None, 0, None)
    assert report["judge"] == {
        "name": None,
        "version": None,
        "judged": 0,
        "share": 0,
        "unscored": {"needs a judge": 2},
    }
    assert 'not the "Avg. All"' in report["averages"]["accuracy"]


def test_recorded_ratings_answer_for_the_judge(
    questions: Path, answers: Path, recorded: OfficialResults
) -> None:
    scored = world.scored(questions, answers, recorded)
    assert _ratings(scored) == world.RATINGS
    report = scored.report
    assert report["accuracy"] == 60
    assert report["judge"]["name"] == "recorded:model-a"
    assert (report["judge"]["judged"], report["judge"]["share"]) == (4, 40)
    assert report["fine_aspects"]["object motion"]["accuracy"] == 75
    assert report["fine_aspects"]["order"]["accuracy"] == 75
    assert report["fine_aspects"]["absolute speed"]["accuracy"] == 0
    assert report["fine_aspects_mean"]["accuracy"] == 50
    assert report["aspects"]["speed"]["n"] == 2
    low, high = report["interval"]
    assert 0 <= low <= 60 <= high <= 100


def test_only_answers_that_no_rule_recognises_reach_the_judge(
    questions: Path, answers: Path, recorded: OfficialResults
) -> None:
    items = world.scored(questions, answers, recorded).report["items"]
    assert [item["id"] for item in items if item["judged"]] == [
        "multi-choice/7/order/0",
        "yes_no/8_reverse/speed/0",
        "captioning/7/order/0",
        "captioning/7/order/1",
    ]
    assert [item["match_success"] for item in items] == [
        *(True, False, True),
        *(True, True, True, False),
        *(True, None, None),
    ]


@pytest.mark.parametrize("layout", ["lmms-eval", "tsv", "json", "csv", "xlsx"])
def test_every_layout_gives_the_same_items(
    questions: Path, answers: Path, tmp_path: Path, layout: str, recorded: OfficialResults
) -> None:
    other = tmp_path / "other"
    if layout == "lmms-eval":
        world.write_lmms(other, world.lmms_lines())
    else:
        world.write_table(other / f"model_TempCompass_8frame.{layout}", world.table_rows())
    scored = world.scored(questions, other, recorded)
    assert not scored.problems
    assert scored.report["items"] == world.scored(questions, answers, recorded).report["items"]
    expected = "lmms-eval" if layout == "lmms-eval" else "VLMEvalKit"
    assert set(scored.report["files"].values()) == {expected}


def test_layouts_are_told_by_content_not_by_name(
    questions: Path, answers: Path, tmp_path: Path
) -> None:
    expected = world.scored(questions, answers).report["items"]
    (answers / "multi-choice.json").rename(answers / "first.txt")
    (answers / "captioning.json").rename(answers / "second.data")
    assert world.scored(questions, answers).report["items"] == expected
    world.write_table(tmp_path / "table" / "answers.txt", world.table_rows())
    assert world.scored(questions, tmp_path / "table").report["items"] == expected


def test_response_is_accepted_for_prediction(questions: Path, answers: Path) -> None:
    def rename(content: Any) -> None:
        entry = content["7"]["order"][0]
        entry["response"] = entry.pop("prediction")

    world.change(answers / "caption_matching.json", rename)
    assert not world.scored(questions, answers).problems


def test_allowed_missing_answers_are_rated_0_and_counted(
    questions: Path, answers: Path, recorded: OfficialResults
) -> None:
    world.change(answers / "captioning.json", lambda content: content["7"]["order"].pop())
    world.change(answers / "yes_no.json", lambda content: content["7"]["direction"].pop())
    scored = world.scored(questions, answers, recorded, allow_missing=True)
    assert not scored.stopping
    assert _ratings(scored)["captioning"] == [1, 0]
    assert _ratings(scored)["yes_no"] == [1, 0, 0, 0]
    assert scored.report["missing"] == 2
    assert len(scored.problems) == 2
    without = world.scored(questions, answers, allow_missing=True)
    assert _ratings(without)["captioning"] == [None, None]


@pytest.mark.parametrize("allow_missing", [True, False])
def test_a_task_without_any_answer_is_absent_and_not_0(
    questions: Path, answers: Path, recorded: OfficialResults, allow_missing: bool
) -> None:
    (answers / "captioning.json").unlink()
    (answers / "yes_no.json").unlink()
    scored = world.scored(questions, answers, recorded, allow_missing)
    report = scored.report
    assert not scored.problems
    assert [*report["tasks"]] == ["multi-choice", "caption_matching"]
    assert report["absent_tasks"] == ["yes_no", "captioning"]
    assert (report["n"], report["questions"], report["missing"]) == (4, 4, 0)
    assert report["accuracy"] == 75
    assert 'not the "Avg. All"' in report["averages"]["accuracy"]
    assert report["notes"] == [
        "yes_no: no file has an answer to any of its 4 questions, so it is absent",
        "captioning: no file has an answer to any of its 2 questions, so it is absent",
    ]


def test_meta_info_is_found_inside_the_questions_or_above(questions: Path, tmp_path: Path) -> None:
    above = questions.parent / "meta_info.json"
    assert meta_file(questions, None) == above
    inside = above.rename(questions / "meta_info.json")
    assert meta_file(questions, None) == inside
    assert meta_file(questions, tmp_path / "x.json") == tmp_path / "x.json"
    inside.unlink()
    with pytest.raises(DataError, match="--meta"):
        meta_file(questions, None)


def test_the_folder_around_the_questions_will_do(questions: Path, answers: Path) -> None:
    assert world.scored(questions.parent, answers).report["questions"] == 10


@pytest.mark.parametrize("judged", [True, False])
def test_the_table_names_both_averages_and_the_judge(
    questions: Path, answers: Path, recorded: OfficialResults, judged: bool
) -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(render(world.scored(questions, answers, recorded if judged else None).report))
    text = console.export_text()
    assert 'leaderboard\'s "Avg. All"' in text if judged else 'not the "Avg. All"' in text
    assert "Video-STaR paper's average" in text
    assert "match rate" in text
    lines = [line.split() for line in text.splitlines()]
    (heading,) = (words for words in lines if words[:1] == ["aspect"])
    assert (heading[-2:] == ["interval", "rate"]) is not judged
    assert ("captioning" in heading) is judged
    assert ("recorded:model-a" in text) is judged
    assert "…" not in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80


@given(st.permutations(list(world.answered())), st.data())
def test_the_order_of_answers_never_matters(rows: list[Any], data: st.DataObject) -> None:
    golds = _loaded()
    answers = [
        TaskAnswer(
            where=str(number),
            file="a",
            video=video,
            aspect=aspect,
            question=entry["question"],
            text=entry["prediction"],
            answer=entry["answer"],
            task=data.draw(st.sampled_from([task, None])),
        )
        for number, (task, video, aspect, entry) in enumerate(rows)
    ]
    joined = Predictions(given=answers)
    join_answers(golds, joined)
    assert joined.problems == []
    assert sorted(joined.texts.values()) == sorted(entry["prediction"] for *_, entry in rows)
    right = {gold.id: gold for gold in golds}
    for name, text in joined.texts.items():
        assert any(
            entry["prediction"] == text and entry["question"] == right[name].question
            for *_, entry in rows
        )


def _loaded() -> Any:
    with TemporaryDirectory() as folder:
        return world.load_golds(Path(folder))
