"""Training processes end with the step that launched them, whatever launchers lie in between.

`processes.die_with_parent` covers one generation only. So the step holds a file lock, which the
kernel releases when the step ends for whatever reason; each rank waits for the lock in a thread and
kills its process once it gets it.
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
def hold_lock(path: Path) -> Iterator[None]:
    """Hold the lock; each launch needs a path of its own, else older ranks would live on."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def die_with_lock_holder(path: Path) -> None:
    """Kill this process as soon as no process is in `hold_lock(path)`."""

    def wait() -> None:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()
