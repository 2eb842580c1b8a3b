"""A family goes through every step, `ingest` to `evaluate` of its first round."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import forked
import pytest
import tiny
import yaml
from tiny_families import BUILDERS

from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.pipeline.runner import run_step
from video_star.pipeline.stages import STEPS

pytestmark = pytest.mark.slow
WALKED = os.environ.get("VIDEO_STAR_WALKED", "gemma4").split()
"""One with sliding windows, the least like that of the demo. What steps do to clips and tokens is
tested for all families; name others here to walk them too."""


def workspace_of(root: Path, name: str, footage: list[Path]) -> Workspace:
    """Clips of different lengths and sizes with class names, in a table."""
    workspace = Workspace(root)
    BUILDERS[name](root / "base")
    (workspace.data / "videos").mkdir(parents=True)
    with (workspace.data / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "action", "split"])
        for split in ("train", "test"):
            for number, path in enumerate(footage):
                copy = workspace.data / "videos" / f"{split}-{path.name}"
                # Files of other content, or the check for leaks would find each in both splits.
                copy.write_bytes(path.read_bytes() + split.encode())
                table.writerow([copy.name, tiny.CLASSES[number], split])
    source = {
        "reader": "table",
        "dataset": "mine",
        "annotations": "labels.csv",
        "videos": "videos",
        "kind": "class",
        "columns": {"video": "file", "label": "action", "split": "split"},
        "split": None,
    }
    params = tiny.tiny_params(
        rounds=1,
        ingest={"questions": None, "sources": [source]},
        video={"frames": 6, "sampling": "fps", "fps": 2.0, "short_side": None},
        zero_yield="continue",  # random weights say nothing that passes
        curate__source="labels",
        finetune__batch_size=4,
        finetune__epochs=1,
        evaluate={
            "max_new_tokens": 4,
            "bootstrap": 100,
            "benchmarks": {"kinetics_qa": {"options": 3, "distractors": "any", "judge": None}},
        },
    )
    workspace.params.write_text(yaml.safe_dump(params), encoding="utf-8")
    return workspace


@pytest.mark.parametrize("name", WALKED)
def test_all_steps_run_and_leave_an_adapter_and_scores(
    name: str, tmp_path: Path, footage: list[Path]
) -> None:
    workspace = workspace_of(tmp_path, name, footage)
    for step in ("ingest", "base", "evaluate"):
        run_step(step, "r0", workspace, Silent())
    with forked.trains():
        for step in STEPS:
            if step not in ("ingest", "base", "publish"):
                report = run_step(step, "r1", workspace, Silent())
                assert report.failed == 0, report
    first, last = (json.loads(workspace.round(r).metrics.read_text()) for r in ("r0", "r1"))
    assert first.keys() == last.keys()
    losses = workspace.round("r1").loss.read_text(encoding="utf-8").splitlines()
    assert losses
    assert all(0 < json.loads(line)["loss"] < 100 for line in losses)
