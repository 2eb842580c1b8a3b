"""What DVC reruns, and what it brings back from a remote: with the real dvc.yaml."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from dvc_workspace import commit, dvc, git, make_workspace, ran, set_param

from video_star.tracking.provenance import dvc_md5

pytestmark = pytest.mark.slow


def train_digest(root: Path, name: str = "r1") -> str:
    digest = hashlib.sha256()
    for path in sorted((root / "rounds" / name / "train").rglob("*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def test_dvc_reruns_what_depends_on_a_change_and_restores_a_training_set_by_tag(
    tmp_path: Path,
) -> None:
    root = make_workspace(tmp_path / "star")
    dvc(root, "remote", "add", "--default", "store", str(tmp_path / "store"))
    dvc(root, "repro", "--quiet")
    steps = ran(root)
    assert len(steps) == 2 + 2 * 6 + 3 * 2
    assert steps.index("finetune r1") < steps.index("generate r2") < steps.index("finetune r2")
    dvc(root, "push", "--quiet")
    commit(root, "first")
    first = train_digest(root)
    # MLflow names a training set by the hash that DVC has for it.
    assert dvc_md5(root / "rounds" / "r1" / "train") in (root / "dvc.lock").read_text()

    # Where things run is no part of what they compute.
    set_param(root, "settings", "processes", 2)
    set_param(root, "settings", "decode_workers", 7)
    dvc(root, "repro", "--quiet")
    assert ran(root) == []
    git(root, "checkout", "--quiet", "params.yaml")

    set_param(root, "finetune", "learning_rate", 0.5)
    dvc(root, "repro", "--quiet")
    again = ran(root)
    assert again[0] == "finetune r1"
    before = {"ingest r0", "base r0", "evaluate r0", "generate r1", "curate r1"}
    assert before.isdisjoint(again)
    assert {"evaluate r1", "publish r1", "generate r2", "publish r2"} <= set(again)

    set_param(root, "curate", "options", 5)
    dvc(root, "repro", "--quiet")
    dvc(root, "push", "--quiet")
    commit(root, "second")
    second = train_digest(root)
    assert first != second

    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(root), str(clone))
    for tag, expected in (("first", first), ("second", second)):
        git(clone, "checkout", "--quiet", tag)
        dvc(clone, "remote", "add", "--force", "--local", "store", str(tmp_path / "store"))
        dvc(clone, "pull", "--quiet", "--force", "rounds/r1/train")
        assert train_digest(clone) == expected
