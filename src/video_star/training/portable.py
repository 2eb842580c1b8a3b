"""Training state from which any number of processes and any ZeRO stage can resume.

DeepSpeed's own checkpoints are partitioned for the processes that wrote them; its universal ones
are converted from these by a separate program, which has none for stage 0. Here each trained
parameter is stored whole under its name: the float32 master weights and AdamW's two moments.
Parameters are gathered one at a time, and the ranks take turns to store them, so that no process
holds more than FILE_BYTES and one parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from video_star.core.jsonl import dump_json, read_record, write_text
from video_star.core.labels import Record

SCALARS = "optimizer.json"
"""The optimizer's step, and the state of float16's loss scale."""
MASTER = "master"
MOMENTS = ("exp_avg", "exp_avg_sq")
FILE_BYTES = 2 << 30
"""A process writes a file when it holds this much."""
SCALE = ("cur_scale", "cur_iter", "last_overflow_iter", "cur_hysteresis")
"""The state of DeepSpeed's loss scaler."""


class Scalars(Record):
    """optimizer.json: what a checkpoint holds besides tensors."""

    step: float
    loss_scale: dict[str, float | int | bool]


def save_state(engine: Any, folder: Path) -> None:
    """Write the state of a DeepSpeed engine after a step; all processes call it together."""
    rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
    folder.mkdir(parents=True, exist_ok=True)
    step = _steps_done(engine)
    if step == 0:  # float16 skips steps until its loss scale fits
        _make_moments(engine, step)
    _link_moments(engine)
    held: dict[str, torch.Tensor] = {}
    numbers = count()

    def write() -> None:
        save_file(held, folder / f"state-{rank}-{next(numbers)}.safetensors")
        held.clear()

    for index, (name, parameter) in enumerate(_trained(engine)):
        for key in (MASTER, *MOMENTS):
            whole = _read(engine, parameter, key)
            if index % world == rank:
                held[f"{key}:{name}"] = whole.detach().to("cpu", torch.float32, copy=True)
        if sum(tensor.numel() * 4 for tensor in held.values()) >= FILE_BYTES:
            write()
    if held:
        write()
    if rank == 0:
        scale = getattr(engine.optimizer, "loss_scaler", None)
        kept = {name: getattr(scale, name) for name in SCALE if hasattr(scale, name)}
        scalars = Scalars(step=step, loss_scale=kept)
        write_text(folder / SCALARS, dump_json(scalars.model_dump(mode="json")))


def load_state(engine: Any, folder: Path) -> None:
    """Load a stored state into a new engine; all processes call it together."""
    scalars = read_record(folder / SCALARS, Scalars)
    _make_moments(engine, scalars.step)
    _link_moments(engine)
    for name, value in scalars.loss_scale.items():
        setattr(engine.optimizer.loss_scaler, name, value)
    places = _places(folder)
    files: dict[Path, Any] = {}
    for name, parameter in _trained(engine):
        for key in (MASTER, *MOMENTS):
            path = places[f"{key}:{name}"]
            if path not in files:
                files[path] = safe_open(path, framework="pt")
            value = files[path].get_tensor(f"{key}:{name}")
            if key == MASTER:
                _set_working_copy(parameter, value)
            _write(engine, parameter, key, value)


def _trained(engine: Any) -> Iterator[tuple[str, Any]]:
    for name, parameter in engine.module.named_parameters():
        if parameter.requires_grad:
            yield name, parameter


def _inner(engine: Any) -> Any:
    """Torch's optimizer, which DeepSpeed wraps from stage 1 on."""
    return getattr(engine.optimizer, "optimizer", engine.optimizer)


def _steps_done(engine: Any) -> float:
    """Steps that AdamW has taken; skipped ones do not count."""
    return next((float(s["step"]) for s in _inner(engine).state.values() if "step" in s), 0.0)


def _places(folder: Path) -> dict[str, Path]:
    """The file of each stored tensor."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("state-*.safetensors")):
        with safe_open(path, framework="pt") as file:
            found |= dict.fromkeys(file.keys(), path)
    return found


def _read(engine: Any, parameter: Any, key: str) -> torch.Tensor:
    """The full master weights or moment of a parameter, on every process."""
    from deepspeed.utils import safe_get_full_fp32_param, safe_get_full_optimizer_state

    if engine.zero_optimization_stage() == 0:
        plain: torch.Tensor = parameter if key == MASTER else _inner(engine).state[parameter][key]
        return plain
    if key == MASTER:
        return safe_get_full_fp32_param(parameter)
    return safe_get_full_optimizer_state(parameter, key)


def _write(engine: Any, parameter: Any, key: str, value: torch.Tensor) -> None:
    """Set the part of a parameter's master weights or moment that this process keeps."""
    from deepspeed.utils import (
        safe_set_full_fp32_param,
        safe_set_full_optimizer_state,
        safe_set_local_fp32_param,
        safe_set_local_optimizer_state,
    )

    stage = engine.zero_optimization_stage()
    if stage == 0:
        if key != MASTER:  # the master is the parameter itself
            _inner(engine).state[parameter][key].copy_(value)
    elif stage == 3:
        # The function for full values refuses sizes that are no multiple of the world size.
        mine = _part(value, parameter.ds_tensor.numel())
        if key == MASTER:
            safe_set_local_fp32_param(parameter, mine)
        else:
            safe_set_local_optimizer_state(parameter, mine, key)
    elif key == MASTER:
        safe_set_full_fp32_param(parameter, value)
    else:
        safe_set_full_optimizer_state(parameter, value, key)


def _part(value: torch.Tensor, size: int) -> torch.Tensor:
    """This process's part of a value that ZeRO 3 splits in parts of `size`, padded with zeros."""
    rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
    padded = torch.zeros(size * world, dtype=value.dtype)
    padded[: value.numel()] = value.flatten()
    return padded[rank * size : (rank + 1) * size]


def _set_working_copy(parameter: Any, value: torch.Tensor) -> None:
    """Set the weights of the forward pass: the master weights in the model's dtype."""
    import deepspeed

    with torch.no_grad():
        if not hasattr(parameter, "ds_id"):
            parameter.copy_(value)
            return
        with deepspeed.zero.GatheredParameters([parameter], modifier_rank=0):
            if torch.distributed.get_rank() == 0:
                parameter.copy_(value)


def _make_moments(engine: Any, step: float) -> None:
    """Create AdamW's state, as its first step would, with zero moments."""
    inner, optimizer = _inner(engine), engine.optimizer
    flat = getattr(optimizer, "fp32_partitioned_groups_flat", None)  # ZeRO 3 lends them for a step
    if flat is None:
        flat = [parameter for group in inner.param_groups for parameter in group["params"]]
    for parameter in flat:
        inner.state[parameter] = {
            "step": torch.tensor(step),
            **{key: torch.zeros_like(parameter) for key in MOMENTS},
        }


def _link_moments(engine: Any) -> None:
    """Make DeepSpeed link parameters to their moments again.

    It does so only once, after the step of the first parameter group, before the others have any.
    """
    optimizer = engine.optimizer
    if hasattr(optimizer, "_hp_optimizer_states_linked"):
        optimizer._hp_optimizer_states_linked = False
        optimizer._lazy_init_hp_params_optimizer_state()
