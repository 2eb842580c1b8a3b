"""Shards on the workers of a Ray cluster: one worker per GPU, or per CPU where there is no GPU.

Ray carries the names of shard files only, so its memory is bounded. A worker that dies is started
again by Ray and given its shard once more.
"""

from __future__ import annotations

import logging
import os
import pickle
import secrets
import shutil
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import format_exc
from typing import Any, TypeVar

from video_star.core.context import StepContext
from video_star.core.errors import ServiceError, UsageError
from video_star.core.progress import Silent
from video_star.pipeline.executor import Opener, Worker
from video_star.pipeline.runner import context_of
from video_star.pipeline.shard_files import RESULT, new_shard_folder, read_object, write_object

S = TypeVar("S")
R = TypeVar("R")
TRIES = 3
"""How many workers may die over one shard."""
QUEUED = 2
"""Shards that a worker has at a time: the one it works on and the next."""
REACHED_S = 10.0
"""Seconds in which a cluster must take a connection."""
WORKER = "worker"
"""The file with what a worker is made of."""


def run_on_ray(
    context: StepContext, job: str, opener: Opener[S, R], shards: Iterable[S]
) -> Iterator[R]:
    """As `run_shards`; ServiceError when the cluster cannot be used, or workers keep dying."""
    folder = new_shard_folder(context.workspace, job)
    paths = [write_object(folder / f"{n:08d}", shard) for n, shard in enumerate(shards)]
    if paths:
        write_object(folder / WORKER, (context.workspace, context.params, context.round, opener))
        with _connected(context.params.settings.executor) as workers:
            workers["concurrency"] = min(workers["concurrency"], len(paths))
            context.progress.note(f"Shards: {len(paths):,}; workers: {workers['concurrency']}.")
            for result, error in _run(paths, workers):
                if error:
                    raise pickle.loads(error)
                yield from read_object(result)
                result.unlink()
    shutil.rmtree(folder.parent, ignore_errors=True)


@contextmanager
def _connected(executor: str) -> Iterator[dict[str, Any]]:
    """A cluster, the one at the address or one of this machine alone; gives how to use it."""
    address = executor.partition(":")[2]

    def failed(error: Exception) -> ServiceError:
        last = str(error).strip().splitlines()[-1]
        return ServiceError(
            f"settings.executor: {executor}: {last}; look at the cluster (`ray status`) and run "
            "the same command again, which keeps what is finished."
        )

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Nobody else may send a Ray of ours work. It reads this when it is imported, and never again.
    if not address and "ray" not in sys.modules:
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        if address:
            _refuse_unreachable(address)
        import ray
        from ray.exceptions import RayError

        own = not ray.is_initialized()
        if own:
            ray.init(
                address=address or "local",
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except ModuleNotFoundError as error:
        raise UsageError(
            f"settings.executor is {executor!r}, but Ray is not installed; run pip install "
            "'video-star[cluster]', or use local."
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise failed(error) from error
    try:
        resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
        gpus = int(resources.get("GPU", 0))
        yield (
            {"concurrency": gpus, "num_gpus": 1}
            if gpus
            else {"concurrency": int(resources["CPU"]), "num_cpus": 1}
        )
    except RayError as error:
        raise failed(error) from error
    finally:
        if own:
            ray.shutdown()


def _refuse_unreachable(address: str) -> None:
    """OSError at once; Ray itself tries for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdecimal():
        socket.create_connection((host, int(port)), timeout=REACHED_S).close()


def _run(paths: list[Path], workers: dict[str, Any]) -> Iterator[tuple[Path, bytes]]:
    """The files with the results or pickled errors instead, in the order of the shards."""
    import ray.data

    data = ray.data.DataContext.get_current()
    data.enable_progress_bars = False
    data.execution_options.preserve_order = True
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    rows = [{"path": str(path)} for path in paths]
    shards = ray.data.from_items(rows, override_num_blocks=len(rows))
    count = workers.pop("concurrency")
    pool = ray.data.ActorPoolStrategy(size=count, max_tasks_in_flight_per_actor=QUEUED)
    actor: Any = ShardWorker
    for row in shards.map(actor, compute=pool, **workers).iter_rows():
        yield Path(row["path"]), row["error"]


class ShardWorker:
    """An actor; opens what it works with, a model for instance, when it gets its first shard."""

    def __init__(self) -> None:
        self._worker: Worker[Any, Any] | None = None

    def __call__(self, row: dict[str, str]) -> dict[str, str | bytes]:
        """Work on a shard file; gives the file of its result, and the error if it raised one.

        The error is no file: a full disk is one.
        """
        path, error = Path(row["path"]), b""
        result = path.with_suffix(RESULT)
        if not result.exists():
            try:
                write_object(result, list(self._open(path)(read_object(path))))
            except Exception as raised:  # noqa: BLE001 - raised again where the step runs
                raised.add_note(format_exc())
                error = pickle.dumps(raised)
        return {"path": str(result), "error": error}

    def _open(self, path: Path) -> Worker[Any, Any]:
        tries = path.with_suffix(".tries")
        died = read_object(tries) if tries.exists() else 0
        if died == TRIES:
            raise ServiceError(
                f"{path}: {TRIES} workers died over it; look for the reason in the logs of the "
                "cluster (too little memory?) and run the same command again."
            )
        write_object(tries, died + 1)
        if self._worker is None:
            workspace, params, round_name, opener = read_object(path.with_name(WORKER))
            self._worker = opener(context_of(workspace, params, round_name, Silent()))
        return self._worker
