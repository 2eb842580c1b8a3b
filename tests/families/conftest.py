"""One tiny checkpoint per family, and clips of different lengths, sizes and rates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from family_params import POLICIES, model_params
from tiny_families import BUILDERS
from transformers import GenerationConfig

from video_star.core.params import VideoParams
from video_star.generation.transformers import Loaded, load
from video_star.models.table import FAMILIES


@pytest.fixture(scope="session", params=list(FAMILIES))
def family(request: pytest.FixtureRequest) -> str:
    """model_type of a family of the table."""
    return str(request.param)


@pytest.fixture(scope="session")
def base(family: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its tiny checkpoint."""
    return BUILDERS[family](tmp_path_factory.mktemp(family))


@pytest.fixture(scope="session")
def _loaded(base: Path) -> Loaded:
    return load(model_params(base), base, None, "cpu")


@pytest.fixture
def loaded(_loaded: Loaded) -> Iterator[Loaded]:
    """The checkpoint, ready to answer; a test may change its generation settings."""
    settings = GenerationConfig(**_loaded.model.generation_config.to_dict())
    yield replace(_loaded)
    _loaded.model.generation_config = settings


@pytest.fixture(params=list(POLICIES))
def policy(request: pytest.FixtureRequest) -> VideoParams:
    """Parameters of a sampling policy."""
    return POLICIES[request.param]


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four clips of checkered noise: 0.4 to 3.8 s, upright and wide, 8 and 10 frames a second."""
    folder = tmp_path_factory.mktemp("footage")

    def write(n: int, height: int, width: int, fps: int) -> Path:
        rng = np.random.default_rng(n)
        tiles = rng.integers(0, 256, (n, 4, 4, 3)).astype(np.uint8)
        pixels = tiles.repeat(height // 4, axis=1).repeat(width // 4, axis=2)
        return tiny.write_clip(folder / f"{n}.mp4", pixels, fps=fps)

    return [write(12, 56, 56, 8), write(30, 40, 64, 8), write(4, 64, 40, 10), write(26, 48, 48, 10)]
