"""Workspaces that are ready to be finetuned, and what is left of them when they were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tiny

from video_star.core.jsonl import write_shards
from video_star.core.model_paths import base_ref, write_ref
from video_star.core.paths import Workspace
from video_star.core.records import TrainingExample
from video_star.models.adapters import unwrapped
from video_star.models.conversation import Conversations, Tokens
from video_star.training.job import clip_of
from video_star.video.cache import FrameCache

if TYPE_CHECKING:
    from video_star.training.feed import Row


def examples(n: int = 24) -> list[TrainingExample]:
    """n conversations about the ten clips, short and long ones."""
    return [
        TrainingExample(
            id=f"tiny/train-{i % 10}/{i}",
            sample_id=f"tiny/train-{i % 10}",
            video=f"clips/train-{i % 10}.mp4",
            prompt="What is it?\nExplain step by step." if i % 2 else "What?",
            completion=f"It moves. This is {tiny.CLASSES[i % 4]}."
            if i % 3
            else tiny.CLASSES[i % 4],
            form="direct",
            origin="direct",
        )
        for i in range(n)
    ]


def rows(
    model: Any,
    items: Sequence[TrainingExample],
    conversations: Conversations,
    frames: FrameCache,
    data: Path,
    features: bool = True,
) -> list[Row]:
    """Examples as the collator takes them, with features of their clips where the model can."""
    from video_star.training.clips import ClipInputs, clip_encoder
    from video_star.training.feed import Reader

    first = conversations.prepare(frames.get(clip_of(items[0], data))).inputs
    clips = ClipInputs(clip_encoder(unwrapped(model), first, False) if features else None)
    reader = Reader(items, conversations, frames, clips, data)
    made = []
    for index in range(len(items)):
        tokens = reader.tokens([index])[index]
        assert isinstance(tokens, Tokens), tokens
        made.append((tokens, clips.encoded(*reader.entry(index))))
    return made


def ready(root: Path, base: Path, clips: Path, **changes: object) -> Workspace:
    """A workspace whose round r1 has a training set: 15 steps of batch 8, a checkpoint every 4."""
    small: dict[str, object] = {
        "finetune__batch_size": 8,
        "finetune__epochs": 5,
        "finetune__learning_rate": 0.01,
        "settings__checkpoint_steps": 4,
    }
    workspace = tiny.make_workspace(root, base, clips, **(small | changes))  # type: ignore[arg-type]
    write_shards(workspace.round("r1").train, examples(), lambda example: example.sample_id)
    model = tiny.params_of(workspace).model
    write_ref(workspace.round("r0").model_json, base_ref(model, workspace.root))
    return workspace


def model_bytes(workspace: Workspace) -> dict[str, bytes]:
    """Everything that finetune leaves in rounds/r1/model, by name."""
    folder = workspace.round("r1").model
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
