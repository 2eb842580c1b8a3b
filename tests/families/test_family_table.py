"""The table of families is true of the classes, and is the one in the docs."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest
import tiny

from video_star.core.errors import UsageError
from video_star.generation.check import check_model
from video_star.generation.transformers import Loaded
from video_star.models.parts import lora_targets, part_modules
from video_star.models.table import FAMILIES, PARTS, markdown_table


def test_the_readme_has_the_table() -> None:
    assert markdown_table() in (tiny.ROOT / "docs" / "models.md").read_text(encoding="utf-8")


def test_every_module_of_a_row_is_there(loaded: Loaded, family: str) -> None:
    for part in PARTS:
        assert part_modules(loaded.model, part) == FAMILIES[family].modules(part)


def test_a_model_outside_of_the_table_is_checked_and_its_language_model_trained(
    loaded: Loaded, family: str
) -> None:
    targets = lora_targets(loaded.model, ["language_model"], None)
    with patch.dict(FAMILIES):  # which keeps the order of the others, unlike monkeypatch
        del FAMILIES[family]
        assert check_model(loaded, Path("tiny"))
        assert lora_targets(loaded.model, ["language_model"], None) == targets
        with pytest.raises(UsageError, match="the vision_tower of a"):
            lora_targets(loaded.model, ["vision_tower"], None)
