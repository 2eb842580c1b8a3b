"""Pages link to files that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "mlflow").glob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").stat().st_size <= 8192


def test_the_walk_of_one_sample_is_true_and_short() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    walk = text.partition("## The walk of one sample")[2].partition("\n## ")[0]
    functions = re.findall(r"`(?:[\w/]+\.py: )?((?:[A-Z]\w+\.)?[a-z]\w+)`", walk)
    source = ROOT / "src" / "video_star"
    code = "".join(path.read_text(encoding="utf-8") for path in source.rglob("*.py"))
    assert len(set(functions)) <= 12
    assert [name for name in functions if f"def {name.rpartition('.')[2]}(" not in code] == []
    for file, name in re.findall(r"`([\w/]+\.py): (\w+)`", walk):
        assert f"def {name}(" in (source / file).read_text(encoding="utf-8")
