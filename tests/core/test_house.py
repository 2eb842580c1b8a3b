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


def test_only_tracking_imports_mlflow() -> None:
    importing = {
        path.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and any(a.name.startswith("mlflow") for a in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mlflow"))
    }
    assert importing <= {"tracking.py"}
