"""Parameters of the verifiers for tests: the project's own, with what a test changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from video_star.params import VerifyParams, load_params

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"


def verify_params(thresholds: dict[str, float] | None = None, **changes: Any) -> VerifyParams:
    """The `verify` section of params.yaml with other thresholds and values."""
    section = load_params(PARAMS).verify.model_dump()
    return VerifyParams.model_validate({**section, "thresholds": thresholds or {}, **changes})
