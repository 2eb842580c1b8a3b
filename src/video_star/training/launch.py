"""Runs the `deepspeed` launcher as a child process and reads the messages of its ranks."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from video_star.core.environment import QUIET
from video_star.core.errors import UsageError
from video_star.core.messages import message_in
from video_star.core.params import Settings
from video_star.core.processes import run_lines
from video_star.core.progress import Progress
from video_star.training.job import Job
from video_star.training.launch_errors import launch_error
from video_star.training.lifetime import hold_lock


def hostfile_of(settings: Settings, root: Path) -> Path | None:
    """The hostfile of the settings, or None for this machine alone."""
    if settings.hostfile is None:
        return None
    path = root / settings.hostfile
    if not path.is_file():
        raise UsageError(
            f"settings.hostfile {settings.hostfile} does not exist; write it or use null."
        )
    return path


def count_processes(settings: Settings, root: Path) -> int:
    """Processes of a run: settings.processes here, or all slots of the hostfile."""
    path = hostfile_of(settings, root)
    if path is None:
        return settings.processes
    from deepspeed.launcher.runner import fetch_hostfile  # imports torch

    try:
        return sum(fetch_hostfile(str(path)).values())
    except ValueError as error:
        raise UsageError(
            f"settings.hostfile {path}: {error}; write lines such as `worker-1 slots=8`."
        ) from error


def launch(job_file: Path, job: Job, hostfile: Path | None, progress: Progress) -> None:
    """Run the launcher until it ends; VideoStarError when the job is not done afterwards."""
    run = Path(tempfile.mkdtemp(prefix="run-", dir=job.folder))
    log = run / "log.txt"
    errors: list[dict[str, Any]] = []
    with hold_lock(run / "alive"), log.open("w", encoding="utf-8") as sink:

        def on_line(line: str) -> None:
            message = message_in(line)
            if message is None:
                sink.write(f"{line}\n")
                sink.flush()
            elif "error" in message or "trouble" in message:
                errors.append(message)
            else:
                _show(message, progress)

        command = _command(job_file, job, run, hostfile)
        code = run_lines(command, job.folder, _environment(job, alone=hostfile is None), on_line)
    if not job.done.exists():
        raise launch_error(code, errors, log)


def _command(job_file: Path, job: Job, run: Path, hostfile: Path | None) -> list[str]:
    where = (
        ["--hostfile", str(hostfile)]
        if hostfile
        else ["--hostfile", "", "--num_gpus", str(job.world_size), "--master_addr", "127.0.0.1"]
    )
    return [
        *(sys.executable, "-m", "deepspeed.launcher.runner", *where),
        *("--master_port", str(_free_port()), "--log_level", "warning"),
        *("--module", "video_star.training.worker", str(job_file), str(run)),
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(job: Job, alone: bool) -> dict[str, str]:
    """Sets the number of threads too: the launcher's own default depends on its version."""
    loopback = {"GLOO_SOCKET_IFNAME": "lo"} if alone and sys.platform == "linux" else {}
    no_gpu = {"CUDA_VISIBLE_DEVICES": ""} if job.device == "cpu" else {}
    return {
        **QUIET,
        **os.environ,
        **no_gpu,
        **loopback,
        "DS_ACCELERATOR": job.device,
        "OMP_NUM_THREADS": str(job.threads),
        "MKL_NUM_THREADS": str(job.threads),
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",
    }


def _show(message: dict[str, Any], progress: Progress) -> None:
    if "step" in message:
        progress.update(message["step"], message["steps"], "steps")
    elif "clips" in message:
        progress.update(message["clips"], message["of"], "clips read")
    elif "note" in message:
        progress.note(message["note"])
