"""The demo's data, rendered once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from video_star.core.progress import Silent
from video_star_demo import files, moments, remarks, situations, tempcompass


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo data with fewer clips of each kind, in a folder that is called data."""
    root = tmp_path_factory.mktemp("demo") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "TRAIN_PER_CLASS", 3)
        patch.setattr(files, "TEST_PER_CLASS", 2)
        patch.setattr(files, "REPLAY_CLIPS", 24)
        patch.setattr(situations, "VIDEOS", {"train": 12, "val": 6})
        patch.setattr(moments, "ACTIVITIES", {"train": 12, "val": 6})
        patch.setattr(remarks, "PER_KIND", {"train": 6, "test": 3})
        patch.setattr(tempcompass, "PER_ACTION", 2)
        files.write_data(root, 3, Silent())
        yield root
