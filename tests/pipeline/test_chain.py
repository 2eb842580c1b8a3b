"""rounds.yaml follows `rounds` of params.yaml, and a dvc that read the old one is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny
import yaml

from video_star.core.errors import UsageError
from video_star.core.params import Params, load_params
from video_star.core.paths import Workspace
from video_star.pipeline.chain import chain, update_chain


def params_with(rounds: int) -> Params:
    return load_params(tiny.ROOT / "params.yaml").model_copy(update={"rounds": rounds})


def test_the_shipped_chain_is_that_of_the_shipped_parameters() -> None:
    shipped = load_params(tiny.ROOT / "params.yaml")
    assert (tiny.ROOT / "rounds.yaml").read_text(encoding="utf-8") == chain(shipped)


def test_each_round_learns_from_the_one_before() -> None:
    made = yaml.safe_load(chain(params_with(11)))["chain"]
    assert list(made) == [f"r{n}" for n in range(1, 12)]
    assert made["r1"] == {"prev": "r0"}
    assert made["r11"] == {"prev": "r10"}


def test_a_changed_number_of_rounds_stops_a_dvc_that_runs_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path)
    (tmp_path / "dvc.yaml").touch()
    update_chain(workspace, params_with(2))  # by hand, so nothing stops
    monkeypatch.setenv("DVC_STAGE", "curate@r1")
    update_chain(workspace, params_with(2))
    with pytest.raises(UsageError, match="run the same command again"):
        update_chain(workspace, params_with(3))
    update_chain(workspace, params_with(3))


def test_a_workspace_without_dvc_has_no_chain(tmp_path: Path) -> None:
    update_chain(Workspace(tmp_path), params_with(2))
    assert not (tmp_path / "rounds.yaml").exists()
