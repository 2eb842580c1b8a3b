"""A round to give away: its checkpoint, its model card, its training set.

README.md                                    the model card
adapter_model.safetensors, adapter_config.json       the adapter, for the base model
or model.safetensors, config.json, tokenizer, ...    all weights, which need no base
train.json                                   the training set as LLaVA JSON
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from video_star.core.device import pick_device
from video_star.core.errors import DataError, UsageError
from video_star.core.jsonl import write_text
from video_star.core.model_paths import base_location, base_ref, copy_content, read_ref
from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.core.replacing import replacing_folder
from video_star.data.export import export_llava
from video_star.tracking.model_card import licence_files, model_card

CARD, TRAINING_SET = "README.md", "train.json"


def export_round(
    workspace: Workspace, params: Params, round_name: str, out: Path, merged: bool
) -> None:
    """Write a round's checkpoint, card and training set into the new folder `out`.

    With `merged` an adapter is added to the base's weights, in the dtype in which these are
    stored. UsageError for r0, a round that is not there, another base than that of the round, and
    a folder that holds something; DataError for a round that is not evaluated.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty; remove it or name another folder.")
    if round_name not in params.round_names:
        raise UsageError(
            f"{round_name}: a round to export is one of {', '.join(params.round_names)}; r0 is the "
            "base model as it is."
        )
    paths = workspace.round(round_name)
    ref = read_ref(paths.model_json, workspace.root)
    if base_ref(params.model, workspace.root).base_digest != ref.base_digest:
        raise UsageError(
            f"model.base: {params.model.base} is not the model that {round_name} was trained on, "
            f"{ref.base} ({ref.base_digest[:16]}); name that one, or train the round anew."
        )
    if not paths.metrics.is_file():
        raise DataError(f"{paths.metrics}: does not exist; run `evaluate` of {round_name} first.")
    base = base_location(params.model, workspace.root)
    with replacing_folder(out) as building:
        if ref.weights is not None:
            copy_content(workspace.root / ref.weights, building)
        elif merged:
            write_merged(base, paths.adapter, params.model.trust_remote_code, building)
        else:
            copy_content(paths.adapter, building)
        for path in licence_files(base):
            shutil.copyfile(path, building / path.name)
        export_llava(workspace, round_name, building / TRAINING_SET)
        card = model_card(workspace, params, round_name, base, merged)
        write_text(building / CARD, card)


def write_merged(base: Path, adapter: Path, trust_remote_code: bool, out: Path) -> None:
    """Add an adapter to the base's weights and write a folder that from_pretrained loads."""
    # transformers asks DeepSpeed for it while it saves, which else looks for one and warns.
    os.environ.setdefault("DS_ACCELERATOR", pick_device("auto"))
    from video_star.models.adapters import load_adapter
    from video_star.models.loading import load_weights
    from video_star.training.weights import save_weights

    model = load_weights(base, trust_remote_code, dtype="auto")
    model = load_adapter(model, adapter).merge_and_unload(safe_merge=True)
    save_weights(model, model.state_dict(), out, base)
