"""Replayed conversations as published mixes have them: what is learned, left out and counted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from stored import run, store

from video_star.core.errors import DataError
from video_star.core.jsonl import read_records, read_shards
from video_star.core.params import ReplayParams
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import Failure, TrainingExample
from video_star.data.manifest import read_manifest
from video_star.data.replay import Replay
from video_star.pipeline.runner import run_step

PARAMS = {"annotations": "mix.json", "videos": "clips", "share": 0.25}
ASKED = {"from": "human", "value": "<video>\nWhat is it?"}
SAID = {"from": "gpt", "value": "A square."}
VIDEO = {"id": "v1", "video": "x.mp4", "conversations": [ASKED, SAID]}


@dataclass(frozen=True)
class Read:
    """A file of conversations, read to its end."""

    examples: list[TrainingExample]
    left_out: list[Failure]
    entries: int


def read(folder: Path, content: Any, name: str = "mix.json", **json_options: Any) -> Read:
    """What is read of a file in a data folder with the videos x.mp4 and y.mp4."""
    workspace = Workspace(folder, video_roots=(folder / "disk",))
    for clips in (workspace.data / "clips", folder / "disk"):
        clips.mkdir(exist_ok=True, parents=True)
        for video in ("x.mp4", "y.mp4"):
            (clips / video).write_bytes(b"video")
    raw = content if isinstance(content, bytes) else json.dumps(content, **json_options).encode()
    (workspace.data / name).write_bytes(raw)
    replay = Replay(workspace, ReplayParams.model_validate({**PARAMS, "annotations": name}))
    return Read(list(replay.examples()), replay.left_out, replay.entries)


def pairs(replay: Read) -> list[tuple[str, str]]:
    return [(example.prompt, example.completion) for example in replay.examples]


def reasons(replay: Read) -> list[str]:
    return [failure.error for failure in replay.left_out]


MIXED = [
    VIDEO,
    {
        "id": "i1",
        "image": "4.jpg",
        "conversations": [
            {"from": "human", "value": "<image>\nWhat can you see?"},
            {"from": "gpt", "value": "A cat."},
        ],
    },
    {
        "id": "t1",
        "conversations": [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hi."}],
    },
    {
        "id": "s1",
        "video": "x.mp4",
        "conversations": [{"from": "system", "value": "Be brief."}, ASKED, SAID],
    },
    {
        "id": "u1",
        "videos": ["x.mp4"],
        "conversations": [
            {"role": "user", "content": "<video>What?"},
            {"role": "assistant", "content": "A square."},
        ],
    },
]
"""A published mix in small: a video, an image, a text, a system turn, roles and contents."""


def test_a_mix_gives_what_is_about_one_video_and_counts_the_rest(tmp_path: Path) -> None:
    replay = read(tmp_path, MIXED)
    assert pairs(replay) == [
        ("What is it?", "A square."),
        ("Be brief.\nWhat is it?", "A square."),
        ("What?", "A square."),
    ]
    assert [example.id for example in replay.examples] == [
        *("replay/v1/0", "replay/s1/0", "replay/u1/0"),
    ]
    assert {example.video for example in replay.examples} == {"clips/x.mp4"}
    assert [(own.sample_id, own.error) for own in replay.left_out] == [
        ("i1", "ReplayImage"),
        ("t1", "ReplayText"),
    ]
    assert replay.entries == 5


def test_json_lines_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    lines = "\r\n".join(json.dumps(entry) for entry in MIXED).encode()
    listed = pairs(read(tmp_path, MIXED))
    for name in ("mix.jsonl", "mix.json"):
        assert pairs(read(tmp_path, lines, name)) == listed
        assert pairs(read(tmp_path, b"\xef\xbb\xbf" + lines, name)) == listed
    whole = b"\xef\xbb\xbf" + json.dumps(MIXED, indent=1).encode()
    assert pairs(read(tmp_path, whole)) == listed
    assert pairs(read(tmp_path, {"version": 1, "data": MIXED})) == listed


@pytest.mark.parametrize(
    "entry",
    [
        {"videos": ["x.mp4"], "messages": [{"role": "user", "content": "<video>Q"}]},
        {"video": ["x.mp4"], "messages": [{"role": "user", "content": "<image>\nQ"}]},
        {
            "video": "x.mp4",
            "image": None,
            "images": [],
            "messages": [{"from": "USER", "value": "Q"}],
        },
        {"videos": [{"path": "x.mp4"}], "messages": [{"role": "human", "content": "Q"}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "video", "video": "x.mp4", "fps": 2},
                        {"type": "text", "text": "Q"},
                    ],
                }
            ]
        },
        {
            "video": "x.mp4",
            "messages": [
                {"role": "user", "content": "<|vision_start|><|video_pad|><|vision_end|>Q"}
            ],
        },
    ],
)
def test_forms_of_other_trainers_are_read(tmp_path: Path, entry: dict[str, Any]) -> None:
    entry["messages"].append({"role": "assistant", "content": "A <image>."})
    (example,) = read(tmp_path, [entry]).examples
    assert (example.prompt, example.completion) == ("Q", "A .")
    assert example.video == "clips/x.mp4"


def test_videos_may_be_on_another_disk_that_is_allowed(tmp_path: Path) -> None:
    """ms-swift's files often name them by their whole path."""
    allowed, other = tmp_path / "disk" / "y.mp4", tmp_path / "y.mp4"
    other.write_bytes(b"video")
    replay = read(tmp_path, [{**VIDEO, "video": str(path)} for path in (allowed, other)])
    assert [example.video for example in replay.examples] == [str(allowed)]
    assert reasons(replay) == ["MissingVideo"]


