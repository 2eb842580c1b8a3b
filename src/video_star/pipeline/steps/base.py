"""Step `base`: checks the base model, which is r0, and writes rounds/r0/model/model.json."""

from __future__ import annotations

from video_star.core.context import StepContext, StepResult
from video_star.core.model_paths import base_ref, write_ref
from video_star.core.records import StepReport


def run_base(context: StepContext) -> StepResult:
    """Check the base model of params.yaml; UsageError when it cannot be used.

    With an engine that loads no model (`scripted:FILE`) there is nothing to check.
    """
    if context.params.settings.engine == "transformers":
        from video_star.generation.check import check_base
        from video_star.training.requirements import check_requirements

        check_requirements(context.params, context.workspace)
        context.progress.note("The base model answers a first question, to check that it can.")
        ref = check_base(context.params, context.workspace)
    else:
        ref = base_ref(context.params.model, context.workspace.root)
    write_ref(context.paths.model_json, ref)
    return StepResult(StepReport(step="base", round=context.round, read=1, written=1))
