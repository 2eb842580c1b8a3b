"""Parameters for the tests of families."""

from __future__ import annotations

from pathlib import Path

from video_star.core.params import ModelParams, VideoParams

POLICIES = {
    "uniform": VideoParams(frames=4, sampling="uniform", fps=None, short_side=None),
    "fps": VideoParams(frames=6, sampling="fps", fps=2.0, short_side=None),
}
"""The last one gives 1 to 6 frames of the clips in conftest.py."""


def model_params(base: Path) -> ModelParams:
    return ModelParams(base=str(base), revision=None, dtype="float32", trust_remote_code=False)
