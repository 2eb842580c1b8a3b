"""The small world: pixels, classes and files are what they claim to be."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import av
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from video_star.core import prompts
from video_star_demo import babble, lessons, mp4, tempcompass, wording, world

UNKNOWN_WORDS = {word for action in world.UNKNOWN for word in action.name.split()}


def _kinetics(root: Path, split: str) -> list[dict[str, str]]:
    with (root / "kinetics" / f"{split}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@given(st.sampled_from(world.all_programs()), st.integers(0, 2**31))
def test_the_shape_stays_in_the_picture(program: world.Program, seed: int) -> None:
    clip = world.draw_clip(program, seed)
    assert clip.states.shape == (world.FRAMES, 5)
    assert clip.states[:, :2].min() >= 0
    assert clip.states[:, :2].max() < world.SIZE * world.UNIT


def test_two_drawings_of_a_seed_are_equal_to_the_byte() -> None:
    program = world.ACTIONS[0].program
    first, second = (mp4.encode(world.render(world.draw_clip(program, 5))) for _ in range(2))
    assert first == second
    assert first != mp4.encode(world.render(world.draw_clip(program, 6)))


def test_a_file_is_h264_and_looks_like_what_was_drawn(tmp_path: Path) -> None:
    frames = world.render(world.draw_clip(world.ACTIONS[4].program, 1))
    mp4.write(tmp_path / "clip.mp4", frames)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.average_rate) == ("h264", world.FPS)
        seen = np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])
    assert seen.shape == frames.shape
    assert np.abs(seen.astype(int) - frames).mean() < 4


def test_the_left_and_right_of_the_words_are_those_of_the_pixels() -> None:
    for motion, axis, sign in (("left", 0, -1), ("right", 0, 1), ("up", 1, -1), ("down", 1, 1)):
        clip = world.draw_clip((world.Phase(motion, "fast"),), 3)
        frames = world.render(clip).astype(int)
        moved = np.abs(frames - np.median(frames, axis=(1, 2), keepdims=True)).sum(axis=3) > 150
        place = [float(np.argwhere(m)[:, 1 - axis].mean()) for m in (moved[0], moved[-1])]
        assert (place[1] - place[0]) * sign > 10, motion


def test_sixteen_classes_of_which_four_are_known() -> None:
    assert len(world.NAMED) == len(world.ACTIONS) == 16
    assert len(world.KNOWN) == 4


def test_no_class_name_is_near_another_or_near_a_word_of_description() -> None:
    words = [word for action in world.ACTIONS for word in action.name.split()]
    text = " ".join(wording.doing(p) for p in world.all_programs()).split()
    text += [wording.does(phase) for p in world.all_programs() for phase in p]
    text += [*lessons.NO_NAME.split(), "First", "Then", "This", *world.SHAPES, *world.COLOURS]
    for i, word in enumerate(words):
        for other in {*words[:i], *words[i + 1 :], *" ".join(text).split()}:
            assert fuzz.ratio(word, other.lower()) < 85, (word, other)


def test_no_lesson_text_holds_a_name_that_the_loop_must_teach() -> None:
    rng = random.Random(0)
    programs = [*world.all_programs(), *(a.program for a in world.ACTIONS), *world.NAMED]
    clips = [world.draw_clip(rng.choice(programs), i) for i in range(300)]
    texts = lessons.corpus(clips, rng) + [babble.label(rng) for _ in range(3000)]
    words = {word.strip(".,:'\"()?!").lower() for text in texts for word in text.split()}
    assert not UNKNOWN_WORDS & words
    assert {action.name for action in world.KNOWN} <= words


def test_a_told_label_is_put_exactly_as_the_loop_tells_it() -> None:
    clip = world.draw_clip(world.UNKNOWN[0].program, 2)
    asked = lessons.told(clip, random.Random(1))
    label = asked.answer.rsplit("This is ", 1)[1][:-1]
    assert asked.question in {prompts.with_label(q, label) for q in prompts.CLASS_QUESTIONS}


def test_kinetics_files_name_every_clip_and_split_by_source(data: Path) -> None:
    splits = {name: _kinetics(data, name) for name in ("train", "test")}
    assert {r["label"] for r in splits["train"]} == {a.name for a in world.ACTIONS}
    sources = {name: {r["youtube_id"] for r in rows} for name, rows in splits.items()}
    assert not sources["train"] & sources["test"]
    assert len(sources["train"]) < len(splits["train"])
    for row in (*splits["train"], *splits["test"]):
        start, end = int(row["time_start"]), int(row["time_end"])
        name = f"{row['youtube_id']}_{start:06d}_{end:06d}.mp4"
        assert len(row["youtube_id"]) == 11
        assert (data / "kinetics" / "videos" / name).stat().st_size > 1000


def test_no_two_clips_of_the_demo_are_the_same(data: Path) -> None:
    contents = [path.read_bytes() for path in data.rglob("*.mp4")]
    assert len(set(contents)) == len(contents)


def test_tempcompass_files_have_the_layout_of_the_benchmark(data: Path) -> None:
    root = data / "tempcompass"
    meta = json.loads((root / "meta_info.json").read_text())
    asked = {
        t: json.loads((root / "questions" / f"{t}.json").read_text()) for t in tempcompass.TASKS
    }
    assert all(set(content) == set(meta) for content in asked.values())
    for video, content in meta.items():
        assert (root / "videos" / f"{video}.mp4").exists()
        aspects = {name for name, known in content["eval_dim"].items() if known is not None}
        assert all(set(task[video]) == aspects for task in asked.values())
    for aspects in asked["multi-choice"].values():
        for questions in aspects.values():
            assert all(q["answer"] in q["question"].split("\n")[1:] for q in questions)
    polarity = [q["answer"] for v in asked["yes_no"].values() for a in v.values() for q in a]
    assert polarity.count("yes") == polarity.count("no")


def test_replay_conversations_hold_no_name_that_the_loop_must_teach(data: Path) -> None:
    records = json.loads((data / "replay" / "replay.json").read_text())
    text = json.dumps(records)
    assert not [word for word in UNKNOWN_WORDS if word in text]
    for record in records:
        assert (data / "replay" / record["video"]).exists()
        assert [turn["from"] for turn in record["conversations"]] == ["human", "gpt"]
        assert record["conversations"][0]["value"].startswith("<video>\n")
