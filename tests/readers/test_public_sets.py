"""The sections of docs/datasets.md on rows of the published forms, and on real files."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from outcomes import errors, samples, touch
from tiny import ROOT

from video_star.core.labels import ChoiceLabel, ClassLabel, Label, SpanLabel, TextLabel
from video_star.data.readers import open_readers
from video_star.data.readers.base import Row

DOCS = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
SECTIONS: dict[str, dict[str, Any]] = {
    name: yaml.safe_load(text)[0]
    for name, text in re.findall(r"```yaml (\w+)\n(.*?)```", DOCS, re.S)
}


def write(data: Path, name: str, text: str) -> None:
    (data / name).parent.mkdir(parents=True, exist_ok=True)
    (data / name).write_text(text, encoding="utf-8")


def read(data: Path, name: str, *videos: str) -> list[Row]:
    touch(data / SECTIONS[name]["videos"], *videos)
    (reader,) = open_readers([SECTIONS[name]], data, 17)
    return list(reader.rows())


def labels(data: Path, name: str, *videos: str) -> dict[str, tuple[str, float | None, Label]]:
    """Video, end and label by the sample's name."""
    start = len(SECTIONS[name]["videos"]) + 1
    return {
        key.partition("/")[2]: (found.video[start:], found.end_s, found.labels[0])
        for key, found in samples(read(data, name, *videos)).items()
    }


def test_the_table_of_the_page_lists_every_section_and_no_other() -> None:
    assert set(re.findall(r"\| \[(\w+)\]\(#", DOCS)) == set(SECTIONS)


def test_nextqa(tmp_path: Path) -> None:
    text = (
        "video,frame_count,width,height,question,answer,qid,type,a0,a1,a2,a3,a4\n"
        "1001,369,640,480,how does the girl hold the ball,0,6,CH,with both hands,with one hand,"
        "with her feet,on her head,not at all\n"
        "1002,2697,640,480,why does the boy open the box,2,1,CW,to eat,to sit on it,to see inside,"
        "to close it,to paint it\n"
    )
    write(tmp_path, "nextqa/val.csv", text)
    found = samples(read(tmp_path, "nextqa", "1164/1001.mp4", "1002.mp4"))
    first, second = found["nextqa/1001/6"], found["nextqa/1002/1"]
    assert first.video == "nextqa/NExTVideo/1164/1001.mp4"
    assert first.question.splitlines()[:2] == [
        "how does the girl hold the ball",
        "A. with both hands",
    ]
    assert first.labels[0].answer == 0
    assert second.labels == (
        ChoiceLabel(
            options=("to eat", "to sit on it", "to see inside", "to close it", "to paint it"),
            answer=2,
        ),
    )


def test_qvhighlights(tmp_path: Path) -> None:
    shared = {"duration": 150, "vid": "AbC_210.0_360.0"}
    rows = [
        {"qid": 1, "query": "She cooks.", "relevant_windows": [[82, 150]], **shared},
        {"qid": 2, "query": "She talks.", "relevant_windows": [[96, 150], [56, 76]], **shared},
    ]
    write(
        tmp_path,
        SECTIONS["qvhighlights"]["annotations"],
        "".join(json.dumps(row) + "\n" for row in rows),
    )
    found = labels(tmp_path, "qvhighlights", "AbC_210.0_360.0.mp4")
    video = "AbC_210.0_360.0.mp4"
    assert found == {
        "1/1": (video, None, SpanLabel(start=82, end=150, duration=150)),
        # Each moment is the only one of its clip: up to the next one, and from the one before.
        "2/1": (video, 96, SpanLabel(start=56, end=76, duration=96)),
        "2/2": (video, None, SpanLabel(start=20, end=74, duration=74)),
    }
    assert samples(read(tmp_path, "qvhighlights"))["qvhighlights/2/2"].start_s == 76


def test_epic_kitchens(tmp_path: Path) -> None:
    text = (
        "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,"
        "start_frame,stop_frame,narration,verb,verb_class,noun,noun_class,all_nouns,all_noun_classes\n"
        "P90_01_1,P90,P90_01,00:01:01.700,01:01:01.56,01:01:02.45,1,2,put down cup,put-down,1,cup,"
        "13,\"['cup', 'mug']\",\"[13, 14]\"\n"
    )
    write(tmp_path, SECTIONS["epic_kitchens"]["annotations"], text)
    assert labels(tmp_path, "epic_kitchens", "P90/videos/P90_01.MP4") == {
        "P90_01_1": ("P90/videos/P90_01.MP4", 3662.45, ClassLabel(name="put down cup"))
    }
    assert samples(read(tmp_path, "epic_kitchens"))["epic_kitchens/P90_01_1"].start_s == 3661.56


