"""model.json: the weights that a round uses, identified by content.

It has no absolute path: the base is named as in params.yaml (an absolute path by its last part),
adapter and weights relative to the workspace. The base is always loaded as params.yaml says.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Literal

from video_star.core.errors import DataError, UsageError
from video_star.core.hashing import sha256_files
from video_star.core.jsonl import dump_json, read_record, write_text
from video_star.core.params import ModelParams
from video_star.core.paths import inside
from video_star.core.records import ModelRef

Tuned = Literal["adapter", "weights"]
"""What a finetune leaves: an adapter on the base, or weights of its own."""
CONFIGS: dict[Tuned, str] = {"adapter": "adapter_config.json", "weights": "config.json"}
CONTENT = {".json", ".jinja", ".safetensors", ".txt", ".model", ".py", ".tiktoken"}
"""Endings of the files that change what a model says: weights, settings, tokenizer, template."""


def is_content(path: Path) -> bool:
    """Whether a file of a model's folder changes what the model says."""
    return path.is_file() and path.suffix in CONTENT


def copy_content(folder: Path, out: Path, but: tuple[str, ...] = ()) -> None:
    """Copy these files of a model's folder, less those whose names end as in `but`."""
    for path in folder.iterdir():
        if is_content(path) and not path.name.endswith(but):
            shutil.copyfile(path, out / path.name)


def base_location(model: ModelParams, root: Path) -> Path:
    """The folder of the base: in the workspace, else in the cache of the Hugging Face hub.

    Nothing is downloaded. UsageError when it is in neither.
    """
    local = root / model.base
    if local.is_dir():
        if model.revision is not None:
            raise UsageError(
                f"model.revision {model.revision}: the folder {model.base} has no revisions; set "
                "it to null."
            )
        return local.resolve()
    if Path(model.base).is_absolute() or model.base.startswith("."):
        raise UsageError(f"model.base: {model.base} is no folder; correct it.")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        found = snapshot_download(model.base, revision=model.revision, local_files_only=True)
    except (LocalEntryNotFoundError, HFValidationError, OSError) as error:
        name = shlex.quote(model.base)
        revision = f" --revision {model.revision}" if model.revision else ""
        raise UsageError(
            f"model.base: {model.base} is neither a folder nor downloaded; run `hf download "
            f"{name}{revision} --local-dir {name}`, or correct the name."
        ) from error
    return Path(found)


def location_of(ref: ModelRef, model: ModelParams, root: Path) -> Path:
    """The folder to load a model from: its own weights, else the base."""
    if ref.weights is not None:
        return inside(root, ref.weights).resolve()
    return base_location(model, root)


def base_ref(model: ModelParams, root: Path) -> ModelRef:
    """The base of params.yaml; UsageError when it is not found."""
    folder = base_location(model, root)
    if (root / model.base).is_dir():
        name = folder.name if Path(model.base).is_absolute() else model.base
        if not (folder / "config.json").is_file():
            raise UsageError(
                f"model.base: {folder} holds no config.json; name the folder of a model."
            )
        revision, digest = None, _digest(folder)
    else:
        # The folder of a downloaded snapshot is named by its commit, which identifies its content.
        name, revision, digest = model.base, folder.name, folder.name
    return ModelRef(
        base=name, revision=revision, base_digest=digest, adapter=None, adapter_digest=None
    )


def tuned_ref(base: ModelRef, kind: Tuned, folder: Path, root: Path) -> ModelRef:
    """The base with what a finetune left in `folder`; DataError when it is missing."""
    place = folder.resolve().relative_to(root.resolve()).as_posix()
    return base.model_copy(update={kind: place, f"{kind}_digest": _tuned_digest(folder, kind)})


def write_ref(path: Path, ref: ModelRef) -> None:
    """Write model.json."""
    write_text(path, dump_json(ref.model_dump(mode="json")))


def read_ref(path: Path, root: Path) -> ModelRef:
    """Read model.json; DataError when it, or the files that it names, are missing or changed."""
    if not path.is_file():
        step = "base" if path.parent.parent.name == "r0" else "finetune"
        raise DataError(f"{path}: does not exist; run `{step}` of {path.parent.parent.name} first.")
    ref = read_record(path, ModelRef)
    for kind in CONFIGS:
        place = getattr(ref, kind)
        if place is None:
            continue
        folder = inside(root, place)
        if _tuned_digest(folder, kind) != getattr(ref, f"{kind}_digest"):
            raise DataError(
                f"{folder}: not the {kind} that {path.name} names; run the finetune step that "
                "writes it again."
            )
    return ref


def _tuned_digest(folder: Path, kind: Tuned) -> str:
    if not (folder / CONFIGS[kind]).is_file():
        raise DataError(f"{folder}: holds no {kind}; run the finetune step that writes it.")
    return _digest(folder)


def _digest(folder: Path) -> str:
    """sha256 over all files of a folder that change what its model says."""
    return sha256_files((path for path in folder.iterdir() if is_content(path)), folder)
