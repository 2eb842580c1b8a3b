"""A workspace after two rounds, by the real steps; a script answers in place of the models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tiny
import yaml

from video_star.core.model_paths import base_ref, tuned_ref, write_ref
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.pipeline.runner import run_step

SOURCE = {
    "reader": "table",
    "dataset": "mine",
    "annotations": "mine.csv",
    "videos": "clips",
    "kind": "class",
    "columns": {"id": "name", "video": "file", "label": "action", "split": "split"},
    "split": None,
}
LABELS = {
    "always": ("train-0.mp4", "jumping", "train"),
    "lost": ("train-1.mp4", "surfing", "train"),
    "found": ("train-2.mp4", "clapping", "train"),
    "never": ("train-3.mp4", "hiking", "train"),
    "gone": ("train-77.mp4", "hiking", "train"),
    "bare": ("train-4.mp4", "", "train"),
    "tested": ("test-0.mp4", "jumping", "test"),
    "tested/longer": ("test-1.mp4", "surfing", "test"),
}
"""Rows by id: video, action, split. The video of one is missing, and the label of another."""
HOSTILE = "It is [bold]never[/] \x1b[31mred\x1b[0m \u202eesrever </script><b>.\nAnswer: jumping"
JUDGED = "Answer: "


def build(root: Path, clips: Path) -> Workspace:
    """Ingest, base, and r1 and r2 up to curate, each with a model and an evaluation; r0 too."""
    base = root / "model"
    base.mkdir(parents=True)
    (base / "config.json").write_text("{}", encoding="utf-8")
    changes: dict[str, Any] = {
        "ingest__sources": [SOURCE],
        "evaluate__benchmarks": {"held_out": {"dataset": None}},
        "max_failure_rate": 0.5,
        "generate__samples": 1,
        "settings__engine": "scripted:script.json",
    }
    workspace = tiny.make_workspace(root / "ws", base, clips, **changes)
    workspace.manifest.unlink()
    lines = [",".join((name, *row)) for name, row in LABELS.items()]
    (workspace.data / "mine.csv").write_text("\n".join(["name,file,action,split", *lines]))
    _say(workspace, {"test-0": "hiking", "test-1": "surfing"})
    _run(workspace, "r0", "ingest", "base", "evaluate")
    _round(
        workspace,
        "r1",
        {"train-0": "jumping", "train-1": "surfing", "train-2": "hiking", "train-3": "jumping"},
        {"train-2": "hiking or clapping", "train-3": "surfing"},
        {"test-0": "jumping", "test-1": "surfing"},
    )
    _round(
        workspace,
        "r2",
        {"train-0": "jumping", "train-1": "hiking", "train-2": "hiking", "train-3": "jumping"},
        {"train-1": "jumping", "train-2": "clapping", "train-3": "surfing"},
        {"test-0": "jumping", "test-1": "hiking"},
    )
    return workspace


def _round(
    workspace: Workspace,
    name: str,
    answers: dict[str, str],
    explained: dict[str, str],
    tested: dict[str, str],
) -> None:
    _say(workspace, answers, explained)
    _run(workspace, name, *("generate", "verify", "rationalize", "verify-rationales", "curate"))
    paths = workspace.round(name)
    paths.adapter.mkdir(parents=True)
    (paths.adapter / "adapter_config.json").write_text(f'"{name}"', encoding="utf-8")
    (paths.adapter / "adapter_model.safetensors").write_bytes(name.encode())
    base = base_ref(tiny.params_of(workspace).model, workspace.root)
    write_ref(paths.model_json, tuned_ref(base, "adapter", paths.adapter, workspace.root))
    _say(workspace, tested)
    _run(workspace, name, "evaluate")


def _say(
    workspace: Workspace, answers: dict[str, str], explained: dict[str, str] | None = None
) -> None:
    hinted = [
        {"video": video, "prompt": "The answer is", "text": f"One sees it.\nAnswer: {text}"}
        for video, text in (explained or {}).items()
    ]
    plain = [
        {"video": video, "text": HOSTILE if video == "train-3" else f"So it is.\nAnswer: {text}"}
        for video, text in answers.items()
    ]
    (workspace.root / "script.json").write_text(json.dumps([*hinted, *plain]), encoding="utf-8")


def _run(workspace: Workspace, name: str, *steps: str) -> None:
    for step in steps:
        run_step(step, name, workspace, Silent())


def change(workspace: Workspace, section: str, **values: Any) -> None:
    """Write other parameters of a section into params.yaml."""
    raw = yaml.safe_load(workspace.params.read_text(encoding="utf-8"))
    raw[section].update(values)
    workspace.params.write_text(yaml.safe_dump(raw), encoding="utf-8")
