"""What other tools read: a training set as LLaVA JSON, samples as the authors' star_annotations.

LLaVA JSON is what ms-swift, LLaMA-Factory and LLaVA-NeXT take.
"""

from __future__ import annotations

import json
from pathlib import Path

from video_star.core.errors import UsageError
from video_star.core.jsonl import read_shards
from video_star.core.paths import Workspace
from video_star.core.records import TrainingExample
from video_star.core.replacing import replacing_file
from video_star.core.sorting import sorted_on_disk
from video_star.data.manifest import read_manifest
from video_star.data.readers.star_annotations import write_star_annotations


def export_llava(workspace: Workspace, round_name: str, out: Path) -> int:
    """Write [{"id", "video", "conversations": [...]}, ...] sorted by id; returns their number.

    Videos are relative to the data folder. A part of a file keeps its "start" and "end" in seconds,
    as these trainers read whole files only and ignore keys that they do not know. One entry a line.
    """
    examples = read_shards(workspace.round(round_name).train, TrainingExample)
    keyed = ((e.id, json.dumps(_entry(e), ensure_ascii=False)) for e in examples)
    with sorted_on_disk(keyed, workspace.work) as entries, replacing_file(out) as file:
        for number, entry in enumerate(entries):
            file.write(("[\n" if number == 0 else ",\n") + entry)
        file.write("\n]\n" if len(entries) else "[]\n")
        return len(entries)


def _entry(example: TrainingExample) -> dict[str, object]:
    part = {"start": example.start_s, "end": example.end_s}
    return {
        "id": example.id,
        "video": example.video,
        "conversations": [
            {"from": "human", "value": f"<video>\n{example.prompt}"},
            {"from": "gpt", "value": example.completion},
        ],
        **{name: value for name, value in part.items() if value is not None},
    }


def export_star_annotations(workspace: Workspace, split: str, out: Path) -> int:
    """Write the manifest's samples of one split, as the authors keep train.json and test.json."""
    if split not in ("train", "test"):
        raise UsageError(f"{split!r} is no split; star_annotations are written for train or test.")
    samples = [sample for sample in read_manifest(workspace) if sample.split == split]
    return write_star_annotations(samples, workspace.data, out)
