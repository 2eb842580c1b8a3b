"""The logger of a run, with a name that tells its lines from Prefect's own."""

from __future__ import annotations

from typing import cast

from prefect import get_run_logger
from prefect.logging.loggers import PrefectLogAdapter

from video_star.services.prefect_client import LOGGER


def run_logger() -> PrefectLogAdapter:
    """The logger of the current flow or task run."""
    return cast(PrefectLogAdapter, get_run_logger()).getChild(LOGGER)
