"""Held-out samples of STAR and FineDiving, as their readers make them, in a workspace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tiny

from video_star.core.context import StepContext
from video_star.core.labels import ChoiceLabel, Label, ScoreLabel, SequenceLabel
from video_star.core.paths import Workspace
from video_star.core.prompts import with_options
from video_star.core.records import VideoSample
from video_star.data.manifest import write_manifest

OPTIONS = ("The blanket", "The sandwich", "The closet", "The medicine")


def star(name: str, answer: int = 1, video: str = "AAAAA", **changes: Any) -> VideoSample:
    """A choice sample of the question `name` ("Interaction_T1_4")."""
    fields: dict[str, Any] = {
        "id": f"star/{name}/choice",
        "dataset": "star",
        "video": "clips/test-0.mp4",
        "start_s": 0.25,
        "end_s": 1.0,
        "source_id": f"star/{video}",
        "split": "test",
        "question": with_options("Which object was eaten?", OPTIONS),
        "question_template": "given",
        "labels": (ChoiceLabel(options=OPTIONS, answer=answer),),
    }
    return VideoSample(**fields | changes)


def dive(number: int, kind: str, score: float = 60.0, **changes: Any) -> VideoSample:
    """One dive asked about in one way."""
    steps = SequenceLabel(names=("Forward", "2.5 Soms.Pike", "Entry"))
    points = ScoreLabel(value=score, low=0.0)
    labels: dict[str, tuple[Label, ...]] = {
        "sequence": (steps,),
        "score": (points,),
        "assessment": (steps, ScoreLabel(name="difficulty", value=3.0), points),
    }
    fields: dict[str, Any] = {
        "id": f"finediving/01_{number}/{kind}",
        "dataset": "finediving",
        "video": "clips/test-1.mp4",
        "source_id": f"finediving/01_{number}",
        "split": "test",
        "question": f"Ask for the {kind}.",
        "question_template": f"{kind}/2",
        "labels": labels[kind],
    }
    return VideoSample(**fields | changes)


def context_of(workspace: Workspace, samples: Iterable[VideoSample] | None = None) -> StepContext:
    """A context, its manifest of these samples if given; a benchmark needs no engine."""
    if samples is not None:
        write_manifest(workspace, samples)

    def no_engine(ref: object) -> Any:
        raise AssertionError(f"a benchmark needs no engine, not even {ref}")

    return StepContext(workspace, tiny.params_of(workspace), "r0", no_engine)
