"""The table of benchmarks: what met its bar, what could not run, and whose rows a run replaces."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "results.py"
FAST = "print('a word', flush=True)\nprint('%s')"


def row(**values: Any) -> dict[str, Any]:
    return {"measure": "speed", "value": 2.5, "unit": "x", "bar": ">= 2", "detail": "", **values}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with benchmarks in a folder of the test."""
    spec = importlib.util.spec_from_file_location("bench_results", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "HERE", tmp_path)
    return module


@pytest.mark.parametrize(
    ("value", "bar", "verdict"),
    [
        (2.0, ">= 2", "yes"),
        (1.99, ">= 2", "**no**"),
        (19_000, ">= 20,000", "**no**"),
        (10, "<= 10", "yes"),
        (0.5, "< 0.5", "**no**"),
        (7, "", ""),
        (None, ">= 2", ""),
    ],
)
def test_a_bar_is_met_or_not(
    results: ModuleType, value: float | None, bar: str, verdict: str
) -> None:
    cells = results.line("frames", row(value=value, bar=bar)).split(" | ")
    assert cells[4] == verdict
    assert (cells[2] == "not measured") == (value is None)


def test_a_cell_keeps_to_its_column(results: ModuleType) -> None:
    assert results.line("frames", row(detail="a | b\nc")) == (
        r"| frames | speed | 2.5 x | >= 2 | yes | a \| b c |"
    )


def test_a_run_of_one_script_replaces_its_rows_alone(results: ModuleType) -> None:
    first = results.merged(
        "", {"memory": ["| memory | peak |", "- memory: then"], "frames": ["| frames | old |"] * 2}
    )
    later = results.merged(first, {"frames": ["| frames | new |", "- frames: now"]})
    assert later.split("| --- |\n")[1] == (
        "| frames | new |\n| memory | peak |\n\n- frames: now\n- memory: then\n"
    )


def test_what_a_script_measures_and_why_one_cannot_run(results: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "frames.py").write_text(FAST % json.dumps(row()))
    (tmp_path / "memory.py").write_text(FAST % json.dumps(row()) + "\nimport nothing_such")
    lines = results.measured("frames")
    assert lines[:-1] == [results.line("frames", row())]
    assert lines[-1].startswith("- frames: 20")
    kept, failed, _ = results.measured("memory")
    assert kept == results.line("memory", row())
    assert "not measured" in failed
    assert "exit code 1: ModuleNotFoundError: No module named 'nothing_such'" in failed
    assert "No such file" in results.measured("overhead")[0]
