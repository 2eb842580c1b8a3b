"""The model card of a round: what its model learned from, how good it is, where it comes from.

The head is the metadata that the Hugging Face hub reads
(https://huggingface.co/docs/hub/model-cards); the rest is Markdown. Same round, same bytes.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from video_star.core.jsonl import read_record, read_shards
from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.core.records import ModelRef, TrainingExample
from video_star.data.manifest import read_manifest
from video_star.tracking.provenance import git_state
from video_star.tracking.rounds_table import RoundRow, is_share, rounds_rows

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

LICENCES = ("LICENSE*", "LICENCE*")
TASK = "video-text-to-text"
HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
"""The hub refuses a card that has a path in place of the base's name."""


@dataclass(frozen=True)
class TrainingData:
    """What a round's training set is made of."""

    forms: list[tuple[str, int]]
    """Conversations by form."""
    parts: int
    """Conversations about a part of their file."""
    datasets: list[tuple[str, int, int]]
    """Data set, training samples learned from, and all of them; replayed data are in none."""

    @property
    def conversations(self) -> int:
        return sum(n for _, n in self.forms)


def model_card(
    workspace: Workspace, params: Params, round_name: str, base: Path, merged: bool
) -> str:
    """The card of an evaluated round as Markdown; `base` is the folder of the base model."""
    from huggingface_hub import ModelCardData

    rows = {row.round: row for row in rounds_rows(workspace)}
    refs = {
        name: read_record(workspace.round(name).model_json, ModelRef)
        for name in rows
        if int(name[1:]) <= int(round_name[1:])
    }
    ref, licence, data = refs[round_name], _licence(base), _training_data(workspace, round_name)
    head = ModelCardData(
        license=licence,
        library_name="transformers" if merged or ref.adapter is None else "peft",
        pipeline_tag=TASK,
        base_model=ref.base if HUB_NAME.fullmatch(ref.base) else None,
        tags=["video-star"],
        model_name=f"{params.cycle}-{round_name}",
        eval_results=_results(rows[round_name]),
    )
    page = Environment(
        loader=PackageLoader("video_star.tracking", ""),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown; what is shown are names and numbers of the user's own
    ).get_template("model_card.md.jinja")
    commit, changed = git_state(workspace.root)
    return page.render(
        head=head.to_yaml(),
        cycle=params.cycle,
        round=round_name,
        ref=ref,
        refs=refs,
        rows=rows,
        merged=merged,
        licence=licence,
        code=f"{commit}{', with changes' if changed else ''}" if commit else None,
        data=data,
        percent=lambda value: f"{100 * value:.1f}",
        shown=_shown,
    )


def _training_data(workspace: Workspace, round_name: str) -> TrainingData:
    forms, parts, learned = Counter[str](), 0, set[str]()
    for example in read_shards(workspace.round(round_name).train, TrainingExample):
        forms[example.form] += 1
        parts += example.start_s is not None
        learned.add(example.sample_id)
    of, used = Counter[str](), Counter[str]()
    for sample in read_manifest(workspace, "train"):
        of[sample.dataset] += 1
        used[sample.dataset] += sample.id in learned
    datasets = [(name, used[name], of[name]) for name in sorted(of)]
    return TrainingData(sorted(forms.items()), parts, datasets)


def _shown(name: str, value: float) -> str:
    return f"{100 * value:.1f}" if is_share(name) else f"{value:.3f}"


def _results(row: RoundRow) -> list[EvalResult]:
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type=TASK,
            dataset_type=benchmark,
            dataset_name=benchmark,
            metric_type=metric,
            metric_value=round(found.value, 6),
        )
        for name, found in row.metrics.items()
        for benchmark, _, metric in [name.partition("/")]
    ]


def _licence(base: Path) -> str | None:
    """The licence that the base model's own card names, as an identifier of the hub."""
    from huggingface_hub import ModelCard

    card = base / "README.md"
    if not card.is_file():
        return None
    metadata = ModelCard(card.read_text(encoding="utf-8"), ignore_metadata_errors=True).data
    named = metadata.get("license")
    return str(named) if named else None


def licence_files(base: Path) -> list[Path]:
    """The texts of the base model's licence, which go along with what is made from it."""
    return sorted(path for pattern in LICENCES for path in base.glob(pattern) if path.is_file())
