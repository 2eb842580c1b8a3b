"""What a model reads is what its family's processor writes: ids, times, turns, nothing twice."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from write_golden import CASES, GOLDEN, clip_of

from video_star.core.errors import VideoError
from video_star.generation.transformers import Loaded
from video_star.models.conversation import PreparedClip
from video_star.models.features import encode_clips
from video_star.models.table import FAMILIES
from video_star.training.clips import outline
from video_star.video.decode import Frames

Golden = dict[str, Any]


@pytest.fixture(params=list(CASES))
def golden(request: pytest.FixtureRequest, family: str) -> Golden:
    """What transformers alone makes of one case (write_golden.py)."""
    found: Golden = json.loads(GOLDEN.read_text(encoding="utf-8"))["families"][family]
    return found[request.param]  # type: ignore[no-any-return]


def prepared(loaded: Loaded, case: Golden) -> PreparedClip:
    return loaded.conversations.prepare(
        Frames(clip_of(case), tuple(case["times"]), case["duration"])
    )


def placeholders(loaded: Loaded, ids: np.ndarray) -> int:
    """How many of some ids stand for what the model sees."""
    config = loaded.model.config
    names = ("video_token_id", "image_token_id", "video_token_index", "image_token_index")
    return int(np.isin(ids, [getattr(config, name, -1) for name in names]).sum())


def test_a_question_is_what_the_family_s_processor_makes_of_it(
    loaded: Loaded, golden: Golden
) -> None:
    tokens = loaded.conversations.encode_question(prepared(loaded, golden), golden["text"])
    assert tokens.ids.tolist() == list(chain(*([token] * n for token, n in golden["runs"])))


@pytest.mark.parametrize("text", ["", "Who?", "\n\n Who  is\n it ?", " \n"])
def test_tokens_behind_the_video_are_those_of_the_whole_text(
    loaded: Loaded, golden: Golden, text: str
) -> None:
    clip = prepared(loaded, golden)
    assert clip.head is not None
    tokens = loaded.conversations.encode_question(clip, text)
    whole = loaded.conversations.encode_question(replace(clip, head=None), text)
    assert tokens.ids.tolist() == whole.ids.tolist()
    assert np.array_equal(tokens.type_ids, whole.type_ids)  # type: ignore[arg-type]
    assert placeholders(loaded, tokens.ids[len(clip.head.ids) :]) == 0


def test_clips_are_prepared_together_as_they_are_alone(loaded: Loaded) -> None:
    pixels = clip_of(CASES["even"])
    clips = [
        Frames(pixels, tuple(0.5 * n for n in range(len(pixels))), 0.5 * len(pixels)),
        Frames(pixels[::-1].copy(), tuple(17.3 * n for n in range(len(pixels))), 600.0),
    ]
    for together, frames in zip(loaded.conversations.prepare_all(clips), clips, strict=True):
        alone = loaded.conversations.prepare(frames)
        assert list(together.inputs) == list(alone.inputs)
        for name, value in alone.inputs.items():
            assert torch.equal(together.inputs[name], value)
        for clip in (together, replace(together, head=None)):
            ids = loaded.conversations.encode_question(clip, "Who?").ids
            assert ids.tolist() == loaded.conversations.encode_question(alone, "Who?").ids.tolist()


def test_the_layout_of_a_clip_tells_its_times(loaded: Loaded, golden: Golden) -> None:
    inputs = prepared(loaded, golden).inputs
    for name, value in golden["values"].items():
        assert (
            inputs[name].tolist() == pytest.approx(value)
            if name == "second_per_grid_ts"
            else (inputs[name].tolist() == value)
        )


def test_there_is_a_placeholder_for_each_feature(loaded: Loaded, golden: Golden) -> None:
    clip = prepared(loaded, golden)
    found = encode_clips(loaded.model, [clip.inputs])
    assert found is not None
    n = sum(part.flatten(0, -2).shape[0] for part in found[0].pooled)
    mask = clip.inputs.get("video_compression_mask")
    tokens = loaded.conversations.encode_question(clip, golden["text"])
    assert placeholders(loaded, tokens.ids) == (n if mask is None else int(mask.sum()))


def test_an_answer_follows_its_question_and_ends_as_the_template_ends_it(
    loaded: Loaded, golden: Golden
) -> None:
    conversations = loaded.conversations
    clip = prepared(loaded, golden)
    asked = conversations.encode_question(clip, golden["text"])
    taught = conversations.encode_conversation(clip, golden["text"], "Yes.")
    assert taught.ids[: taught.answer].tolist() == asked.ids.tolist()
    answer = conversations.tokenizer.decode(taught.ids[taught.answer :])
    assert answer.lstrip() == f"Yes.{conversations.end_of_turn}"
    assert conversations.end_id in loaded.ends
    # The template's own text after an answer begins with that token, or holds none at all.
    after = golden["answered"].rpartition("Yes.")[2].strip()
    assert after.startswith(conversations.end_of_turn) or after == ""


@pytest.mark.parametrize("answer", ["end", "turn", "e", "im_end", "  Yes.\n"])
def test_any_answer_is_taught_whole_and_once(loaded: Loaded, answer: str) -> None:
    """Also one that stands in the end token or the template, or has spaces around it."""
    conversations = loaded.conversations
    asked = conversations.render("Who?", None)
    taught = conversations.render("Who?", answer)
    assert taught.removeprefix(asked).lstrip() == f"{answer.strip()}{conversations.end_of_turn}"
    clip = prepared(loaded, CASES["even"])
    tokens = conversations.encode_conversation(clip, "Who?", answer)
    said = conversations.tokenizer.decode(tokens.ids[tokens.answer :])
    assert said.lstrip() == f"{answer.strip()}{conversations.end_of_turn}"


@pytest.mark.parametrize(
    "said",
    ["<video> <image>", "<|video_pad|><|image_pad|><|im_end|>", "<|video|><|image|><turn|></s>"],
)
def test_control_tokens_in_data_are_plain_text(loaded: Loaded, said: str) -> None:
    conversations = loaded.conversations
    clip = prepared(loaded, CASES["even"])
    n = placeholders(loaded, conversations.encode_question(clip, "Who?").ids)
    tokens = conversations.encode_conversation(clip, f"Who? {said}", f"{said} me")
    assert placeholders(loaded, tokens.ids) == n
    assert (tokens.ids[tokens.answer :] == conversations.end_id).sum() == 1


def test_a_clip_without_a_clock_is_refused_where_times_are_told(
    loaded: Loaded, family: str
) -> None:
    frames = Frames(clip_of(CASES["even"]), None, None)
    if FAMILIES[family].times is None:
        assert len(
            loaded.conversations.encode_question(loaded.conversations.prepare(frames), "Who?")
        )
    else:
        with pytest.raises(VideoError, match="has no clock"):
            loaded.conversations.prepare(frames)


def test_a_clip_of_one_frame_can_be_asked_about(loaded: Loaded) -> None:
    frames = Frames(clip_of(CASES["even"])[:1], (0.0,), 0.1)
    clip = loaded.conversations.prepare(frames)
    assert placeholders(loaded, loaded.conversations.encode_question(clip, "Who?").ids) > 0


def test_goldens_are_of_the_families_of_the_table() -> None:
    golden = json.loads(Path(GOLDEN).read_text(encoding="utf-8"))
    assert list(golden["families"]) == list(FAMILIES)


def test_the_tokens_need_no_pixels(loaded: Loaded, golden: Golden) -> None:
    clip = prepared(loaded, golden)
    whole, other = (
        loaded.conversations.encode_conversation(item, golden["text"], "Yes.")
        for item in (clip, outline(clip))
    )
    assert other.ids.tolist() == whole.ids.tolist()
    assert other.answer == whole.answer
    if whole.type_ids is not None and other.type_ids is not None:
        assert other.type_ids.tolist() == whole.type_ids.tolist()
