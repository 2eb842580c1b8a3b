"""Loads processor and weights from a model's folder; UsageError says why it cannot be used.

Nothing is downloaded. Weights must be safetensors and hold every weight of the model. Code of a
checkpoint's authors runs only with `trust_remote_code`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from video_star.core.errors import UsageError, is_out_of_memory
from video_star.core.excerpt import cut
from video_star.models.positions import after_largest
from video_star.models.table import family_of

INDEX = "model.safetensors.index.json"
AT_MOST = 300
"""Characters of an error message."""


def load_processor(folder: Path, trust_remote_code: bool, weights: bool = True) -> Any:
    """The processor of a model's folder; UsageError when it, or the model, cannot be loaded.

    Without `weights` their files need not be there.
    """
    if weights:
        check_files(folder, trust_remote_code)
    else:
        _check_config(folder, trust_remote_code)
    with _as_usage_error(folder, "processor"):
        return AutoProcessor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=trust_remote_code
        )


def load_weights(folder: Path, trust_remote_code: bool, **options: Any) -> Any:
    """The model in evaluation mode; UsageError when its files do not hold every weight.

    `options` are arguments of from_pretrained: dtype, device_map, quantization_config.
    """
    with _as_usage_error(folder, "model"):
        model, info = AutoModelForImageTextToText.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=trust_remote_code,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # reported below, by name
            **options,
        )
    _check_complete(folder, info)
    _check_no_layers_left_over(folder, model, info["unexpected_keys"])
    family = family_of(model.config.model_type)
    if family is not None and family.text_after_video == "largest":
        after_largest(model)
    return model.eval()


def load_shape(folder: Path, trust_remote_code: bool) -> Any:
    """The model on torch's meta device: every weight has a shape, and none takes memory."""
    with _as_usage_error(folder, "config"), torch.device("meta"):
        config = AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=trust_remote_code
        )
        return AutoModelForImageTextToText.from_config(config, trust_remote_code=trust_remote_code)


def check_files(folder: Path, trust_remote_code: bool) -> None:
    """UsageError when a folder is not that of a video-language model, or lacks weight files.

    Reads the config and the index, no weights.
    """
    _check_config(folder, trust_remote_code)
    _check_weight_files(folder)


def _check_config(folder: Path, trust_remote_code: bool) -> None:
    path = folder / "config.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _usage_error(folder, "it holds no config.json; name the folder of a model") from error
    except ValueError as error:
        raise _usage_error(
            folder, f"its config.json is not JSON ({error}); download it again"
        ) from error
    model_type = str(raw.get("model_type", "")) if isinstance(raw, dict) else ""
    if isinstance(raw, dict) and "auto_map" in raw and trust_remote_code:
        return
    with _as_usage_error(folder, "config"):
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    if type(config) not in AutoModelForImageTextToText._model_mapping:
        raise _usage_error(
            folder,
            f"a model of type {model_type!r} takes text only or has another task; name a "
            "video-language model (docs/models.md lists the families)",
        )


def _check_weight_files(folder: Path) -> None:
    """UsageError when a file that from_pretrained reads is missing; its own errors name none."""
    if (folder / "model.safetensors").is_file():
        return
    index = folder / INDEX
    if index.is_file():
        try:
            names = sorted(
                {str(n) for n in json.loads(index.read_text("utf-8"))["weight_map"].values()}
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _usage_error(folder, f"{INDEX} cannot be read; download it again") from error
        missing = [name for name in names if not (folder / name).is_file()]
        if missing or not names:
            raise _usage_error(
                folder,
                f"{len(missing)} of {len(names)} weight files are missing "
                f"({', '.join(missing[:1])}); download the model again",
            )
        return
    if any(path.suffix in (".bin", ".pt", ".pth") for path in folder.iterdir()):
        raise _usage_error(
            folder,
            "its weights are pickles, which may run code; convert them where you trust them: load "
            "with use_safetensors=False and save_pretrained(FOLDER)",
        )
    raise _usage_error(folder, "it holds no model.safetensors; download the model again")


def _check_complete(folder: Path, info: dict[str, Any]) -> None:
    """UsageError when files lack a weight, which from_pretrained would initialise at random."""
    missing, other = sorted(info["missing_keys"]), sorted(info["mismatched_keys"])
    unknown = sorted(info["unexpected_keys"])
    if other:
        name, stored, expected = other[0]
        raise _usage_error(
            folder,
            f"{len(other)} weights have another shape than config.json says ({name}: "
            f"{tuple(stored)}, not {tuple(expected)}); download config and weights together",
        )
    if missing:
        hint = f", and {len(unknown)} are unknown ({unknown[0]})" if unknown else ""
        raise _usage_error(
            folder,
            f"its files lack {len(missing)} weights of the model ({missing[0]}){hint}; convert the "
            "checkpoint to the names of transformers, or name the -hf version of it",
        )


def _check_no_layers_left_over(folder: Path, model: Any, unexpected: Iterable[str]) -> None:
    """UsageError when files hold more layers than the config has.

    These weights differ from known ones in numbers only. Other unexpected weights (an old buffer, a
    head for another task) do no harm, and transformers logs them.
    """

    def numberless(name: str) -> str:
        return re.sub(r"\d+", "#", name)

    known = {numberless(name) for name in model.state_dict()}
    over = sorted(name for name in unexpected if numberless(name) in known)
    if over:
        raise _usage_error(
            folder,
            f"its files hold {len(over)} weights of layers that its config.json does not have "
            f"({over[0]}); download config and weights together",
        )


def _usage_error(folder: Path, reason: str) -> UsageError:
    """The error about a folder; `reason` is "problem; what to do", and the problem is shortened."""
    problem, _, advice = reason.rpartition("; ")
    start, end = f"model.base {folder.name}: ", f"; {advice}."
    return UsageError(start + cut(problem, AT_MOST - len(start) - len(end)) + end)


@contextmanager
def _as_usage_error(folder: Path, what: str) -> Iterator[None]:
    """Turn what transformers raises about a broken or unsupported folder into a UsageError."""
    try:
        yield
    except UsageError:
        raise
    except ImportError as error:
        name = getattr(error, "name", None)
        reason = " ".join(str(error).split())
        raise _usage_error(
            folder, f"its {what} needs a package ({reason}); pip install {name or 'that package'}"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _usage_error(
            folder, f"its {what} cannot be loaded ({reason}); check model.base"
        ) from error
    except SafetensorError as error:
        raise _usage_error(
            folder, f"its weights cannot be read ({error}); download it again"
        ) from error
