"""A whole loop in small: git, DVC, the real commands, one round, answers from a script."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import forked
import loop_workspace
import tiny
import yaml

from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.pipeline.chain import update_chain
from video_star.pipeline.dvc import stage_name
from video_star.pipeline.runner import run_step
from video_star.pipeline.stages import STEPS, rounds_of

ENVIRONMENT = {
    **loop_workspace.ENVIRONMENT,
    "PYTHONPATH": str(tiny.ROOT / "src"),
    "OMP_NUM_THREADS": "1",
}
run = partial(loop_workspace.run, environment=ENVIRONMENT)
CHANGES: dict[str, Any] = {
    "rounds": 1,
    "settings__engine": "scripted:script.json",
    "settings__checkpoint_steps": 5,
    "generate__max_new_tokens": 40,
    "rationalize__max_new_tokens": 40,
    "curate__forms": ["direct", "chain_of_thought"],
    "curate__final_round": "all",
    "finetune__batch_size": 8,
    "finetune__epochs": 20,
    "finetune__learning_rate": 0.003,
    "evaluate__max_new_tokens": 40,
    "evaluate__benchmarks": {"held_out": {"dataset": None}},
    "publish__champion_metric": "held_out/accuracy",
    "ingest__questions": None,
    "ingest__sources": [
        {
            "reader": "table",
            "dataset": "tiny",
            "annotations": "labels.csv",
            "videos": "clips",
            "kind": "class",
            "columns": {"video": "file", "label": "action", "split": "split"},
            "split": None,
        }
    ],
}


def make(root: Path, base: Path, clips: Path, **changes: Any) -> Path:
    """A committed repository in which nothing has run."""
    workspace = tiny.make_workspace(root, base, clips, **(CHANGES | changes))
    shutil.rmtree(root / "rounds")
    rows = [
        f"{path.name},{tiny.CLASSES[int(path.stem.split('-')[1]) % 4]},{path.stem.split('-')[0]}"
        for path in sorted((root / "data" / "clips").iterdir())
    ]
    (root / "data" / "labels.csv").write_text("\n".join(["file,action,split", *rows, ""]))
    # Told the label, every answer has it; asked without, most answers do.
    seen = "A bright square wanders over the dark ground towards its border, which means {0}."
    script = [
        {asked: about.format(name), "text": f"{seen}\nAnswer: {{0}}".format(name)}
        for asked, about, name in [
            *(("prompt", "The answer is: {0}.", name) for name in tiny.CLASSES),
            *(("video", f"train-{i}.", tiny.CLASSES[i % 4]) for i in (0, 1, 2, 3, 4, 6)),
            *(("video", f"test-{i}.", tiny.CLASSES[i]) for i in (0, 2)),
        ]
    ]
    script.append({"text": "Nobody knows.\nAnswer: sleeping"})
    (root / "script.json").write_text(json.dumps(script), encoding="utf-8")
    pipeline = yaml.safe_load((tiny.ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    for stage in pipeline["stages"].values():  # the code is no part of this repository
        body = stage.get("do", stage)
        body["deps"] = [dep for dep in body["deps"] if not dep.startswith("src/")]
    (root / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")
    shutil.copytree(
        tiny.ROOT / "mlflow", root / "mlflow", ignore=shutil.ignore_patterns("*.db", "artifacts")
    )
    for name in ("prefect.yaml", ".gitignore"):
        shutil.copy(tiny.ROOT / name, root / name)
    for name in ("flows", "tasks"):
        (root / name).symlink_to(tiny.ROOT / name)
    update_chain(workspace, load_params(workspace.params))
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    run(root, "git", "init", "--quiet")
    run(root, "dvc", "init", "--quiet")
    run(root, "dvc", "add", "--quiet", "data")
    run(root, "git", "add", "--all")
    run(root, "git", *identity, "commit", "--quiet", "--message", "begun")
    return root


def finish(root: Path, *steps: str) -> Path:
    """Run steps, "generate r1" and so on (all when none is named), in this process."""
    workspace = Workspace(root)
    params = load_params(workspace.params)
    every = [f"{step} {name}" for step in STEPS for name in rounds_of(step, params)]
    with forked.trains():
        for step in sorted(steps or every, key=lambda step: (step.split()[1], every.index(step))):
            name, _, round_name = step.partition(" ")
            run_step(name, round_name, workspace, Silent())
    targets = [stage_name(*step.split()) for step in steps]
    run(root, "dvc", "commit", "--quiet", "--force", *targets)
    return root


def result(root: Path) -> dict[str, str]:
    """sha256 of every file of rounds/ by its name, less DVC's own ignore files."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((root / "rounds").rglob("*"))
        if path.is_file() and path.name != ".gitignore"
    }


SHORT = ("ingest r0", "base r0", *(f"{step} r1" for step in list(STEPS)[2:7]))
LONG_ANSWERS = {
    "settings__engine": "transformers",
    "settings__batch_size": 2,
    "generate__samples": 2,
    "generate__max_new_tokens": 120,
}
TEMPLATES: dict[str, Callable[[Path, Path, Path], Path]] = {
    "whole": lambda root, base, clips: finish(make(root, base, clips)),
    "short": lambda root, base, clips: finish(make(root, base, clips), *SHORT),
    "trained": lambda root, base, clips: finish(make(root, base, clips), *SHORT, "finetune r1"),
    "asking": lambda root, base, clips: finish(
        make(root, base, clips, **LONG_ANSWERS), "ingest r0", "base r0", "generate r1"
    ),
}
"""Finished loops: all of it; as far as `curate` and `finetune`; real answers of the tiny model."""
