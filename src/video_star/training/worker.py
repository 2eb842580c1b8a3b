"""A process of the `deepspeed` launcher: python -m video_star.training.worker JOB RUN.

JOB is the job file, RUN the folder of this launch, which holds its lock and rendezvous file.
"""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from video_star.core.errors import VideoStarError
from video_star.core.messages import send
from video_star.core.processes import die_with_parent
from video_star.training.job import Job
from video_star.training.launch_errors import describe_error
from video_star.training.lifetime import die_with_lock_holder


def main() -> int:
    """Train the job of the command line; any error becomes one message to the step."""
    parser = ArgumentParser()
    parser.add_argument("job", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--local_rank", type=int, default=0)
    given = parser.parse_args()
    die_with_parent()
    job = Job.model_validate_json(given.job.read_text(encoding="utf-8"))
    if not _several_machines():
        die_with_lock_holder(given.run / "alive")
    try:
        run(job, given.run)
    except Exception as error:  # noqa: BLE001 - the step reports it
        if not isinstance(error, VideoStarError):
            traceback.print_exc()
        send(**describe_error(error, int(os.environ["RANK"])))
        sys.stderr.flush()
        os._exit(1)  # other ranks may wait in a collective that never ends
    return 0


def run(job: Job, folder: Path) -> None:
    """Load, encode, train, and write the result on rank 0."""
    import torch

    rank = int(os.environ["RANK"])
    torch.set_num_threads(job.threads)
    _make_repeatable(torch, job)
    _join_processes(job, folder, rank)
    from video_star.training.session import train

    train(job, rank, send if rank == 0 else _discard)
    torch.distributed.barrier()
    if rank == 0:
        shutil.rmtree(job.checkpoints, ignore_errors=True)
    torch.distributed.destroy_process_group()


def _several_machines() -> bool:
    return int(os.environ.get("CROSS_SIZE", "1")) > 1  # set by DeepSpeed's launcher


def _discard(**message: Any) -> None:
    return


def _make_repeatable(torch: Any, job: Job) -> None:
    """Deterministic kernels where torch has them, and the seed of all random numbers."""
    torch.manual_seed(job.seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False


def _join_processes(job: Job, folder: Path, rank: int) -> None:
    """Rendezvous through a file on one machine, which needs no port."""
    import deepspeed
    import torch

    if job.device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    # On a CPU, DeepSpeed compiles an all-reduce over shared memory for its inference engine alone:
    # that takes a C++ compiler, a minute, and 66 MB of /dev/shm for each process and launch. As it
    # does outside of Linux, the op is declared incompatible; training goes through gloo.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    backend = "nccl" if job.device == "cuda" else "gloo"
    place = {} if _several_machines() else {"init_method": f"file://{folder / 'rendezvous'}"}
    deepspeed.init_distributed(
        dist_backend=backend,
        auto_mpi_discovery=False,
        verbose=False,
        rank=rank,
        world_size=job.world_size,
        **place,
    )


if __name__ == "__main__":
    sys.exit(main())
