"""From a model's folder to processor and weights, or one sentence that says why not.

Nothing is fetched and nothing is guessed: safetensors only, whole files only, and every weight of
the model must come out of them. Code of a checkpoint's authors runs only where the user said so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import transformers
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from video_star.core.errors import UsageError, is_out_of_memory
from video_star.models.positions import after_largest
from video_star.models.table import family_of

INDEX = "model.safetensors.index.json"
AT_MOST = 300
"""Characters of a sentence that says what is wrong with a model."""


def load_processor(folder: Path, trust_remote_code: bool) -> Any:
    """The processor of a model's folder; UsageError when it, or the model, cannot be loaded."""
    check_files(folder, trust_remote_code)
    with _as_usage_error(folder, "processor"):
        return AutoProcessor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=trust_remote_code
        )


def load_weights(folder: Path, trust_remote_code: bool, **how: Any) -> Any:
    """The model in evaluation mode; UsageError when its files do not hold every weight.

    `how` goes to from_pretrained: dtype, device_map, quantization_config.
    """
    with _as_usage_error(folder, "model"):
        model, found = AutoModelForImageTextToText.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=trust_remote_code,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            **how,
        )
    _refuse_incomplete(folder, found)
    _refuse_layers_left_over(folder, model, found["unexpected_keys"])
    family = family_of(model.config.model_type)
    if family is not None and family.text_after_video == "largest":
        after_largest(model)
    return model.eval()


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
        raise _refused(folder, "it holds no config.json; name the folder of a model") from error
    except ValueError as error:
        raise _refused(
            folder, f"its config.json is not JSON ({error}); download it again"
        ) from error
    model_type = str(raw.get("model_type", "")) if isinstance(raw, dict) else ""
    if isinstance(raw, dict) and "auto_map" in raw and trust_remote_code:
        return
    with _as_usage_error(folder, "config"):
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    if type(config) not in AutoModelForImageTextToText._model_mapping:
        raise _refused(
            folder,
            f"a model of type {model_type!r} takes text only or has another task; name a "
            "video-language model (docs/models.md lists the families)",
        )
    family = family_of(model_type)
    fault = family and family.fault(transformers.__version__)
    if family is not None and fault:
        raise _refused(
            folder,
            f"{family.name} on transformers {transformers.__version__}: {fault}; install another "
            f"version (tested from {family.since} on)",
        )


def _check_weight_files(folder: Path) -> None:
    """Whether the files that from_pretrained reads are there: its own errors do not say which."""
    if (folder / "model.safetensors").is_file():
        return
    index = folder / INDEX
    if index.is_file():
        try:
            names = sorted(
                {str(n) for n in json.loads(index.read_text("utf-8"))["weight_map"].values()}
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _refused(folder, f"{INDEX} cannot be read; download it again") from error
        missing = [name for name in names if not (folder / name).is_file()]
        if missing or not names:
            raise _refused(
                folder,
                f"{len(missing)} of {len(names)} weight files are missing "
                f"({', '.join(missing[:1])}); download the model again",
            )
        return
    if any(path.suffix in (".bin", ".pt", ".pth") for path in folder.iterdir()):
        raise _refused(
            folder,
            "its weights are pickles, which may run code; convert them where you trust them: load "
            "with use_safetensors=False and save_pretrained(FOLDER)",
        )
    raise _refused(folder, "it holds no model.safetensors; download the model again")


def _refuse_incomplete(folder: Path, found: dict[str, Any]) -> None:
    """A weight that no file holds would be random, and nobody would notice."""
    missing, other = sorted(found["missing_keys"]), sorted(found["mismatched_keys"])
    unknown = sorted(found["unexpected_keys"])
    if other:
        name, there, wanted = other[0]
        raise _refused(
            folder,
            f"{len(other)} weights have another shape than config.json says ({name}: "
            f"{tuple(there)}, not {tuple(wanted)}); download config and weights together",
        )
    if missing:
        hint = f", and {len(unknown)} are unknown ({unknown[0]})" if unknown else ""
        raise _refused(
            folder,
            f"its files lack {len(missing)} weights of the model ({missing[0]}){hint}; convert the "
            "checkpoint to the names of transformers, or name the -hf version of it",
        )


def _refuse_layers_left_over(folder: Path, model: Any, unexpected: Iterable[str]) -> None:
    """Weights like those of the model, of other numbers: its config asks for fewer layers.

    Others are no part of it (an old buffer, a head for another task), and transformers names them.
    """

    def numberless(name: str) -> str:
        return re.sub(r"\d+", "#", name)

    known = {numberless(name) for name in model.state_dict()}
    over = sorted(name for name in unexpected if numberless(name) in known)
    if over:
        raise _refused(
            folder,
            f"its files hold {len(over)} weights of layers that its config.json does not have "
            f"({over[0]}); download config and weights together",
        )


def _refused(folder: Path, reason: str) -> UsageError:
    """One sentence about model.base that fits on a screen."""
    head, _, way_out = reason.rpartition("; ")
    start, end = f"model.base {folder.name}: ", f"; {way_out}."
    room = AT_MOST - len(start) - len(end)
    return UsageError(start + (head if len(head) <= room else head[: room - 3] + "...") + end)


@contextmanager
def _as_usage_error(folder: Path, what: str) -> Iterator[None]:
    """What transformers raises about a broken or unsupported folder becomes a UsageError."""
    try:
        yield
    except UsageError:
        raise
    except ImportError as error:
        name = getattr(error, "name", None)
        reason = " ".join(str(error).split())
        raise _refused(
            folder, f"its {what} needs a package ({reason}); pip install {name or 'that package'}"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _refused(
            folder, f"its {what} cannot be loaded ({reason}); check model.base"
        ) from error
    except SafetensorError as error:
        raise _refused(
            folder, f"its weights cannot be read ({error}); download it again"
        ) from error
