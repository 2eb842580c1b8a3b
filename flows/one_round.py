"""One round: each line is a step that `run` runs."""

from __future__ import annotations

from collections.abc import Callable

RunStep = Callable[[str, str], None]
"""Runs one step of one round; raises when it fails."""


def base_model(run: RunStep) -> None:
    """Ingest the data, check the base model, and measure it: round r0."""
    run("ingest", "r0")
    run("base", "r0")
    measure("r0", run)


def one_round(name: str, run: RunStep) -> None:
    """Generate, verify, rationalize what failed, train, measure."""
    run("generate", name)
    run("verify", name)
    run("rationalize", name)
    run("verify-rationales", name)
    run("curate", name)
    run("finetune", name)
    measure(name, run)


def measure(name: str, run: RunStep) -> None:
    """Evaluate a round's model on held-out videos and publish the metrics."""
    run("evaluate", name)
    run("publish", name)