def test_activitynet_captions(tmp_path: Path) -> None:
    entry = {
        "duration": 82.73,
        "timestamps": [[0.83, 19.86], [17.37, 60.81]],
        "sentences": ["A woman walks to a piano.", " She sits down."],
    }
    write(tmp_path, SECTIONS["activitynet_captions"]["annotations"], json.dumps({"v_Q": entry}))
    found = labels(tmp_path, "activitynet_captions", "v_Q.mkv")
    assert list(found.values()) == [
        ("v_Q.mkv", None, SpanLabel(start=0.83, end=19.86, duration=82.73)),
        ("v_Q.mkv", None, SpanLabel(start=17.37, end=60.81, duration=82.73)),
    ]


def test_activitynet_qa(tmp_path: Path) -> None:
    questions = [
        {"video_name": "Q", "question": "is it a cat", "question_id": "v_Q_1"},
        {"video_name": "Q", "question": "is it a dog", "question_id": "v_Q_2"},
    ]
    answers = [{"answer": "yes", "type": 3, "question_id": "v_Q_2"}]
    write(tmp_path, "activitynet/test_q.json", json.dumps(questions))
    write(tmp_path, "activitynet/test_a.json", json.dumps(answers))
    rows = read(tmp_path, "activitynet_qa", "v_Q.mp4")
    assert errors(rows) == [("activitynet/test_q.json:1", "EmptyLabel")]
    (found,) = samples(rows[1:]).values()
    assert (found.id, found.question) == ("activitynet_qa/v_Q_2", "is it a dog")
    assert found.labels == (TextLabel(text="yes"),)


def test_charades_sta(tmp_path: Path) -> None:
    text = "AO8RW 0.0 6.9##a person is putting a book on a shelf.\nnothing of the kind\n"
    write(tmp_path, SECTIONS["charades_sta"]["annotations"], text)
    write(tmp_path, "charades_sta/Charades_v1_480/AO8RW.mp4", "")
    rows = read(tmp_path, "charades_sta")
    # The end may lie behind the file's, so the file is opened.
    assert [error for _, error in errors(rows)] == ["VideoError", "BadRow"]
    section = {**SECTIONS["charades_sta"], "kind": "text"}
    section["columns"] = {
        "video": "video", "label": "event", "start_s": "start", "end_s": "end",
    }  # fmt: skip
    (reader,) = open_readers([section], tmp_path, 17)
    found = next(iter(reader.rows()))
    assert (found.start_s, found.end_s) == (0.0, 6.9)
    assert found.labels == (TextLabel(text="a person is putting a book on a shelf."),)


