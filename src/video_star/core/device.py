"""Which device settings.device means here."""

from __future__ import annotations

from typing import Literal

from video_star.core.errors import UsageError


def pick_device(wanted: Literal["auto", "cpu", "cuda"]) -> Literal["cpu", "cuda"]:
    """cpu or cuda for settings.device, `auto` included; UsageError without CUDA."""
    if wanted == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise UsageError("settings.device is cuda, but torch sees no CUDA device; use auto or cpu.")
    return "cpu"
