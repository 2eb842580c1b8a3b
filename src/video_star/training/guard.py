"""Ranks that end with the step they work for, however many launchers lie in between.

`processes.die_with_parent` reaches one generation. The step also holds a lock that the kernel drops
when the step ends, however it ends; every rank waits for it and kills itself when it gets it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alive(path: Path) -> Iterator[None]:
    """Hold the lock; `path` must be new for each launch, or an old rank would not notice."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def die_with_holder(path: Path) -> None:
    """Kill this process as soon as nobody holds `alive(path)`."""

    def wait() -> None:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()