def test_a_system_text_beside_the_turns_stands_before_each_question(tmp_path: Path) -> None:
    turns = [ASKED, SAID, {"from": "human", "value": "And now?"}, SAID]
    replay = read(tmp_path, [{**VIDEO, "system": "Be brief.", "conversations": turns}])
    assert [prompt for prompt, _ in pairs(replay)] == [
        "Be brief.\nWhat is it?",
        "Be brief.\nAnd now?",
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"video": None}, "ReplayText"),
        ({"video": ""}, "ReplayText"),
        ({"image": "a.jpg"}, "ReplayImage"),
        ({"video": None, "images": ["a.jpg", "b.jpg"]}, "ReplayImage"),
        ({"video": ["x.mp4", "y.mp4"]}, "ReplayVideos"),
        ({"video": [["x.mp4"]]}, "ReplayVideos"),
        ({"video": 7}, "ReplayVideos"),
        ({"video": "gone.mp4"}, "MissingVideo"),
        ({"video": "../../x.mp4"}, "MissingVideo"),
        ({"video": "/etc/passwd"}, "MissingVideo"),
        ({"video": "a\0b"}, "MissingVideo"),
        ({"video": "x" * 5000}, "MissingVideo"),
        ({"conversations": None}, "ReplayTurns"),
        ({"conversations": []}, "ReplayTurns"),
        ({"conversations": "hello"}, "ReplayTurns"),
        ({"conversations": [ASKED]}, "ReplayTurns"),
        ({"conversations": [SAID, ASKED]}, "ReplayTurns"),
        ({"conversations": [ASKED, ASKED, SAID]}, "ReplayTurns"),
        ({"conversations": [ASKED, SAID, ASKED]}, "ReplayTurns"),
        ({"conversations": [ASKED, SAID, {"from": "system", "value": "x"}]}, "ReplayTurns"),
        ({"conversations": [ASKED, {"from": "function_call", "value": "{}"}]}, "ReplayTurns"),
        ({"conversations": [ASKED, "A square."]}, "ReplayTurns"),
        ({"conversations": [{**ASKED, "value": None}, SAID]}, "ReplayTurns"),
        ({"conversations": [ASKED, {**SAID, "value": None}]}, "ReplayTurns"),
        ({"conversations": [ASKED, {**SAID, "value": ""}]}, "EmptyReply"),
        ({"conversations": [ASKED, {**SAID, "value": " \n"}]}, "EmptyReply"),
        ({"conversations": [ASKED, {**SAID, "value": "\u200b\ufeff"}]}, "EmptyReply"),
        ({"conversations": [ASKED, {**SAID, "value": "<video>"}]}, "EmptyReply"),
        ({"conversations": [ASKED, SAID, ASKED, {**SAID, "value": ""}]}, "EmptyReply"),
        ({"conversations": [ASKED, {"from": "gpt", "value": []}]}, "EmptyReply"),
    ],
    ids=repr,
)
def test_what_is_no_example_is_left_out_for_its_reason(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    replay = read(tmp_path, [VIDEO, {**VIDEO, **changes, "id": "bad"}])
    assert pairs(replay) == [("What is it?", "A square.")]
    assert [(own.sample_id, own.error) for own in replay.left_out] == [("bad", reason)]


def test_entries_that_are_no_objects_are_left_out(tmp_path: Path) -> None:
    replay = read(tmp_path, [VIDEO, 7, None, [VIDEO]])
    assert reasons(replay) == ["ReplayEntry"] * 3
    lines = f"{json.dumps(VIDEO)}\n{{broken\n".encode()
    assert reasons(read(tmp_path, lines, "mix.jsonl")) == ["ReplayEntry"]


def test_entries_of_one_id_are_told_apart(tmp_path: Path) -> None:
    other = {**VIDEO, "id": "v1#2"}
    replay = read(tmp_path, [VIDEO, other, VIDEO, {**VIDEO, "id": 1}, {**VIDEO, "id": "1"}])
    nameless = read(tmp_path, [{**VIDEO, "id": name} for name in (None, "", {}, "x.mp4")])
    for found in (replay, nameless):
        ids = [example.id for example in found.examples]
        assert len({*ids}) == len(ids)
    assert [e.id for e in replay.examples][:3] == [
        *("replay/v1/0", "replay/v1#2/0", "replay/v1#3/0"),
    ]


def test_half_a_surrogate_pair_can_be_written(tmp_path: Path) -> None:
    turns = [ASKED, {**SAID, "value": "A \ud83d square."}]
    replay = read(tmp_path, [{**VIDEO, "id": "\udc80", "conversations": turns}])
    assert replay.examples[0].model_dump_json().encode()
    assert replay.examples[0].completion == "A ? square."


def test_a_video_whose_name_cannot_be_written_is_left_out(tmp_path: Path) -> None:
    """Its bytes are no UTF-8, so that it is there, but in no JSON."""
    (tmp_path / "data" / "clips").mkdir(parents=True)
    try:
        (tmp_path / "data" / "clips" / "caf\udce9.mp4").write_bytes(b"video")
    except (OSError, UnicodeEncodeError):
        pytest.skip("this system has no such names")
    replay = read(tmp_path, [VIDEO, {**VIDEO, "video": "caf\udce9.mp4"}])
    assert [example.video for example in replay.examples] == ["clips/x.mp4"]
    assert reasons(replay) == ["MissingVideo"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('[{"id": "caf\u00e9"}]'.encode("latin-1"), "UTF-8"),
        (b"[" * 100_000, "nested too deeply to be read as JSON"),
        (b'[{"id": 1}', "not JSON"),
        (b"[]", "none of its 0 entries"),
        (b"", "not JSON"),
        (b'{"a": 1}', "nothing has a column conversations, messages"),
        (json.dumps([MIXED[1], MIXED[2]]).encode(), "none of its 2 entries .* about an image"),
    ],
)
def test_a_file_without_any_example_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        read(tmp_path, content)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither \.json nor \.jsonl"):
        read(tmp_path, b"id,video\n", "mix.csv")


