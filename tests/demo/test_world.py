"""The small world: pixels, classes and texts are what they claim to be."""

from __future__ import annotations

import random
from pathlib import Path

import av
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from video_star.core import prompts
from video_star_demo import babble, lessons, mp4, wording, world

UNKNOWN_WORDS = {word for action in world.UNKNOWN for word in action.name.split()}


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
