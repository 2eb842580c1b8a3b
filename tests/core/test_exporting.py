"""Exports of samples for the authors' own tools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from video_star.core.errors import UsageError
from video_star.core.paths import Workspace
from video_star.data.export import export_star_annotations
from video_star.data.manifest import read_manifest


def test_a_split_is_written_as_star_annotations(workspace: Workspace, tmp_path: Path) -> None:
    n = export_star_annotations(workspace, "train", tmp_path / "train.json")
    items = json.loads((tmp_path / "train.json").read_text())
    train = read_manifest(workspace, "train")
    assert n == len(items) == len(train) > 0
    assert [item["question"] for item in items] == [sample.question for sample in train]


def test_a_split_that_does_not_exist_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="train or test"):
        export_star_annotations(workspace, "r1", tmp_path / "out.json")
