"""A small world of moving shapes and the small model that watches it, shipped with the package."""

from __future__ import annotations

from pathlib import Path


def base_path() -> Path:
    """Folder of the shipped base model, as `from_pretrained` reads it."""
    return Path(__file__).parent / "base"
