"""Child processes that never outlive their parent, read line by line.

DVC does not stop its stage command when it is killed itself, and a Prefect flow that is killed does
not stop DVC: each of our processes therefore asks the kernel for a signal when its parent is gone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1
# Loaded here because code between fork and exec should do as little as possible.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Ask for SIGTERM when the parent of this process ends (Linux; elsewhere this does nothing)."""
    if _LIBC is None:
        return
    parent = os.getppid()
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before the request was made
        os._exit(128 + signal.SIGTERM)


def run_lines(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], on_line: Callable[[str], None]
) -> int:
    """Run a command, hand over each line of its stdout and stderr, and return its exit code.

    The child leads a session of its own: whatever interrupts us (also a cancelled Prefect task)
    ends it together with its children.
    """
    child = subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        preexec_fn=die_with_parent,
    )
    try:
        for line in child.stdout or ():
            on_line(line.rstrip("\n"))
        return child.wait()
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        child.wait()
        raise
    finally:
        if child.stdout is not None:
            child.stdout.close()
