"""What a finetune needs of the machine, refused in one sentence before anything is loaded."""

from __future__ import annotations

from importlib.util import find_spec

from video_star.errors import UsageError
from video_star.params import Params


def refuse_unfit(params: Params, device: str) -> None:
    """UsageError when method and settings do not go with one another or with the device."""
    settings = params.settings
    if params.finetune.method == "qlora":
        _refuse_without_cuda("finetune.method qlora", device, "lora")
        _refuse_without_package("finetune.method qlora", "bitsandbytes", "bitsandbytes")
        if settings.zero.startswith("zero3"):
            raise UsageError(
                f"finetune.method qlora does not go with settings.zero {settings.zero}: 4-bit "
                "weights cannot be shared out; use zero2 or zero2_offload."
            )
    if settings.liger:
        _refuse_without_cuda("settings.liger", device, "false")
        _refuse_without_package("settings.liger", "liger_kernel", "liger-kernel")
    if settings.zero == "zero0" and params.model.dtype != "float32":
        raise UsageError(
            f"settings.zero zero0 does not go with model.dtype {params.model.dtype}: its "
            "full-precision state could not be kept; use zero1."
        )


def _refuse_without_cuda(what: str, device: str, instead: str) -> None:
    if device != "cuda":
        raise UsageError(
            f"{what} needs a CUDA device and this finetune runs on {device}; use {instead}, or run "
            "it where there is one (settings.device)."
        )


def _refuse_without_package(what: str, module: str, package: str) -> None:
    if find_spec(module) is None:
        raise UsageError(
            f"{what} needs {package}, which is not installed; run `pip install {package}`."
        )
