"""The few questions that starting and stopping asks the Prefect server, over plain HTTP.

Importing the prefect package takes seconds; these calls take milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from video_star.core.errors import ServiceError

UNFINISHED = ("RUNNING", "PENDING", "CANCELLING")


@dataclass(frozen=True)
class FlowRun:
    """A run of the flow as the server knows it."""

    id: str
    state: str
    message: str | None


class PrefectApi:
    """A Prefect server by its API address."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ensure_pool(self, name: str) -> None:
        """Make the process work pool; an existing one is kept."""
        self._post("/work_pools/", {"name": name, "type": "process"}, accept=(409,))

    def end_abandoned_runs(self) -> int:
        """Mark runs that nothing works on any more as crashed; call when no worker runs.

        A run whose process and worker were killed together stays "Running" for good and keeps the
        deployment's only slot, so that every new run would be cancelled at once.
        """
        wanted = {"flow_runs": {"state": {"type": {"any_": list(UNFINISHED)}}}}
        runs = self._post("/flow_runs/filter", wanted)
        state = {
            "type": "CRASHED",
            "name": "Crashed",
            "message": "The worker that ran it is gone; run it again, it goes on where it stopped.",
        }
        for run in runs:
            self._post(f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})
        return len(runs)

    def has_deployment(self, flow: str, name: str) -> bool:
        """Whether a deployment is known."""
        return self._request("GET", f"/deployments/name/{flow}/{name}", None, (404,)) is not None

    def worker_is_online(self, pool: str, name: str) -> bool:
        """Whether a worker has reported to its pool lately."""
        workers = self._post(f"/work_pools/{pool}/workers/filter", {}, accept=(404,)) or []
        return any(w["name"] == name and w["status"] == "ONLINE" for w in workers)

    def flow_run(self, id: str) -> FlowRun:
        """A flow run by its id."""
        state = self._request("GET", f"/flow_runs/{id}", None, ()).get("state") or {}
        return FlowRun(id, state.get("type", "UNKNOWN"), state.get("message"))

    def _post(self, path: str, body: dict[str, Any], accept: tuple[int, ...] = ()) -> Any:
        return self._request("POST", path, body, accept)

    def _request(
        self, method: str, path: str, body: dict[str, Any] | None, accept: tuple[int, ...]
    ) -> Any:
        try:
            answer = httpx.request(method, self._url + path, json=body, timeout=30)
        except httpx.TransportError as error:
            raise ServiceError(
                f"The Prefect server at {self._url} does not answer; start it with `make up`."
            ) from error
        if answer.status_code in accept:
            return None
        if answer.is_error:
            raise ServiceError(
                f"The Prefect server refused {path} ({answer.status_code}); run `make down` and "
                "`make up`."
            )
        return answer.json() if answer.content else {}