class Told(Silent):
    """Keeps what a step finds worth reading."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, message: str) -> None:
        self.told.append(message)


def curated(
    workspace: Workspace, entries: list[dict[str, Any]]
) -> tuple[Any, list[TrainingExample], str]:
    """Report, replayed examples and notes of curate with all samples answered."""
    (workspace.data / "mix.json").write_text(json.dumps(entries), encoding="utf-8")
    names = {s.id: s.labels[0].name for s in read_manifest(workspace, "train")}
    store(workspace, {n: f"This is {name}." for n, name in names.items()})
    store(workspace, {}, "rationalized")
    run(workspace)
    run(workspace, "verify-rationales")
    progress = Told()
    report = run_step("curate", "r1", workspace, progress)
    examples = read_shards(workspace.round("r1").train, TrainingExample)
    return report, [e for e in examples if e.form == "replay"], "\n".join(progress.told)


def entry(name: str, video: str = "train-0.mp4", **changes: Any) -> dict[str, Any]:
    return {"id": name, "video": video, "conversations": [ASKED, SAID], **changes}


def test_entries_that_are_left_out_stop_no_step_and_are_counted(
    new_workspace: Callable[..., Workspace],
) -> None:
    workspace = new_workspace(curate__replay=PARAMS)
    images = [entry(f"i{n}", "", image="a.jpg") for n in range(1200)]
    report, examples, told = curated(workspace, [entry("a"), *images, entry("b", "gone.mp4")])
    assert [example.id for example in examples] == ["replay/a/0"]
    assert (report.failed, report.rejected) == (0, 0)
    assert report.reasons == {"MissingVideo": 1, "ReplayImage": 1200}
    assert report.metrics["replay_entries"] == 1202
    assert report.metrics["replay_left_out"] == 1201
    assert "1,201 of 1,202 entries of mix.json are left out (1 MissingVideo, 1,200" in told
    assert "mix.json has 1 examples of the" in told
    failures = list(read_records(workspace.round("r1").failures("curate"), Failure))
    assert len(failures) == 1201
    assert {failure.step for failure in failures} == {"curate"}


def test_a_whole_mix_leaves_no_trace_in_the_report(
    new_workspace: Callable[..., Workspace],
) -> None:
    workspace = new_workspace(curate__replay=PARAMS)
    report, examples, told = curated(workspace, [entry(str(n)) for n in range(100)])
    assert len(examples) == 27
    assert not report.reasons
    assert not [name for name in report.metrics if name.startswith("replay_")]
    assert told == ""


def test_replayed_videos_that_are_held_out_are_left_out(
    new_workspace: Callable[..., Workspace],
) -> None:
    """By content, under their own or another name, and by the recording that names them."""
    workspace = new_workspace(curate__replay=PARAMS)
    clips, benchmark = workspace.data / "clips", workspace.data / "tempcompass" / "videos"
    benchmark.mkdir(parents=True)
    shutil.copy(clips / "test-0.mp4", clips / "copy.mp4")
    (benchmark / "1023759503_reverse.mp4").write_bytes(b"one")
    (clips / "1023759503.mp4").write_bytes(b"other")
    shutil.copy(clips / "1023759503.mp4", clips / "free.mp4")
    held = ["test-1.mp4", "copy.mp4", "1023759503.mp4"]
    report, examples, told = curated(
        workspace, [entry(name, name) for name in [*held, "free.mp4", "train-1.mp4"]]
    )
    assert {example.video for example in examples} == {"clips/free.mp4", "clips/train-1.mp4"}
    assert report.reasons == {"Leak": 3}
    failures = list(read_records(workspace.round("r1").failures("curate"), Failure))
    why = {failure.sample_id: failure.message for failure in failures}
    assert set(why) == {f"replay/{name}" for name in held}
    assert why["replay/copy.mp4"] == "its video is clips/test-0.mp4 of tiny"
    assert "3 of 5 entries" in told


def test_what_is_left_out_is_told_apart_too_and_long_ids_are_cut(tmp_path: Path) -> None:
    empty = {**VIDEO, "conversations": [ASKED, {**SAID, "value": ""}]}
    replay = read(tmp_path, [VIDEO, empty, empty, VIDEO, {**VIDEO, "id": "i" * 5000}])
    assert [failure.sample_id for failure in replay.left_out] == ["v1#2", "v1#3"]
    names = [example.sample_id for example in replay.examples]
    assert names[:2] == ["replay/v1", "replay/v1#4"]
    assert len(names[2]) == len("replay/") + 1000


def test_thousands_of_entries_of_one_id_are_named_in_no_time(tmp_path: Path) -> None:
    replay = read(tmp_path, [VIDEO] * 20_000)
    assert len({example.id for example in replay.examples}) == 20_000


def test_turns_that_no_model_has_room_for_are_left_out(tmp_path: Path) -> None:
    long = {**VIDEO, "conversations": [ASKED, {**SAID, "value": "word " * 20_001}]}
    assert reasons(read(tmp_path, [VIDEO, long])) == ["LongReplay"]
