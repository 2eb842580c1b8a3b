"""The number of torch threads of each process of a finetune.

It depends on machine and model alone: another number of threads sums in another order, which
changes the last bits of an adapter.
"""

from __future__ import annotations

import os
from pathlib import Path

SMALL_MODEL_BYTES = 64 << 20
"""Below this, matrices are too small to gain from threads, and on a busy machine a step is up to 40
times slower, because threads wait for each other at every layer."""
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def threads_for(base: Path, processes: int) -> int:
    """Threads per process for the base model in a folder."""
    weights = sum(path.stat().st_size for path in base.glob("*.safetensors"))
    if 0 < weights < SMALL_MODEL_BYTES:
        return 1
    return max(1, cores() // processes)


def cores(quota: Path = QUOTA) -> int:
    """Cores that this process may use, by its affinity and the container's quota, rounded down."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        share, period = quota.read_text(encoding="ascii").split()
        limit = int(share) // int(period) if share != "max" else None
    except (OSError, ValueError):
        limit = None
    return max(1, min(usable or 1, limit or usable or 1))
