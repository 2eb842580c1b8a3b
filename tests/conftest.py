"""Shared fixtures: real tiny clips, a real tiny checkpoint, a workspace; made once per session."""

from __future__ import annotations

import gc
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "engines"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("RAY_AUTH_MODE", "token")  # before any test imports Ray
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
os.environ.setdefault("RAY_worker_niceness", "0")  # else its workers wait for all other tests

import parameter_use
import tiny
from hypothesis import settings

from video_star.core.paths import Workspace

# The same examples each time, and no example fails for being slow on a busy machine.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files with slow tests first, so that none of them is left to one process at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Nothing that the test files have imported is looked through for garbage again and again."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _no_step_reads_what_its_stage_does_not_list() -> Iterator[None]:
    with parameter_use.checked():
        yield


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with train-0..9.mp4 and test-0..3.mp4: 12 frames of 56 x 56 at 8 frames a second."""
    folder = tmp_path_factory.mktemp("clips")
    for number in range(14):
        name = f"train-{number}" if number < 10 else f"test-{number - 10}"
        tiny.write_clip(folder / f"{name}.mp4", tiny.moving_square(number))
    return folder


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LlavaOnevision checkpoint with random weights."""
    return tiny.build_checkpoint(tmp_path_factory.mktemp("base"))


@pytest.fixture
def new_workspace(tmp_path: Path, clips: Path, tiny_base: Path) -> Callable[..., Workspace]:
    """`new_workspace(generate__samples=3, name="b")`: a fresh workspace with changed parameters."""

    def make(name: str = "ws", **changes: object) -> Workspace:
        return tiny.make_workspace(tmp_path / name, tiny_base, clips, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture
def workspace(new_workspace: Callable[..., Workspace]) -> Workspace:
    """10 train and 4 test samples, base/ and params.yaml; two rounds, 4 frames, greedy-free."""
    return new_workspace()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real public files; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("VIDEO_STAR_REAL_DATA", tiny.ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real data absent: set VIDEO_STAR_REAL_DATA")
    return folder
