"""Environment that every process of ours starts with: telemetry of the packages off by default.

Values that the user has set already are kept.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

QUIET = {
    "DO_NOT_TRACK": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


def child_environment() -> dict[str, str]:
    """Ours for a child process, quiet, with the programs of this Python's environment first."""
    path = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return {**QUIET, **os.environ, "PATH": os.pathsep.join(path)}


def quieten() -> None:
    """Set what is not set yet; call before the packages are imported.

    Warnings about the future of the packages are for developers of this project, who see them in
    the tests; a user cannot act on them.
    """
    warnings.filterwarnings("ignore", category=FutureWarning)
    os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
