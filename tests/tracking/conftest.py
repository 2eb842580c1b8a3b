"""One workspace for all tests of its folder, and copies of it for those that change something."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import two_rounds

from video_star.core.paths import Workspace


@pytest.fixture(scope="session")
def lived_in(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Workspace:
    """After two rounds; not to be changed."""
    return two_rounds.build(tmp_path_factory.mktemp("lived"), clips)


@pytest.fixture
def copied(lived_in: Workspace, tmp_path: Path) -> Workspace:
    """A copy of it."""
    return Workspace(shutil.copytree(lived_in.root, tmp_path / "ws"))
