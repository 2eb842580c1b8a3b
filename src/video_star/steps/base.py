"""Step `base`: r0 is the base model as it is. Writes rounds/r0/model/model.json."""

from __future__ import annotations

from video_star.context import StepContext
from video_star.domain import StepReport
from video_star.models import base_ref, write_ref
from video_star.runner import StepResult


def run_base(context: StepContext) -> StepResult:
    """Note which base model params.yaml names, by content; UsageError when there is none."""
    ref = base_ref(context.params.model, context.workspace.root)
    write_ref(context.paths.model_json, ref)
    return StepResult(StepReport(step="base", round=context.round, read=1, written=1))
