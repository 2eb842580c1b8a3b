"""Presets: each is valid over the shipped parameters, and leaves what it does not name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import tiny
import yaml

from video_star.core.errors import UsageError
from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.core.presets import apply_preset

PRESETS = sorted((tiny.ROOT / "presets").glob("*.yaml"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    shutil.copy(tiny.ROOT / "params.yaml", tmp_path)
    return Workspace(tmp_path)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_a_preset_is_valid_and_is_what_params_then_say(workspace: Workspace, preset: Path) -> None:
    before = load_params(workspace.params)
    after = apply_preset(workspace, preset)
    assert load_params(workspace.params) == after
    assert after.ingest == before.ingest
    assert after.evaluate.benchmarks == before.evaluate.benchmarks
    wanted = yaml.safe_load(preset.read_text(encoding="utf-8"))
    for section, values in wanted.items():
        now = getattr(after, section).model_dump(mode="json")
        for key, value in values.items():
            kept = {k: now[key][k] for k in value} if isinstance(value, dict) else now[key]
            assert kept == value, f"{section}.{key}"


@pytest.mark.parametrize("before", PRESETS, ids=lambda path: path.stem)
@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_a_preset_gives_the_same_whatever_preset_was_there(
    workspace: Workspace, preset: Path, before: Path
) -> None:
    shipped = load_params(workspace.params)
    once = apply_preset(workspace, preset)
    if before == preset:
        written = workspace.params.read_bytes()
        apply_preset(workspace, preset)
        assert workspace.params.read_bytes() == written
    apply_preset(workspace, before)
    assert apply_preset(workspace, preset) == once
    if preset.stem == "demo":
        assert once == shipped


def test_the_paper_is_the_paper(workspace: Workspace) -> None:
    """arXiv 2407.06189, section 4.1: what it says of training and of answers."""
    params = apply_preset(workspace, tiny.ROOT / "presets" / "paper.yaml")
    tune = params.finetune
    assert (tune.learning_rate, tune.batch_size, tune.epochs) == (2e-5, 128, 1)
    assert (tune.scheduler, tune.warmup_ratio, tune.start_from) == ("cosine", 0.03, "base")
    assert params.generate.temperature == params.rationalize.temperature == 0.2
    assert params.video.frames == 8
    assert params.curate.replay is not None


def test_what_does_not_change_stays_as_it_was_written(workspace: Workspace) -> None:
    before = workspace.params.read_text(encoding="utf-8").splitlines()
    apply_preset(workspace, tiny.ROOT / "presets" / "24gb.yaml")
    after = workspace.params.read_text(encoding="utf-8").splitlines()
    gone = {line.partition("# ")[2] for line in before if "# " in line}
    gone -= {line.partition("# ")[2] for line in after if "# " in line}
    assert gone == {"of the final training set"}  # inside of the replay that the preset leaves out
    begin, end = before.index("ingest:"), before.index("    - reader: table")
    assert "\n".join(before[begin:end]) in "\n".join(after)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model: {bse: x}", "model.bse is no parameter"),
        ("finetune: {epochs: 0}", "finetune.epochs"),
        ("model: [", "is not YAML"),
        ("just text", "holds no sections"),
    ],
)
def test_a_bad_preset_is_refused_and_nothing_is_written(
    workspace: Workspace, tmp_path: Path, text: str, says: str
) -> None:
    before = workspace.params.read_bytes()
    bad = tmp_path / "bad.yaml"
    bad.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=says):
        apply_preset(workspace, bad)
    assert workspace.params.read_bytes() == before
