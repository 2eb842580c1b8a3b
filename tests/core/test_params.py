"""params.yaml: every shipped key is known, every wrong one is refused in one sentence."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import yaml

from video_star.core.errors import UsageError
from video_star.core.params import load_params
from video_star.pipeline.stages import STEPS

SHIPPED = Path(__file__).parents[2] / "params.yaml"


def edited(tmp_path: Path, key: str, value: Any) -> Path:
    raw = yaml.safe_load(SHIPPED.read_text())
    *parents, last = key.split(".")
    section = raw
    for parent in parents:
        section = section[parent]
    section[last] = value
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(raw, sort_keys=False))
    return path


def test_the_shipped_file_is_valid() -> None:
    load_params(SHIPPED)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("generate.temprature", 0.7, "generate.temprature: unknown parameter"),
        ("temprature", 0.7, "temprature: unknown parameter"),
        ("generate.temperature", -1, "generate.temperature: Input should be greater"),
        ("settings.zero", "zero4", "settings.zero"),
        ("settings.device", "tpu", "settings.device: Input should be 'auto', 'cpu' or 'cuda'"),
        ("video.fps", 2.0, "fps is set exactly when sampling is 'fps'"),
        ("video.fps", 0.0004, "greater than or equal to 0.001"),
        (
            "settings.frame_cache_gb",
            float("inf"),
            "frame_cache_gb: Input should be a finite number",
        ),
        ("settings.decode_deadline_s", float("nan"), "decode_deadline_s: Input should be a finite"),
        ("rounds", 0, "rounds: Input should be greater"),
        ("rounds", {"r1": {"prev": "r0"}}, "rounds: Input should be a valid integer"),
        ("ingest.sources", [], "ingest.sources"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(
    tmp_path: Path, key: str, value: Any, sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        load_params(edited(tmp_path, key, value))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_refused_because_no_default_hides_in_code(tmp_path: Path) -> None:
    raw = yaml.safe_load(SHIPPED.read_text())
    del raw["curate"]["options"]
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(raw))
    with pytest.raises(UsageError, match=r"curate\.options: missing"):
        load_params(path)


def test_a_folder_without_params_says_what_a_workspace_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a folder with params\.yaml"):
        load_params(tmp_path / "params.yaml")


def test_every_section_a_step_lists_exists_and_none_is_settings() -> None:
    params = load_params(SHIPPED)
    for name, step in STEPS.items():
        assert "settings" not in step.sections, name
        for section in step.sections:
            attrgetter(section)(params)  # an AttributeError names what is missing
