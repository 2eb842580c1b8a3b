"""Reading what rows have in common once: where they are divided, the cache, and when it is off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from asking import Notes, answers, engine_for, requests_for
from transformers.cache_utils import DynamicLayer

from video_star.generation import kv_cache
from video_star.generation.kv_cache import ROOM, RoomyLayer
from video_star.generation.prefix import continue_from, divide
from video_star.models.conversation import Tokens


def row(*ids: int) -> Tokens:
    return Tokens(np.array(ids, np.int32), None, len(ids))


def test_rows_are_divided_equally_far_behind_each_video() -> None:
    rows = [row(9, 9, 1, 2, 3), row(8, 8, 8, 1, 5, 6), row(9, 9, 1, 2, 4, 5), row(8, 8, 8, 1, 7)]
    parts = divide(rows, [0, 1, 0, 1], [2, 3])
    assert [b.ids.tolist() for b in parts.beginnings] == [[9, 9, 1], [8, 8, 8, 1]]
    assert [r.ids.tolist() for r in parts.rests] == [[2, 3], [5, 6], [2, 4, 5], [7]]


def test_of_equal_rows_the_last_token_is_left() -> None:
    parts = divide([row(9, 1, 2), row(9, 1, 2)], [0, 0], [1])
    assert [b.ids.tolist() for b in parts.beginnings] == [[9, 1]]
    assert [r.ids.tolist() for r in parts.rests] == [[2], [2]]


def test_a_cache_with_room_holds_what_transformers_own_holds() -> None:
    torch.manual_seed(0)
    roomy, usual = RoomyLayer(), DynamicLayer()

    def same(keys: torch.Tensor, values: torch.Tensor) -> None:
        found, expected = roomy.update(keys, values), usual.update(keys, values)
        assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
        assert roomy.get_seq_length() == usual.get_seq_length()

    def new(rows: int, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.randn(rows, 2, tokens, 4), torch.randn(rows, 2, tokens, 4)

    same(*new(2, 5))
    for rows in ([0, 0, 1, 1], [3, 1], [1, 0, 1]):
        for layer in (roomy, usual):
            layer.batch_select_indices(torch.tensor(rows))
        for tokens in (7, *[1] * (ROOM + 3)):
            same(*new(len(rows), tokens))
    for layer in (roomy, usual):
        layer.crop(-3)
    same(*new(3, 1))


def test_a_token_does_not_copy_the_cache() -> None:
    layer = RoomyLayer()
    layer.update(torch.zeros(1, 1, 9, 4), torch.zeros(1, 1, 9, 4))
    where = layer.keys.data_ptr()
    for _ in range(ROOM):
        layer.update(torch.zeros(1, 1, 1, 4), torch.zeros(1, 1, 1, 4))
    assert layer.keys.data_ptr() == where


def test_a_model_whose_answers_it_changes_reads_a_clip_for_each_question(
    tiny_base: Path, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = requests_for(clips)
    alone = answers(engine_for(tiny_base, tmp_path, 1), requests)
    tried = []

    def broken(model: Any, beginnings: dict[str, Any], *rest: Any) -> dict[str, Any]:
        tried.append(len(rest[0].rests))
        inputs = continue_from(model, beginnings, *rest)
        for layer in inputs["past_key_values"].layers:
            layer.values = layer.values.flip(-2)
        return inputs

    monkeypatch.setattr("video_star.generation.transformers.continue_from", broken)
    engine = engine_for(tiny_base, tmp_path, 64)
    assert answers(engine, requests) == alone
    assert tried == [2]
    assert isinstance(engine.progress, Notes)
    assert [note for note in engine.progress.notes if "Reading a clip once" in note]


def test_a_cache_with_a_window_too_narrow_for_the_padding_is_not_divided(
    tiny_base: Path, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = engine_for(tiny_base, tmp_path).loaded.model
    config = model.config.get_text_config(decoder=True)
    assert kv_cache.rows_can_be_selected(model, 10_000)
    n = config.num_hidden_layers
    monkeypatch.setattr(config, "sliding_window", 64)
    monkeypatch.setattr(config, "layer_types", ["sliding_attention"] * n)
    assert kv_cache.rows_can_be_selected(model)
    assert kv_cache.rows_can_be_selected(model, 64)
    assert not kv_cache.rows_can_be_selected(model, 65)
