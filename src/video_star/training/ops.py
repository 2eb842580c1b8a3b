"""DeepSpeed's compiled parts: none is needed, and none is built behind anybody's back.

On a CPU, DeepSpeed compiles an all-reduce over shared memory as soon as its processes meet. Only
its inference engine calls it; training goes through gloo. Built all the same, it would need a C++
compiler, take a minute, and leave 66 MB per process and launch in /dev/shm, which a container soon
runs out of. So it is declared unavailable, as it is outside of Linux.
"""

from __future__ import annotations

SHARED_MEMORY = "deepspeed_shm_comm"


def without_shared_memory_op() -> None:
    """Let DeepSpeed's processes meet without that op; call before `init_distributed`."""
    import deepspeed

    deepspeed.ops.__compatible_ops__[SHARED_MEMORY] = False