def test_video_mme(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    row = {
        "video_id": "001",
        "duration": "short",
        "videoID": "fFjv93ACGo8",
        "question_id": "001-1",
        "question": "What hangs on the tree?",
        "options": ["A. Apples.", "B. Candles.", "C. Berries.", "D. All alike."],
        "answer": "C",
    }
    path = tmp_path / SECTIONS["video_mme"]["annotations"]
    path.parent.mkdir(parents=True)
    parquet.write_table(pa.Table.from_pylist([row]), path)
    (found,) = samples(read(tmp_path, "video_mme", "fFjv93ACGo8.mp4")).values()
    options = ("Apples.", "Candles.", "Berries.", "All alike.")
    assert found.labels == (ChoiceLabel(options=options, answer=2),)
    assert found.question == (
        "What hangs on the tree?\nA. Apples.\nB. Candles.\nC. Berries.\nD. All alike."
    )


def test_ucf101(tmp_path: Path) -> None:
    clip = "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi"
    write(tmp_path, SECTIONS["ucf101"]["annotations"], f"{clip} 1\r\n")
    found = labels(tmp_path, "ucf101", clip)
    assert list(found.values()) == [(clip, None, ClassLabel(name="ApplyEyeMakeup"))]


def test_msrvtt(tmp_path: Path) -> None:
    content = {
        "info": {"year": "2016"},
        "videos": [{"category": 9, "video_id": "video7", "split": "train", "id": 7}],
        "sentences": [{"caption": "a man drives", "video_id": "video7", "sen_id": 3}],
    }
    write(tmp_path, SECTIONS["msrvtt"]["annotations"], json.dumps(content))
    assert labels(tmp_path, "msrvtt", "video7.mp4") == {
        "3": ("video7.mp4", None, TextLabel(text="a man drives"))
    }


def test_egoschema(tmp_path: Path) -> None:
    options = {f"option {n}": f"text {n}" for n in range(5)}
    questions = [
        {"q_uid": uid, "google_drive_id": "x", "question": "Why?", **options}
        for uid in ("0074f737", "00aa7247")
    ]
    write(tmp_path, "egoschema/questions.json", json.dumps(questions))
    write(tmp_path, "egoschema/subset_answers.json", json.dumps({"00aa7247": 3}))
    assert labels(tmp_path, "egoschema", "00aa7247.mp4") == {
        "00aa7247": ("00aa7247.mp4", None, ChoiceLabel(options=tuple(options.values()), answer=3))
    }


def test_perception_test(tmp_path: Path) -> None:
    def question(number: int, answer: int) -> dict[str, Any]:
        options = ["one", "two", "three"]
        return {"id": number, "question": "How many?", "options": options, "answer_id": answer}

    entry = {"metadata": {"split": "valid"}, "mc_question": [question(0, 2), question(4, 0)]}
    write(tmp_path, SECTIONS["perception_test"]["annotations"], json.dumps({"video_1": entry}))
    found = labels(tmp_path, "perception_test", "video_1.mp4")
    assert {name: label.answer for name, (_, _, label) in found.items()} == {
        "video_1/0": 2,
        "video_1/4": 0,
    }


REAL = [
    ("nextqa", "nextqa/val.csv", 400, r"^(\d+),"),
    ("epic_kitchens", "epic_kitchens/EPIC_100_validation.csv", 300, r"^\w+,P\d+,(P\w+),"),
    ("qvhighlights", "qvhighlights/highlight_val_release.jsonl", 342, r'"vid": "([^"]+)"'),
    ("activitynet_qa", "activitynet_qa/test_q.json", 300, r'"video_name": "([^"]+)"'),
]
"""Section, file, its samples (moments of QVHighlights), and where its videos are named."""


@pytest.mark.parametrize(("name", "file", "count", "video"), REAL)
def test_every_row_of_the_real_files_is_taken(
    tmp_path: Path, real_data: Path, name: str, file: str, count: int, video: str
) -> None:
    path = real_data / "annotations" / file
    if not path.is_file():
        pytest.skip(f"{file} absent")
    copied = tmp_path / SECTIONS[name]["annotations"]
    copied.parent.mkdir(parents=True)
    shutil.copy(path, copied)
    if name == "activitynet_qa":
        shutil.copy(path.with_name("test_a.json"), copied.with_name("test_a.json"))
    ids = re.findall(video, path.read_text(encoding="utf-8"), re.MULTILINE)
    prefix = "v_" if name == "activitynet_qa" else ""
    rows = read(tmp_path, name, *{f"{prefix}{one}.mp4" for one in ids})
    assert errors(rows) == []
    assert len(samples(rows)) == count
    if name == "qvhighlights":
        raw = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        windows = sum(len(one["relevant_windows"]) for one in raw)
        assert count == windows
        seconds = sum(end - start for one in raw for start, end in one["relevant_windows"])
        spans = [row.labels[0] for row in samples(rows).values()]
        assert sum(span.end - span.start for span in spans) == pytest.approx(seconds)


def test_the_first_answers_of_the_real_files_are_right(tmp_path: Path, real_data: Path) -> None:
    """Read by eye in the published files."""
    folder = real_data / "annotations" / "nextqa"
    if not folder.is_dir():
        pytest.skip("nextqa absent")
    shutil.copytree(folder, tmp_path / "nextqa")
    rows = read(tmp_path, "nextqa", "4010069381.mp4")
    label = samples(rows[:1])["nextqa/4010069381/6"].labels[0]
    assert label.options[label.answer] == "roll the handle"
