"""The whole loop with the real parts: the model learns, and what is done is skipped everywhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import forked
import loop_workspace as ws
import pytest

from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.pipeline.runner import run_step
from video_star.pipeline.stages import STEPS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which every step but `publish` was run alone, one after the other."""
    with pytest.MonkeyPatch.context() as patch:
        root = ws.make(tmp_path_factory.mktemp("loop") / "by-hand", patch)
    of_r1 = [step for step in STEPS if step not in ("ingest", "base", "publish")]
    with forked.trains():
        for name, steps in (("r0", ["ingest", "base", "evaluate"]), ("r1", of_r1)):
            for step in steps:
                run_step(step, name, Workspace(root), Silent())
    return root


@pytest.fixture(scope="module")
def by_dvc(by_hand: Path) -> Path:
    """A clean clone of it in which `dvc repro` ran without any server, through the launcher."""
    root = ws.clone(by_hand, by_hand.with_name("by-dvc"))
    ws.run(root, "dvc", "repro")
    return root


def test_the_model_learns_beyond_the_interval_of_its_gain(by_hand: Path) -> None:
    base, learned = json.loads(ws.run(by_hand, "video-star", "rounds", "--json"))
    assert learned["direct_yield"] + learned["rationalized_yield"] > 0.8
    metric = learned["metrics"]["kinetics_qa/open_accuracy"]
    gain = metric["against"]["r0"]
    assert gain["n"] == 32
    before = base["metrics"]["kinetics_qa/open_accuracy"]["value"]
    assert gain["difference"] == pytest.approx(metric["value"] - before)
    assert gain["low"] > 0
    assert gain["p"] < 0.05


def test_dvc_repro_in_a_clean_clone_gives_the_same_bytes(by_hand: Path, by_dvc: Path) -> None:
    mine, theirs = ws.contents(by_hand), ws.contents(by_dvc)
    published = {name for name in theirs if "publish" in name}
    assert theirs.keys() - published == mine.keys()
    assert [name for name in mine if mine[name] != theirs[name]] == []


def test_no_tracked_file_knows_the_machine(by_dvc: Path) -> None:
    for name, content in ws.contents(by_dvc).items():
        assert str(by_dvc.parent).encode() not in content, name
        assert str(Path.home()).encode() + b"/" not in content, name


def test_a_step_that_was_run_by_hand_is_up_to_date_for_everybody(by_dvc: Path) -> None:
    assert "up to date" in ws.run(by_dvc, "video-star", "curate", "r1")
    ws.run(by_dvc, "video-star", "curate", "r1", "--force")
    assert "up to date" in ws.run(by_dvc, "dvc", "repro")


def test_settings_rerun_nothing_and_a_learning_rate_reruns_from_finetune_on(by_dvc: Path) -> None:
    params = by_dvc / "params.yaml"
    before = params.read_text()
    params.write_text(before.replace("processes: 1", "processes: 2"))
    assert ws.stages_run(ws.run(by_dvc, "dvc", "repro", "--dry")) == []
    params.write_text(re.sub(r"learning_rate: [\d.e-]+", "learning_rate: 0.0001", before))
    changed = ws.run(by_dvc, "dvc", "status", "finetune@r1", "evaluate@r1", "curate@r1")
    params.write_text(before)
    assert "finetune.learning_rate" in changed or "finetune" in changed
    assert "curate@r1" not in changed


def test_the_training_set_and_the_adapter_are_dvc_outputs(by_dvc: Path) -> None:
    lock = (by_dvc / "dvc.lock").read_text()
    assert "rounds/r1/train" in lock
    assert "rounds/r1/model" in lock
    adapter = by_dvc / "rounds" / "r1" / "model" / "adapter"
    assert sorted(p.name for p in adapter.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
