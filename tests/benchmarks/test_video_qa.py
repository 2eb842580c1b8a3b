"""Open-ended question answering in Video-ChatGPT's format: joined by id, scored, written back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
import tiny
from chat_server import said, serve
from scripted_answers import evaluating

from video_star.core.errors import DataError, UsageError
from video_star.core.jsonl import read_records
from video_star.core.paths import Workspace
from video_star.core.records import Score
from video_star.data.manifest import read_manifest
from video_star.evaluation.benchmarks import open_benchmark
from video_star.evaluation.benchmarks.base import Item
from video_star.evaluation.benchmarks.video_qa import VideoQA
from video_star.evaluation.benchmarks.video_qa_files import Gold, VideoFolder, load, source_of
from video_star.evaluation.benchmarks.video_qa_rules import contains, exact
from video_star.evaluation.leakage import refuse_shared_videos
from video_star.evaluation.metrics import RoundMetrics
from video_star.pipeline.steps.evaluate import run_evaluate

QUESTIONS: list[dict[str, Any]] = [
    {"video_name": "-4wsuPCjDBc_5_15", "question": "what is eating?", "question_id": 30933},
    {"video_name": "-4wsuPCjDBc_20_25", "question": "who runs?", "question_id": 30934},
    {"video_name": "1QIUV7WYKXg", "question": "is it open?", "question_id": "1QIUV7WYKXg_3"},
    {"video_name": "v_9eniCub7u60", "question": "where is it?", "question_id": "9eniCub7u60_1"},
]
ANSWERS: list[dict[str, Any]] = [  # in another order than the questions
    {"answer": "no", "question_id": "1QIUV7WYKXg_3", "type": 3},
    {"answer": "squirrel", "question_id": 30933, "type": 7},
    {"answer": "on the table", "question_id": "9eniCub7u60_1", "type": 3},
    {"answer": "man", "question_id": "30934", "type": 7},
]
FILES = ("-4wsuPCjDBc_5_15.avi", "-4wsuPCjDBc_20_25.mp4", "v_1QIUV7WYKXg.mkv", "9eniCub7u60.gif")
PARAMS: dict[str, Any] = {
    "questions": "qa/test_q.json",
    "answers": "qa/test_a.json",
    "aligned": False,
    "videos": "qa/videos",
    "judge": None,
}


def write(folder: Path, questions: Any = QUESTIONS, answers: Any = ANSWERS) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "test_q.json", folder / "test_a.json"
    for path, value in zip(paths, (questions, answers), strict=True):
        path.write_text(json.dumps(value), encoding="utf-8")
    return paths


def clip(path: Path, seed: int) -> None:
    if path.suffix == ".gif":
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("gif", rate=8)
            stream.width = stream.height = 56
            stream.pix_fmt = "rgb8"
            for pixels in tiny.moving_square(seed):
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    else:
        tiny.write_clip(path, tiny.moving_square(seed))


@pytest.fixture
def ready(new_workspace: Callable[..., Workspace]) -> Workspace:
    """A workspace that asks the four questions about real clips in four formats."""
    return prepare(new_workspace(evaluate__benchmarks={"msvd_qa": PARAMS}))


def prepare(workspace: Workspace) -> Workspace:
    write(workspace.data / "qa")
    for seed, name in enumerate(FILES):
        clip(workspace.data / "qa" / "videos" / name, seed)
    return workspace


RULES = [
    {"prompt": "eating", "text": "It is a squirrel."},
    {"prompt": "who runs", "text": "a woman"},
    {"prompt": "open", "text": "No"},
    {"prompt": "where", "text": "On a table!"},
]


def test_evaluate_asks_bare_questions_and_scores_by_rules(ready: Workspace) -> None:
    context = evaluating(ready, RULES)
    result = run_evaluate(context)
    assert result.failures == ()
    metrics = RoundMetrics.model_validate_json(context.paths.metrics.read_text())
    values = {name: (m.value, m.n) for name, m in metrics.metrics.items()}
    assert values == {"msvd_qa/contains": (0.75, 4), "msvd_qa/exact": (0.5, 4)}
    assert metrics.slices["msvd_qa/contains"]["type=7"].value == 0.5
    scores = list(read_records(context.paths.predictions / "msvd_qa/scores.jsonl", Score))
    assert [(s.item_id, s.metric, s.cluster) for s in scores[:3]] == [
        ("30933", "contains", "-4wsuPCjDBc"),
        ("30933", "exact", "-4wsuPCjDBc"),
        ("30934", "contains", "-4wsuPCjDBc"),
    ]
    rows = json.loads((context.paths.predictions / "msvd_qa/pred.json").read_text())
    assert [row["id"] for row in rows] == [q["question_id"] for q in QUESTIONS]
    asked = {"id": 30933, "question": "what is eating?", "answer": "squirrel"}
    assert rows[0] == {**asked, "pred": "It is a squirrel."}, "as the original scripts write it"


def test_a_judge_scores_all_answers_at_once_and_is_named(
    new_workspace: Callable[..., Workspace],
) -> None:
    def answer(body: dict[str, Any]) -> Any:
        text = body["messages"][1]["content"]
        if "who runs" in text:
            return said("{'pred': 'no', 'score': 1}")
        return said("well" if "open" in text else "{'pred': 'yes', 'score': 4}")

    with serve(answer) as server:
        server.delay_s = 0.1
        judge = {"url": server.url, "model": "m-1"}
        workspace = new_workspace(evaluate__benchmarks={"msvd_qa": {**PARAMS, "judge": judge}})
        context = evaluating(prepare(workspace), RULES)
        report = run_evaluate(context).report
        assert server.busiest == 4
        run_evaluate(context)
        assert len(server.bodies) == 4
    metrics = RoundMetrics.model_validate_json(context.paths.metrics.read_text())
    values = {name.removeprefix("msvd_qa/"): (m.value, m.n) for name, m in metrics.metrics.items()}
    assert values["judged_accuracy"] == (2 / 3, 3)
    assert values["judged_score"] == (3, 3)
    assert values["judged_share"] == (0.75, 4)
    assert values["contains"] == (0.75, 4)
    score = metrics.metrics["msvd_qa/judged_score"]
    assert 1 <= score.low <= score.value <= score.high <= 5
    name = "judge=m-1 (prompt 1, temperature 0, max_tokens 64)"
    assert metrics.slices["msvd_qa/judged_accuracy"][name].n == 3
    assert report.reasons == {"judge unclear": 2}
    assert (workspace.work / "judge" / "video_chatgpt.jsonl").is_file()


def test_a_missing_video_is_a_failure_of_its_questions(
    new_workspace: Callable[..., Workspace],
) -> None:
    benchmarks = {"msvd_qa": PARAMS}
    ready = prepare(new_workspace(evaluate__benchmarks=benchmarks, max_failure_rate=0.5))
    (ready.data / "qa" / "videos" / FILES[2]).unlink()
    result = run_evaluate(evaluating(ready, RULES))
    assert [f.sample_id for f in result.failures] == ["msvd_qa/1QIUV7WYKXg_3"]
    assert "1QIUV7WYKXg.mp4" in result.failures[0].message
    rows = json.loads((ready.round("r0").predictions / "msvd_qa/pred.json").read_text())
    assert len(rows) == 3


def items_of(workspace: Workspace, **changes: Any) -> list[Item[Gold]]:
    return VideoQA({**PARAMS, **changes}).items(evaluating(workspace, []))


def test_videos_are_found_by_any_ending_and_with_or_without_v(ready: Workspace) -> None:
    assert tuple(item.clip.path.name for item in items_of(ready)) == FILES


def test_a_video_name_may_have_its_ending_and_mp4_goes_first(tmp_path: Path) -> None:
    for name in ("a.avi", "a.mp4", "v_b.mp4", "b.mkv", "c.mp4.mp4", "note.txt"):
        (tmp_path / name).touch()
    folder = VideoFolder(tmp_path)
    found = {name: folder.find(name) for name in ("a", "b", "v_a", "a.avi", "note", "d", "c.mp4")}
    assert {name: path and path.name for name, path in found.items()} == {
        "a": "a.mp4",
        "b": "b.mkv",
        "v_a": "a.mp4",
        "a.avi": "a.avi",
        "note": None,
        "d": None,
        "c.mp4": "c.mp4.mp4",
    }
    with pytest.raises(DataError, match="there is no such folder"):
        VideoFolder(tmp_path / "none")


def test_a_video_name_cannot_leave_the_data_folder(ready: Workspace) -> None:
    write(ready.data / "qa", [{**QUESTIONS[0], "video_name": "../../../x"}], ANSWERS[1:2])
    with pytest.raises(DataError, match="leads out of data/"):
        items_of(ready)


def test_questions_and_answers_belong_together_by_id(tmp_path: Path) -> None:
    golds = load(*write(tmp_path), aligned=False)
    assert [(g.id, g.answer, g.type) for g in golds] == [
        ("30933", "squirrel", "7"),
        ("30934", "man", "7"),
        ("1QIUV7WYKXg_3", "no", "3"),
        ("9eniCub7u60_1", "on the table", "3"),
    ]
    assert golds == load(*write(tmp_path, answers=ANSWERS[::-1]), aligned=True)


def test_json_lines_are_read_as_well(tmp_path: Path) -> None:
    questions, answers = write(tmp_path)
    golds = load(questions, answers, aligned=False)
    for path, rows in ((questions, QUESTIONS), (answers, ANSWERS)):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert load(questions, answers, aligned=False) == golds


def test_answers_without_ids_are_taken_by_position_only_on_request(tmp_path: Path) -> None:
    bare = [{"answer": text} for text in ("squirrel", "man", "no", "on the table")]
    paths = write(tmp_path, answers=bare)
    with pytest.raises(DataError, match="its answers have no question_id"):
        load(*paths, aligned=False)
    assert [g.answer for g in load(*paths, aligned=True)] == [a["answer"] for a in bare]
    with pytest.raises(DataError, match="has 3 answers without question_id to the 4 questions"):
        load(*write(tmp_path, answers=bare[1:]), aligned=True)


@pytest.mark.parametrize(
    ("questions", "answers", "problem"),
    [
        (QUESTIONS, ANSWERS[1:], "question 1QIUV7WYKXg_3 has no answer"),
        (QUESTIONS[1:], ANSWERS, r"test_a.json\[1\] answers question 30933, which"),
        (QUESTIONS, [*ANSWERS, ANSWERS[0]], r"test_a.json\[4\] is another answer to question 1QI"),
        (QUESTIONS, [*ANSWERS, {"answer": "x"}], r"test_a.json\[4\] has no question_id"),
        ([*QUESTIONS, QUESTIONS[0]], ANSWERS, "question_id 30933 is there 2 times"),
        ([*QUESTIONS, {**QUESTIONS[0], "question_id": "30933"}], ANSWERS, "30933 is there 2 times"),
        ([{"question": "a?"}], ANSWERS, r'test_q.json\[0\]: "question_id" is missing'),
        ([{**QUESTIONS[0], "question": ""}], ANSWERS, r'test_q.json\[0\]: "question" is missing'),
        ([{**QUESTIONS[0], "video_name": None}], ANSWERS, '"video_name" is missing'),
        (QUESTIONS, [{"answer": None, "question_id": 1}], r'test_a.json\[0\]: "answer" is missing'),
        ([], ANSWERS, "holds no list of entries"),
        ({"a": 1}, ANSWERS, "holds no list of entries"),
    ],
)
def test_what_does_not_fit_together_is_named(
    tmp_path: Path, questions: Any, answers: Any, problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        load(*write(tmp_path, questions, answers), aligned=False)


def test_mismatches_are_all_counted_and_a_cut_file_is_said_to_be_one(tmp_path: Path) -> None:
    wrong = [{**ANSWERS[0]}, {"answer": "x", "question_id": "none"}]
    named = r"4 problems \(test_a\.json\[1\] answers question none, .*; question 9eniCub7u60_1 has"
    with pytest.raises(DataError, match=named):
        load(*write(tmp_path, answers=wrong), aligned=False)
    questions, answers = write(tmp_path)
    answers.write_text(answers.read_text()[:-20], encoding="utf-8")
    with pytest.raises(DataError, match=r"test_a\.json: not JSON .* truncated"):
        load(questions, answers, aligned=False)


def test_clips_of_one_recording_are_one_cluster() -> None:
    assert source_of("-4wsuPCjDBc_5_15") == source_of("-4wsuPCjDBc_20_25") == "-4wsuPCjDBc"
    assert source_of("v_1QIUV7WYKXg") == source_of("1QIUV7WYKXg") == "1QIUV7WYKXg"
    assert source_of("video7010") == "video7010"


def test_training_on_a_benchmark_video_is_refused(ready: Workspace) -> None:
    own = ready.data / "qa" / "videos" / FILES[1]
    train = read_manifest(ready, "train")[:1]
    (ready.data / train[0].video).write_bytes(own.read_bytes())
    with pytest.raises(DataError, match=r"-4wsuPCjDBc_20_25\.mp4 of msvd_qa"):
        refuse_shared_videos(evaluating(ready, []), train)


def test_videos_that_nobody_asks_about_are_not_held_out(ready: Workspace) -> None:
    extra = ready.data / "qa" / "videos" / "other.mp4"
    clip(extra, 9)
    found = VideoQA(PARAMS).videos(evaluating(ready, []))
    assert {path.name: source for path, source in found.items()} == dict(
        zip(FILES, ("-4wsuPCjDBc", "-4wsuPCjDBc", "1QIUV7WYKXg", "9eniCub7u60"), strict=True)
    )
    (ready.data / "qa" / "test_q.json").unlink()
    assert VideoQA(PARAMS).videos(evaluating(ready, [])) == {}


@pytest.mark.parametrize(
    ("answer", "text", "is_exact", "is_contained"),
    [
        ("squirrel", "Squirrel.", True, True),
        ("a squirrel", "the squirrel", True, True),
        ("squirrel", "It is a squirrel.", False, True),
        ("squirrel", "two squirrels", False, True),
        ("squirrel", "It is not a squirrel.", False, False),
        ("squirrel", "Is it a squirrel?", False, False),
        ("squirrel", "a squirl", False, False),
        ("play guitar", "A man plays the guitar.", False, True),
        ("play guitar", "A man plays. There is a guitar behind him.", False, False),
        ("yes", "Yes, it is.", False, True),
        ("no", "No.", True, True),
        ("no", "Yes, there is no other way.", False, False),
        ("yes", "no", False, False),
        ("2", "2", True, True),
        ("the", "the", True, True),
        ("man", "", False, False),
    ],
)
def test_rules(answer: str, text: str, is_exact: bool, is_contained: bool) -> None:
    assert exact(answer, text) == is_exact
    assert contains(answer, text)[0] == is_contained


def test_any_name_may_use_the_benchmark_and_mistakes_carry_that_name() -> None:
    for name in ("video_qa", "msvd_qa", "msrvtt_qa", "tgif_qa", "activitynet_qa"):
        assert isinstance(open_benchmark(name, PARAMS), VideoQA)
    assert isinstance(open_benchmark("mine", {"use": "video_qa", **PARAMS}), VideoQA)
    with pytest.raises(UsageError, match=r"benchmarks\.mine\.aligned: Input should be a valid"):
        open_benchmark("mine", {"use": "video_qa", **PARAMS, "aligned": 3})
    with pytest.raises(UsageError, match=r"benchmarks\.tgif_qa\.judge\.model: Field required"):
        open_benchmark("tgif_qa", {**PARAMS, "judge": {"url": "http://127.0.0.1:1/v1"}})
    with pytest.raises(UsageError, match="letters, digits"):
        open_benchmark("../mine", {"use": "video_qa", **PARAMS})
