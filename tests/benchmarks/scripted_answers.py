"""The step `evaluate` with a model that answers by rules."""

from __future__ import annotations

import json
from typing import Any

import tiny

from video_star.core.context import StepContext
from video_star.core.model_paths import base_ref, write_ref
from video_star.core.paths import Workspace
from video_star.core.records import ModelRef
from video_star.generation.scripted import read_script
from video_star.video.cache import FrameCache


def evaluating(workspace: Workspace, rules: list[dict[str, str]]) -> StepContext:
    """Its context for r0; the rules are those of settings.engine `scripted:FILE`."""
    script = workspace.root / "script.json"
    script.write_text(json.dumps(rules), encoding="utf-8")
    params = tiny.params_of(workspace)
    write_ref(workspace.round("r0").model_json, base_ref(params.model, workspace.root))

    def open_engine(ref: ModelRef) -> Any:
        return read_script(script, ref, FrameCache(workspace.frames, params.video, 1), batch_size=2)

    return StepContext(workspace, params, "r0", open_engine)
