"""A small TempCompass on disk: the official files, answers to them and their official results."""

from __future__ import annotations

from pathlib import Path

import official_world as world
import pytest

from video_star.evaluation.benchmarks.tempcompass_judge import OfficialResults


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return world.write_questions(tmp_path / "official")


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    return world.write_tasks(tmp_path / "answers", world.official())


@pytest.fixture
def recorded(tmp_path: Path) -> OfficialResults:
    return OfficialResults(world.write_tasks(tmp_path / "model-a", world.results()))
