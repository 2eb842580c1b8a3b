"""Stored answers as a model would have left them, and the steps that judge them."""

from __future__ import annotations

from video_star.core.jsonl import write_shards
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import Answer, Origin, StepReport
from video_star.pipeline.runner import run_step


def store(workspace: Workspace, texts: dict[str, str], origin: Origin = "direct") -> None:
    """Write one answer per sample id as if the model had said it."""
    answers = [
        Answer(
            sample_id=name,
            attempt=0,
            origin=origin,
            prompt_hash="0" * 16,
            text=text,
            finish_reason="stop",
            n_tokens=5,
            seed=1,
        )
        for name, text in sorted(texts.items())
    ]
    paths = workspace.round("r1")
    folder = paths.answers if origin == "direct" else paths.rationales
    write_shards(folder, answers, lambda answer: answer.sample_id)


def run(workspace: Workspace, step: str = "verify", round_name: str = "r1") -> StepReport:
    """Run one step on what is stored."""
    return run_step(step, round_name, workspace, Silent())
