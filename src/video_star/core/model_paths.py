"""Which weights a round uses, told by content: making, writing and reading of model.json.

No path of this machine is ever written: the base is named as in params.yaml (an absolute path by
its last part), adapter and weights relative to the workspace. The base is always loaded by
params.yaml.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from video_star.core.errors import DataError, UsageError
from video_star.core.jsonl import digest_files, dump_json, write_text
from video_star.core.params import ModelParams
from video_star.core.paths import inside
from video_star.core.records import ModelRef

CONTENT = {".json", ".jinja", ".safetensors", ".txt", ".model", ".py", ".tiktoken"}
"""Endings of the files that change what a model says: weights, settings, tokenizer, template."""


def base_location(model: ModelParams, root: Path) -> Path:
    """The folder of the base: inside the workspace, else what was downloaded under its name.

    Nothing is fetched. UsageError when it is nowhere to be found.
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
    """The folder that a model is loaded from: its own weights, else the base under its adapter."""
    if ref.weights is not None:
        return inside(root, ref.weights).resolve()
    return base_location(model, root)


def base_ref(model: ModelParams, root: Path) -> ModelRef:
    """The base of params.yaml by content; UsageError when it is nowhere to be found."""
    folder = base_location(model, root)
    if (root / model.base).is_dir():
        name = folder.name if Path(model.base).is_absolute() else model.base
        revision, digest = None, _folder_digest(folder, "model.base")
    else:
        # The folder of a downloaded snapshot is named by its commit, which stands for its content.
        name, revision, digest = model.base, folder.name, folder.name
    return ModelRef(
        base=name, revision=revision, base_digest=digest, adapter=None, adapter_digest=None
    )


def adapter_ref(base: ModelRef, folder: Path, root: Path) -> ModelRef:
    """The base with the adapter in `folder`; DataError when it is missing."""
    made = {"adapter": _relative(folder, root), "adapter_digest": adapter_digest(folder)}
    return base.model_copy(update=made)


def weights_ref(base: ModelRef, folder: Path, root: Path) -> ModelRef:
    """What the base became by full finetuning, in `folder`; DataError when it is missing."""
    made = {"weights": _relative(folder, root), "weights_digest": weights_digest(folder)}
    return base.model_copy(update=made)


def adapter_digest(folder: Path) -> str:
    """sha256 over an adapter's configuration and weights; DataError when it is missing."""
    return _digest_of(folder, "adapter_config.json", "adapter")


def weights_digest(folder: Path) -> str:
    """sha256 over everything that changes what a finetuned model says; DataError when missing."""
    return _digest_of(folder, "config.json", "model")


def _digest_of(folder: Path, config: str, what: str) -> str:
    if not (folder / config).is_file():
        raise DataError(f"{folder}: holds no {what}; run the finetune step that writes it.")
    return digest_files((folder / n for n in _content(folder)), folder)


def _relative(folder: Path, root: Path) -> str:
    return folder.resolve().relative_to(root.resolve()).as_posix()


def write_ref(path: Path, ref: ModelRef) -> None:
    """Write model.json."""
    write_text(path, dump_json(ref.model_dump(mode="json")))


def read_ref(path: Path, root: Path) -> ModelRef:
    """Read model.json and check that what it names is there and unchanged; DataError otherwise."""
    if not path.is_file():
        step = "base" if path.parent.parent.name == "r0" else "finetune"
        raise DataError(f"{path}: does not exist; run `{step}` of {path.parent.parent.name} first.")
    try:
        ref = ModelRef.model_validate_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(
            f"{path}: is not a model reference; delete it and run the step that writes it again."
        ) from error
    for what, folder, digest, digest_of in (
        ("adapter", ref.adapter, ref.adapter_digest, adapter_digest),
        ("model", ref.weights, ref.weights_digest, weights_digest),
    ):
        if folder is not None and digest_of(inside(root, folder)) != digest:
            raise DataError(
                f"{inside(root, folder)}: is not the {what} that {path.name} names; "
                "run the finetune step that writes it again."
            )
    return ref


def _content(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_file() and p.suffix in CONTENT)


def _folder_digest(folder: Path, key: str) -> str:
    if not (folder / "config.json").is_file():
        raise UsageError(f"{key}: {folder} holds no config.json; name the folder of a model.")
    return digest_files((folder / n for n in _content(folder)), folder)
