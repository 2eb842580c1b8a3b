"""One background server: its command, its pid file, its log; started detached, stopped for sure.

No supervisor in its place: honcho runs in the foreground, circus opens TCP ports of its own, and
supervisor ends process groups, so it leaves the flow runs, which lead sessions of their own.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]
from pydantic import BaseModel, PositiveInt, ValidationError

from video_star.core.errors import ServiceError
from video_star.core.jsonl import write_text
from video_star.core.private import private_store
from video_star.services.addresses import LOOPBACK

READY_WITHIN_S = 180.0
STOP_WITHIN_S = 20.0
MARK = "VIDEO_STAR_SERVICE"
"""Environment variable with a service's pid file: its children are told by it when it is gone."""


class _Known(BaseModel, frozen=True, extra="forbid"):
    """A pid file."""

    pid: PositiveInt
    created: float
    """Seconds since 1970."""
    port: int | None


@dataclass(frozen=True)
class Service:
    """A server of the workspace; `folder` holds its pid file and its log."""

    name: str
    command: tuple[str, ...]
    folder: Path
    port: int | None = None
    port_variable: str = ""
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def _pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def process(self) -> psutil.Process | None:
        """The running process; its start time excludes a later one with the same id.

        ServiceError when the pid file is damaged: it may run, and would be started once more.
        """
        known = self._known()
        if known is None:
            return None
        try:
            process = psutil.Process(known.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return process if process.create_time() == known.created else None
        except psutil.Error:
            return None

    def _known(self) -> _Known | None:
        try:
            return _Known.model_validate_json(self._pid_file.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise ServiceError(
                f"{self._pid_file}: is damaged, so {self.name} may run; if `ps x` shows "
                f"`{' '.join(self.command)}`, end it with kill, then delete the file."
            ) from error

    def has_died(self) -> bool:
        """Whether it was started, does not run, and nobody has stopped it."""
        return self._known() is not None and self.process() is None

    def require_port(self) -> None:
        """ServiceError when it runs, but on another port than is asked for now."""
        known = self._known()
        if known is None or self.process() is None:
            return
        if (port := known.port) != self.port:
            raise ServiceError(
                f"{self.name} of this workspace runs on port {port}; set {self.port_variable} to "
                "that, or run `make down` first."
            )

    def start(self, cwd: Path, env: Mapping[str, str]) -> None:
        """Start it in a session of its own, so that it outlives this command and its terminal.

        What a killed one has left of itself is ended before.
        """
        self.stop()
        if self.port is not None and port_is_taken(self.port):
            raise ServiceError(
                f"Port {self.port} for {self.name} is used by another program; stop that one, or "
                f"choose another port, for instance {self.port_variable}={self.port + 1}."
            )
        with private_store(self.log).open("w", encoding="utf-8") as log:
            child = subprocess.Popen(
                self.command,
                cwd=cwd,
                env={**env, MARK: str(self._pid_file)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # A server's files are its owner's; what a worker writes is as the user's own.
                umask=-1 if self.port is None else 0o077,
            )
        created = psutil.Process(child.pid).create_time()
        known = _Known(pid=child.pid, created=created, port=self.port)
        write_text(self._pid_file, known.model_dump_json())

    def stop(self) -> bool:
        """Stop it and everything below it, also what it left when it was killed.

        False when there was nothing to stop.
        """
        process = self.process()
        first = [] if process is None else [process]
        below = [one for one in psutil.process_iter() if one != process and self._is_below(one)]
        for processes, number in (
            (first, self.stop_signal),
            (below, signal.SIGTERM),
            ([*first, *below], signal.SIGKILL),
        ):
            for one in processes:
                with suppress(psutil.NoSuchProcess):
                    one.send_signal(number)
            psutil.wait_procs(processes, timeout=STOP_WITHIN_S)
        self._pid_file.unlink(missing_ok=True)
        return bool(first or below)

    def _is_below(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == str(self._pid_file)
        except psutil.Error:  # of another user, or gone
            return False

    def require_alive(self) -> None:
        """ServiceError with the last line of the log when it has ended."""
        if self.process() is None:
            raise ServiceError(
                f"{self.name} ended while starting ({self._last_line()}); see {self.log}."
            )

    def _last_line(self) -> str:
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "no log"
        return next((line.strip() for line in reversed(lines) if line.strip()), "empty log")[:200]

    def wait_until(self, ready: Callable[[], bool], what: str) -> None:
        """Return when it is ready; ServiceError when it ends or takes too long."""
        until = time.monotonic() + READY_WITHIN_S
        while not ready():
            self.require_alive()
            if time.monotonic() > until:
                raise ServiceError(
                    f"{self.name} {what} after {READY_WITHIN_S:.0f} s; "
                    f"see {self.log}, or run `make down` and `make up`."
                )
            time.sleep(0.5)
        self.require_alive()


def answers(url: str) -> bool:
    """Whether a server answers at an address."""
    try:
        httpx.get(url, timeout=2)
    except httpx.TransportError:
        return False
    return True


def port_is_taken(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
