"""One round, read like a sentence: each line is a step that `do` runs."""

from __future__ import annotations

from collections.abc import Callable

Do = Callable[[str, str], None]
"""Runs one step of one round, or raises why it cannot."""


def base_model(do: Do) -> None:
    """Read the data, write down the base model, and measure it: round r0."""
    do("ingest", "r0")
    do("base", "r0")
    measure("r0", do)


def one_round(name: str, do: Do) -> None:
    """Let the previous model answer, keep what holds, explain the rest, learn, measure."""
    do("generate", name)
    do("verify", name)
    do("rationalize", name)
    do("verify-rationales", name)
    do("curate", name)
    do("finetune", name)
    measure(name, do)


def measure(name: str, do: Do) -> None:
    """Evaluate a round's model on held-out videos and publish what was found."""
    do("evaluate", name)
    do("publish", name)
