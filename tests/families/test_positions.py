"""Where Qwen2-VL and Qwen2.5-VL stand in time: as their authors say, whatever transformers does."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from family_params import model_params
from tiny_families import BUILDERS

from video_star.generation.transformers import Loaded, load
from video_star.models.batches import on_device
from video_star.models.positions import continued


def positions(loaded: Loaded, grid: list[int], seconds: float | None, tail: int) -> torch.Tensor:
    """[3, L] of three text tokens, a video of this grid (before merging), `tail` text tokens."""
    n = grid[0] * grid[1] * grid[2] // 4
    kinds = torch.tensor([[0] * 3 + [2] * n + [0] * tail])
    times = {} if seconds is None else {"second_per_grid_ts": torch.tensor([seconds])}
    found, ahead = loaded.model.model.get_rope_index(
        torch.ones_like(kinds),
        mm_token_type_ids=kinds,
        video_grid_thw=torch.tensor([grid]),
        attention_mask=torch.ones_like(kinds),
        **times,
    )
    assert int(ahead) == int(found.max()) + 1 - kinds.shape[1]
    return found[:, 0]


@pytest.fixture(scope="module", params=["qwen2_vl", "qwen2_5_vl"])
def qwen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    base = BUILDERS[request.param](tmp_path_factory.mktemp("qwen"))
    return load(model_params(base), base, None, "cpu")


def test_the_example_of_the_authors(tmp_path: Path) -> None:
    """The docstring of get_rope_index in transformers 4.49 to 5.2, for Qwen2.5-VL.

    Three temporal patches of 2 x 2, fps 1, 25 tokens a second, temporal patch size 2: vision at
    0, 50, 100; "text temporal position_ids: [101, 102, 103, 104, 105]".
    """
    base = BUILDERS["qwen2_5_vl"](tmp_path)
    loaded = load(model_params(base), base, None, "cpu")
    loaded.model.config.vision_config.tokens_per_second = 25
    found = positions(loaded, [3, 4, 4], 2.0, 5) - 3
    assert found[0, 3:].tolist() == [*[0] * 4, *[50] * 4, *[100] * 4, 101, 102, 103, 104, 105]
    assert found[1, 3:].tolist() == [*[0, 0, 1, 1] * 3, 101, 102, 103, 104, 105]
    assert found[2, 3:].tolist() == [*[0, 1, 0, 1] * 3, 101, 102, 103, 104, 105]


@pytest.mark.parametrize("grid", [[2, 8, 4], [9, 4, 4], [1, 4, 4]])
def test_text_follows_the_largest_position_of_the_video(qwen: Loaded, grid: list[int]) -> None:
    seconds = 3.0 if hasattr(qwen.model.config.vision_config, "tokens_per_second") else None
    found = positions(qwen, grid, seconds, 4)
    assert found[:, -4].tolist() == [int(found[:, :-4].max()) + 1] * 3
    assert found[0, -4:].diff().tolist() == [1, 1, 1]


def test_positions_that_are_right_stay() -> None:
    text = torch.arange(5).expand(3, -1)
    assert torch.equal(continued(text, torch.zeros(5)), text)


def test_times_keep_their_precision_in_a_model_of_half_precision() -> None:
    """In bfloat16, 61.15 seconds would be 61.25, and positions in time would be others."""
    model = SimpleNamespace(device=torch.device("cpu"), dtype=torch.bfloat16)
    given = {"second_per_grid_ts": torch.tensor([61.15]), "pixel_values_videos": torch.ones(2, 3)}
    moved = on_device(given, model)
    assert torch.equal(moved["second_per_grid_ts"], given["second_per_grid_ts"])
    assert moved["pixel_values_videos"].dtype == torch.bfloat16
