"""The workspace and its page, made once; a browser, where there is one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import report_workspace

from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.report.page import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Workspace:
    """A workspace with two rounds behind it."""
    return report_workspace.build(tmp_path_factory.mktemp("report") / "ws", clips)


@pytest.fixture(scope="session")
def page_file(learned: Workspace) -> Path:
    """Its page."""
    return write_report(learned, load_params(learned.params), learned.report)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window; tests that need it are skipped where there is none.

    Not for the whole session: while it is there, nothing else can run an event loop.
    """
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip("no Chromium on PATH")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()
