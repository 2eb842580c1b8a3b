"""The list of steps. Imports nothing that is slow: every command begins with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from video_star.core.params import Params


@dataclass(frozen=True)
class Step:
    """One entry of the list of steps."""

    function: str
    """module:function, imported only when the step runs."""
    sections: tuple[str, ...]
    """Sections (or keys: "a.b") of params.yaml that change its result: its DVC stage's `params`."""
    rounds: str
    """Which rounds it exists for: "once" (r0 only), "rounds" (r1..), "evaluated" (r0, r1..)."""
    version: int
    """Goes up when the step's code changes what it writes; shown as the Prefect task's version."""


STEPS: dict[str, Step] = {
    "ingest": Step(
        "video_star.pipeline.steps.ingest:run_ingest",
        ("seed", "ingest", "evaluate.benchmarks"),
        "once",
        3,
    ),
    "base": Step("video_star.pipeline.steps.base:run_base", ("model",), "once", 2),
    "generate": Step(
        "video_star.pipeline.steps.generate:run_generate",
        ("seed", "model", "video", "prompts", "generate"),
        "rounds",
        3,
    ),
    "verify": Step(
        "video_star.pipeline.steps.verify:run_verify",
        ("model", "verify", "generate.enabled"),
        "rounds",
        3,
    ),
    "rationalize": Step(
        "video_star.pipeline.steps.rationalize:run_rationalize",
        ("seed", "model", "video", "prompts", "rationalize"),
        "rounds",
        3,
    ),
    "verify-rationales": Step(
        "video_star.pipeline.steps.verify:run_verify_rationales", ("model", "verify"), "rounds", 3
    ),
    "curate": Step(
        "video_star.pipeline.steps.curate:run_curate",
        ("seed", "prompts", "curate", "rounds", "evaluate.benchmarks"),
        "rounds",
        3,
    ),
    "finetune": Step(
        "video_star.pipeline.steps.finetune:run_finetune",
        ("seed", "model", "video", "finetune"),
        "rounds",
        2,
    ),
    "evaluate": Step(
        "video_star.pipeline.steps.evaluate:run_evaluate",
        (
            *("seed", "model", "video", "prompts", "evaluate"),
            # of `verify` all but its judge: benchmarks are scored without one
            *("verify.method", "verify.preset", "verify.thresholds"),
            *("verify.allow_hedge", "verify.embedding_model", "verify.verifiers"),
        ),
        "evaluated",
        4,
    ),
    "publish": Step(
        "video_star.pipeline.steps.publish:run_publish",
        # all that MLflow shows of a round
        (
            *("cycle", "seed", "max_failure_rate", "zero_yield", "plateau", "model", "video"),
            *("ingest", "prompts", "generate", "verify", "rationalize", "curate", "finetune"),
            *("evaluate", "publish"),
        ),
        "evaluated",
        4,
    ),
}


def rounds_of(step: str, params: Params) -> tuple[str, ...]:
    """The rounds for which a step exists."""
    kinds = {"once": ("r0",), "rounds": params.round_names, "evaluated": params.evaluated}
    return kinds[STEPS[step].rounds]
