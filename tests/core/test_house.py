"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(p for top in ("src", "flows", "tasks") for p in (ROOT / top).rglob("*.py"))


def test_nothing_python_lies_in_the_mlflow_folder() -> None:
    """A package of that name in the working folder would shadow the real one."""
    assert not list((ROOT / "mlflow").rglob("*.py"))
    code = "import mlflow; assert hasattr(mlflow, 'log_metric')"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_module_says_what_it_holds(path: Path) -> None:
    text = path.read_text()
    assert not text.strip() or ast.get_docstring(ast.parse(text))


ROOMS = (
    *("core", "video", "data", "models", "generation", "verification", "training", "evaluation"),
    *("tracking", "report", "pipeline", "services", "cli"),
)
"""In the order in which data flow: a room imports from itself and from those before it."""


def imports(path: Path) -> set[str]:
    """Rooms that a file imports from, also inside of functions."""
    names = {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
    }
    return {name.split(".")[1] for name in names if name.startswith("video_star.")}


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_one_way(room: str) -> None:
    allowed = {*ROOMS[: ROOMS.index(room) + 1]}
    files = (ROOT / "src" / "video_star" / room).rglob("*.py")
    upward = {path.name: imports(path) - allowed for path in files}
    assert not {name: rooms for name, rooms in upward.items() if rooms}


def test_nothing_lies_beside_the_rooms() -> None:
    beside = {p.name for p in (ROOT / "src" / "video_star").iterdir() if p.name[0] != "."}
    assert beside - {"__pycache__"} == {
        *ROOMS,
        "__init__.py",
        "__main__.py",
        "py.typed",
        "rewards.py",
    }
