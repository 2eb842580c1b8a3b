"""Where the local servers listen and where a round is shown: loopback addresses, ports, links.

    VIDEO_STAR_PREFECT_PORT   port of the Prefect server, 4200 when it is not set
    VIDEO_STAR_MLFLOW_PORT    port of the MLflow server, 5000 when it is not set

    python -m video_star.services.addresses   the MLflow page that shows the rounds side by side

Places never change what a step computes, so they come from the environment.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from video_star.core.errors import UsageError
from video_star.core.jsonl import read_record
from video_star.core.params import Params, load_params
from video_star.core.paths import Workspace
from video_star.core.records import Published
from video_star.core.urls import without_credentials
from video_star.tracking.charts import view_address

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Addresses:
    """The two servers of a workspace."""

    prefect_port: int
    mlflow_port: int

    @property
    def prefect(self) -> str:
        return f"http://{LOOPBACK}:{self.prefect_port}"

    @property
    def prefect_api(self) -> str:
        return f"{self.prefect}/api"

    @property
    def prefect_origins(self) -> tuple[str, str]:
        """What a browser may call the server's own page."""
        return self.prefect, f"http://localhost:{self.prefect_port}"

    @property
    def mlflow(self) -> str:
        return f"http://{LOOPBACK}:{self.mlflow_port}"


def addresses() -> Addresses:
    """The addresses that the environment asks for; UsageError for a port that is none."""
    return Addresses(
        _port("VIDEO_STAR_PREFECT_PORT", "4200"), _port("VIDEO_STAR_MLFLOW_PORT", "5000")
    )


def _port(variable: str, default: str) -> int:
    text = os.environ.get(variable, default)
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise UsageError(f"{variable} is {text!r}; set it to a port between 1 and 65535.")
    return int(text)


def compare_url(workspace: Workspace, params: Params) -> str | None:
    """The MLflow page with the charts of the published rounds; None when there are none."""
    paths = [workspace.round(name).mlflow_run for name in params.evaluated]
    published = [read_record(path, Published) for path in paths if path.exists()]
    if not published:
        return None
    uri = params.settings.tracking_uri
    is_server = uri is not None and uri.startswith(("http://", "https://"))
    server = without_credentials(uri) if uri and is_server else addresses().mlflow
    return view_address(server, published[-1].experiment_id, published[-1].cycle)


def main() -> None:
    """Print the address of the comparison, or what makes one."""
    workspace = Workspace(Path.cwd())
    link = compare_url(workspace, load_params(workspace.params))
    sys.stdout.write(f"{link or 'No round is published yet; run `make cycle`.'}\n")


if __name__ == "__main__":
    main()
