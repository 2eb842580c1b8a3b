"""How many torch threads each process of a finetune gets.

The number belongs to the machine and the model alone: sums are cut differently with another number
of threads, so an adapter's last bits depend on it.
"""

from __future__ import annotations

import os
from pathlib import Path

SMALL_MODEL_BYTES = 64 << 20
"""Below this, matrices are so small that threads win little, and when another program wants a core
they lose much: waiting for one another at every layer, a step became 40 times slower."""
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def threads_for(base: Path, processes: int) -> int:
    """Threads per process for the base model in a folder."""
    weights = sum(path.stat().st_size for path in base.glob("*.safetensors"))
    if 0 < weights < SMALL_MODEL_BYTES:
        return 1
    return max(1, cores() // processes)


def cores(quota: Path = QUOTA) -> int:
    """Cores that this process may use: its affinity, and what a container's quota leaves of it."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        share, period = quota.read_text(encoding="ascii").split()
        limit = int(share) // int(period) if share != "max" else None
    except (OSError, ValueError):
        limit = None
    return max(1, min(usable or 1, limit or usable or 1))
