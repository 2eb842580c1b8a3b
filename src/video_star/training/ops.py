"""DeepSpeed's compiled ops: training needs none, so none is built.

On a CPU, DeepSpeed compiles an all-reduce over shared memory as soon as its processes meet, for its
inference engine only: training goes through gloo. The build needs a C++ compiler, takes a minute,
and leaves 66 MB per process and launch in /dev/shm, which a container soon runs out of. So the op
is declared incompatible, as DeepSpeed itself does outside of Linux.
"""

from __future__ import annotations

SHARED_MEMORY = "deepspeed_shm_comm"


def disable_shared_memory_op() -> None:
    """Call before `deepspeed.init_distributed`."""
    import deepspeed

    deepspeed.ops.__compatible_ops__[SHARED_MEMORY] = False
