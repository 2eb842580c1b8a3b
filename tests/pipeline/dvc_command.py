"""Stands for `video-star` in tests of the pipeline: writes all outputs of one stage in no time.

Every output is drawn from the stage's parameters and dependencies, as dvc.yaml lists them, so what
DVC reruns, skips, restores and pushes is what it does in earnest. `fail.txt` makes a step fail,
`wait.txt` makes it take long.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import yaml

from video_star.core import messages


def stage_of(step: str, name: str, params: dict[str, Any]) -> dict[str, Any]:
    """The stage with its placeholders filled in, for the few kinds that dvc.yaml uses."""
    stages = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]
    stage = stages.get(f"{step}-{name}", stages[step])
    text = json.dumps(stage.get("do", stage))
    previous = f"r{int(name[1:]) - 1}"
    for key, value in (
        ("${item.prev}", previous),
        ("${item}", name),
        ("${key}", name),
        ("${model.base}", params["model"]["base"]),
    ):
        text = text.replace(key, value)
    filled: dict[str, Any] = json.loads(text)
    return filled


def refuse_if_asked(step: str, name: str) -> None:
    """Fail as `fail.txt` says: "<step> <round> <exit code> <sentence>"."""
    path = Path("fail.txt")
    if not path.exists():
        return
    wanted, wanted_round, code, sentence = path.read_text(encoding="utf-8").split(" ", 3)
    if (wanted, wanted_round) == (step, name):
        messages.send(error=sentence.strip(), exit_code=int(code))
        sys.exit(int(code))


def wait_if_asked(step: str, name: str) -> None:
    """Take long, as long as `wait.txt` names this step; but end with the parent, as a step does."""
    path, parent = Path("wait.txt"), os.getppid()
    while path.exists() and path.read_text(encoding="utf-8") == f"{step} {name}":
        if os.getppid() != parent:
            sys.exit(143)
        time.sleep(0.1)


def content(stage: dict[str, Any], params: dict[str, Any]) -> str:
    """A text that changes with each listed section and each byte of a dependency."""
    digest = hashlib.sha256()
    for section in stage["params"]:
        value = reduce(getitem, section.split("."), params)
        digest.update(json.dumps(value, sort_keys=True).encode())
    for dep in stage["deps"]:
        path = Path(dep)
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(file.read_bytes())
    return digest.hexdigest()


def write(out: str, text: str, step: str, name: str) -> None:
    """One output; the files that others read have their real form."""
    path = Path(out)
    if path.name == "metrics.json":
        value = int(text[:4], 16) / 65535
        metric = {"value": value, "low": value, "high": value, "n": 1}
        metrics = {"kinetics_qa/open_accuracy": metric}
        text = json.dumps({"round": name, "metrics": metrics, "slices": {}})
    elif path.parent.name == "reports":
        shares = {"kept": 1.0, "direct_yield": 0.5, "rationalized_yield": 0.5}
        text = json.dumps({"step": step, "round": name, "read": 1, "written": 1, "metrics": shares})
    elif path.parent.parent.name == "mlflow":
        text = json.dumps({"run_id": text[:8], "experiment_id": "1", "cycle": "demo"})
    elif not path.suffix:
        path = path / "content.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main(step: str, name: str) -> None:
    """Run one step of one round."""
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    with Path("log.txt").open("a", encoding="utf-8") as log:
        log.write(f"{step} {name}\n")
    messages.send(started=True)
    wait_if_asked(step, name)
    refuse_if_asked(step, name)
    messages.send(done=1, total=2, what="things")
    sys.stdout.write(f"{step} {name}: a line worth reading\n")
    sys.stdout.flush()
    messages.send(done=2, total=2, what="things")
    stage = stage_of(step, name, params)
    text = content(stage, params)
    for entry in [*stage["outs"], *stage.get("metrics", [])]:
        write(entry if isinstance(entry, str) else next(iter(entry)), text, step, name)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
