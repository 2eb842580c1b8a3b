"""Checks of a finetune's settings against the machine, before anything is loaded."""

from __future__ import annotations

from importlib.util import find_spec

from video_star.core.device import pick_device
from video_star.core.errors import UsageError
from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.training.job import fit_micro_batch
from video_star.training.launch import count_processes


def check_requirements(params: Params, workspace: Workspace) -> None:
    """UsageError when a finetune cannot run with these parameters on this machine."""
    settings, device = params.settings, pick_device(params.settings.device)
    processes = count_processes(settings, workspace.root)
    fit_micro_batch(params.finetune.batch_size, processes, settings.micro_batch_size)
    if params.finetune.method == "qlora":
        _check_cuda_package("finetune.method qlora", device, "lora", "bitsandbytes")
        if settings.zero.startswith("zero3"):
            raise UsageError(
                f"finetune.method qlora does not go with settings.zero {settings.zero}: 4-bit "
                "weights cannot be partitioned; use zero2 or zero2_offload."
            )
        if settings.liger:
            raise UsageError(
                "finetune.method qlora does not go with settings.liger, whose kernels know no "
                "4-bit weights; set it to false."
            )
    if settings.liger:
        _check_cuda_package("settings.liger", device, "false", "liger-kernel")
    if settings.zero == "zero0" and params.model.dtype != "float32":
        raise UsageError(
            f"settings.zero zero0 does not go with model.dtype {params.model.dtype}: its "
            "float32 state could not be kept; use zero1."
        )
    replay = params.curate.replay
    if replay is not None and not workspace.video(replay.annotations).is_file():
        raise UsageError(
            f"curate.replay.annotations: data/{replay.annotations} does not exist; add the file, "
            "or set curate.replay to null."
        )


def _check_cuda_package(what: str, device: str, instead: str, package: str) -> None:
    """UsageError where there is no CUDA device or the package is not installed."""
    if device != "cuda":
        raise UsageError(
            f"{what} needs a CUDA device and this finetune runs on {device}; use {instead}, or run "
            "it where there is one (settings.device)."
        )
    if find_spec(package.replace("-", "_")) is None:
        raise UsageError(
            f"{what} needs {package}, which is not installed; run `pip install {package}`."
        )
