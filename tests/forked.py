"""Training processes as forks of one that has imported everything, which takes longest.

That the launcher starts the same worker is tested by tests/steps, tests/faults
and tests/loop, which train through it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, get_context
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest

from video_star.core.processes import die_with_parent
from video_star.core.progress import Progress
from video_star.training import launch
from video_star.training.job import Job

LIMIT_S = 400


def run_ranks(job: Job, rank_main: Callable[..., None], *arguments: Any) -> None:
    """Call `rank_main(*arguments)` in as many processes as a job has, with its variables."""
    environment = launch._environment(job, alone=True)
    context: Any = get_context("spawn")
    if job.device == "cpu":  # CUDA takes no forks, and DeepSpeed looks at the device when imported
        context = get_context("forkserver")
        with pytest.MonkeyPatch.context() as patch:
            for name in environment.keys() - os.environ.keys():
                patch.setenv(name, environment[name])
            context.set_forkserver_preload(["forked_imports"])
            forkserver.ensure_running()
    environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(launch._free_port())}
    environment |= {"WORLD_SIZE": str(job.world_size)}
    ranks = []
    for rank in map(str, range(job.world_size)):
        whole = environment | {"RANK": rank, "LOCAL_RANK": rank}
        ranks.append(context.Process(target=_begin, args=(whole, rank_main, arguments)))
    for process in ranks:
        process.start()
    left = ranks
    while left and wait([process.sentinel for process in left], LIMIT_S):
        left = [process for process in ranks if process.exitcode is None]
        if any(process.exitcode for process in ranks):
            break
    codes = [process.exitcode for process in ranks]
    for process in ranks:
        process.kill()  # it waits for one that failed
    assert codes == [0] * job.world_size, codes


def _begin(
    environment: dict[str, str], rank_main: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    die_with_parent()
    os.environ.update(environment)
    rank_main(*arguments)


@contextmanager
def trains() -> Iterator[None]:
    """Lets the step finetune train in forks; it starts no launcher."""
    from video_star.training import worker

    def launch_here(job_file: Path, job: Job, hostfile: Path | None, progress: Progress) -> None:
        run_ranks(job, worker.run, job, job.folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("video_star.pipeline.steps.finetune.launch", launch_here)
        yield
