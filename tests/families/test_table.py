"""The table of families is true of the classes, and is the one in the README."""

from __future__ import annotations

import tiny

from video_star.engines.transformers import Loaded
from video_star.families.parts import part_modules
from video_star.families.table import FAMILIES, PARTS, markdown_table


def test_the_readme_has_the_table() -> None:
    assert markdown_table() in (tiny.ROOT / "README.md").read_text(encoding="utf-8")


def test_every_module_of_a_row_is_there(loaded: Loaded, family: str) -> None:
    for part in PARTS:
        assert part_modules(loaded.model, part) == FAMILIES[family].modules(part)
