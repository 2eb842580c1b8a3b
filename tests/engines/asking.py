"""Requests and engines for the tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from video_star.core.engine import Clip, Engine, Outcome, Request, Sampling
from video_star.core.model_paths import base_ref
from video_star.core.params import ModelParams, VideoParams
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.generation.transformers import TransformersEngine
from video_star.pipeline.runner import run_step
from video_star.video.cache import FrameCache


class Notes(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


def requests_for(clips: Path, n: int = 5, questions: int = 3, tokens: int = 12) -> list[Request]:
    """`questions` prompts of different length per clip: greedy, sampled, sampled from a nucleus."""
    return [
        Request(
            f"{path.stem}#{k}",
            Clip(path, None, None),
            "What happens?" + " And then?" * k,
            Sampling((0.0, 0.8, 0.8)[k % 3], (1.0, 1.0, 0.7)[k % 3], tokens),
            seed=100 * number + k,
        )
        for number, path in enumerate(sorted(clips.glob("train-*.mp4"))[:n])
        for k in range(questions)
    ]


def engine_for(
    base: Path, scratch: Path, batch_size: int = 4, share: bool | None = None, frames: int = 4
) -> TransformersEngine:
    """An engine on the cpu with its frame cache in `scratch`."""
    model = ModelParams(base=str(base), revision=None, dtype="float32", trust_remote_code=False)
    video = VideoParams(frames=frames, sampling="uniform", fps=None, short_side=28)
    return TransformersEngine(
        ref=base_ref(model, scratch),
        model=model,
        location=base,
        adapter=None,
        frames=FrameCache(scratch / "frames", video, 1),
        device="cpu",
        batch_size=batch_size,
        progress=Notes(),
        share=share,
    )


def answers(engine: Engine, requests: list[Request]) -> dict[str, Outcome]:
    return {outcome.key: outcome for batch in engine.answer(requests) for outcome in batch}


def generated_alike(new_workspace: Callable[..., Workspace], engine: str) -> Workspace:
    """A workspace where an engine wrote what transformers writes; its report alone names it."""
    written, reports = [], []
    for name in ("transformers", engine):
        workspace = new_workspace(name.partition(":")[0], settings__engine=name)
        run_step("base", "r0", workspace, Silent())
        run_step("generate", "r1", workspace, Silent())
        answers_at = workspace.round("r1").answers
        written.append({path.name: path.read_bytes() for path in sorted(answers_at.iterdir())})
        reports.append(json.loads(workspace.round("r1").report("generate").read_text()))
    assert written[0] == written[1]
    assert reports[1].pop("engine") == engine
    assert reports[0] == reports[1]
    return workspace
