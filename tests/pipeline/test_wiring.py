"""dvc.yaml, params.yaml, prefect.yaml and the code agree with each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import yaml

from video_star.core.params import load_params
from video_star.pipeline.dvc import stage_name
from video_star.pipeline.stages import STEPS, rounds_of

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "video_star"

CARRYING = """
    context device engine environment errors excerpt jsonl messages model_paths params paths private
    processes progress records replacing sorting times
"""
PLUMBING = {f"core.{name}" for name in CARRYING.split()} | {
    *("data.by_sample", "data.manifest", "tracking.provenance"),
    *(
        f"pipeline.{name}"
        for name in ["executor", "ray_executor", "runner", "shard_files", "stages"]
    ),
}
"""Modules that carry records around; a change there must not rerun days of GPU work. The two steps
whose result they are (ingest, base) list them."""


def stages() -> dict[str, dict[str, Any]]:
    """Step name to the body of its stages, placeholders unfilled."""
    found = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return {name: stage.get("do", stage) for name, stage in found.items()}


def outs(stage: dict[str, Any]) -> list[str]:
    entries = [*stage["outs"], *stage.get("metrics", [])]
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def test_each_step_of_each_round_is_a_stage() -> None:
    from dvc.repo import Repo

    params = load_params(ROOT / "params.yaml")
    wanted = {stage_name(step, name) for step in STEPS for name in rounds_of(step, params)}
    with Repo(str(ROOT)) as repo:
        found = {stage.name for stage in repo.index.stages if stage.cmd}
    assert found == wanted


@pytest.mark.parametrize(
    ("step", "only_later"),
    [
        ("evaluate", {"rounds/r0/predictions", "rounds/${item.prev}/metrics.json"}),
        ("publish", {f"rounds/r0/verdicts/{origin}" for origin in ("direct", "rationalized")}),
    ],
)
def test_r0_is_done_as_every_other_round(step: str, only_later: set[str]) -> None:
    first, other = stages()[f"{step}-r0"], stages()[step]
    as_r0 = yaml.safe_load(yaml.safe_dump(other).replace("${key}", "r0"))
    assert {*as_r0.pop("deps")} == {*first.pop("deps"), *only_later}
    assert as_r0 == first


@pytest.mark.parametrize("step", STEPS)
def test_a_stage_runs_its_step_with_exactly_its_sections(step: str) -> None:
    stage, sections = stages()[step], STEPS[step].sections
    assert stage["cmd"].startswith(f"exec video-star {step} ")
    assert stage["params"] == list(sections)
    attrgetter(*sections)(load_params(ROOT / "params.yaml"))
    assert "settings" not in sections  # where things run
    written = outs(stage)
    assert any(path.endswith(f"/reports/{step}.json") for path in written)
    assert any(path.endswith(f"/failures/{step}.jsonl") for path in written)
    assert all(path.startswith(("rounds/", "mlflow/rounds/")) for path in written)


def module_path(name: str) -> Path | None:
    """The file of a module of ours, by its dotted name below video_star."""
    path = SOURCE.joinpath(*name.split(".")) if name else SOURCE
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.exists():
            return candidate
    return None


def imported(path: Path) -> set[str]:
    """Modules of ours that a file imports, also inside of functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    ours = {name.removeprefix("video_star.") for name in found if name.startswith("video_star.")}
    return {name for name in ours if module_path(name)}


def code_of(step: str) -> set[Path]:
    """Every file whose code can change what a step writes, plumbing left out."""
    start = STEPS[step].function.partition(":")[0].removeprefix("video_star.")
    waiting, seen = [start], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name in PLUMBING:
            continue
        seen.add(name)
        path = module_path(name)
        assert path is not None, name
        waiting += imported(path)
        if "open_engine" in path.read_text(encoding="utf-8"):
            waiting.append("generation.opening")
    paths = {path for name in seen if (path := module_path(name))}
    return {path for path in paths if len(ast.parse(path.read_text(encoding="utf-8")).body) > 1}


@pytest.mark.parametrize("step", STEPS)
def test_a_stage_depends_on_all_code_that_changes_its_result(step: str) -> None:
    deps = [ROOT / dep for dep in stages()[step]["deps"] if dep.startswith("src/")]
    assert len(deps) == len(set(deps))
    assert all(dep.exists() for dep in deps)
    missing = {
        path.relative_to(ROOT).as_posix()
        for path in code_of(step)
        if not any(path == dep or path.is_relative_to(dep) for dep in deps)
    }
    assert not missing


def test_the_deployment_names_the_flow() -> None:
    deployment = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    (cycle,) = deployment["deployments"]
    assert (cycle["name"], cycle["entrypoint"]) == ("cycle", "flows/cycle.py:cycle")
    assert cycle["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}


def test_no_python_file_shadows_the_mlflow_package() -> None:
    assert not list((ROOT / "mlflow").rglob("*.py"))


def test_only_tracking_imports_mlflow() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for folder in (SOURCE, ROOT / "flows", ROOT / "tasks")
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (
            isinstance(node, ast.Import)
            and any(a.name.split(".")[0] == "mlflow" for a in node.names)
        )
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mlflow")
    }
    assert users == {"src/video_star/tracking/runs.py"}


@pytest.mark.parametrize(
    "module",
    [
        "cli.main",
        "cli.cycle",
        "core.params",
        "pipeline.runner",
        "tracking.rounds_table",
        "services.local",
    ],
)
def test_a_command_starts_without_loading_the_heavy_packages(module: str) -> None:
    heavy = ["torch", "mlflow", "prefect", "deepspeed", "transformers", "dvc", "ray"]
    heavy += (
        ["pydantic", "av"] if module == "cli.main" else []
    )  # what `video-star --help` waits for
    code = (
        f"import sys, video_star.{module}\n"
        f"sys.exit(', '.join(name for name in {heavy!r} if name in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
