"""Turns an error of a training process into one sentence for the user."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from video_star.core.errors import UsageError, VideoStarError, is_out_of_memory
from video_star.core.excerpt import cut

AT_MOST = 300
"""Characters of a sentence."""
LESS_MEMORY = (
    "lower settings.micro_batch_size, set settings.gradient_checkpointing, or use settings.zero "
    "zero3"
)
LOST_PEER = ("connection closed by peer", "connection reset", "connection refused", "broken pipe")
"""What gloo, NCCL and the rendezvous store report on the other ranks when a process dies."""
LOST_PEER_TYPES = ("DistBackendError", "DistNetworkError", "DistStoreError")


def describe_error(error: Exception, rank: int) -> dict[str, Any]:
    """The message that a rank sends to the step about an exception."""
    if isinstance(error, VideoStarError):
        return {"error": str(error), "usage": error.exit_code == 2}
    kind, text = type(error).__name__, str(error)
    first_line = " ".join((text.strip().splitlines() or [""])[0].split())
    return {
        "trouble": f"{kind}: {first_line}" if first_line else kind,
        "rank": rank,
        "memory": is_out_of_memory(error),
        "lost": kind in LOST_PEER_TYPES or any(s in f"{kind} {text}".lower() for s in LOST_PEER),
    }


def launch_error(code: int, messages: Sequence[dict[str, Any]], log: Path) -> VideoStarError:
    """Why a launch left no result: the first error that a rank reports, else the exit code.

    A rank that only lost its peer counts as a symptom, not as a cause.
    """
    place = _inside_workspace(log)
    for message in messages:
        if "error" in message:
            return (UsageError if message["usage"] else VideoStarError)(message["error"])
    for message in messages:
        if not message["lost"]:
            return VideoStarError(_rank_failed(message, place))
    number = signal_of(code)
    likely = f"most often for want of memory: run the step again or {LESS_MEMORY} (see {place})."
    if number is not None:
        name = signal.Signals(number).name
        hint = likely if number == signal.SIGKILL else f"see {place}, then run the step again."
        return VideoStarError(f"A training process was killed by {name}, {hint}")
    if messages:
        return VideoStarError(
            f"A training process ended without an error message while rank {messages[0]['rank']} "
            f"waited for it, {likely}"
        )
    return VideoStarError(
        f"The deepspeed launcher ended with exit code {code} before any process reported an error; "
        f"see {place}, fix the cause and run the step again."
    )


def signal_of(code: int) -> int | None:
    """The signal in an exit code: -n from Python, 256 - n from a parent, 128 + n from a shell."""
    names = {int(name) for name in signal.Signals}
    for number in (-code, 256 - code, code - 128):
        if number in names and number != signal.SIGTERM:
            return number
    return None


def _inside_workspace(log: Path) -> str:
    parts = log.parts
    return str(Path(*parts[parts.index(".work") :]) if ".work" in parts else log)


def _rank_failed(message: dict[str, Any], place: str) -> str:
    """The rank's own error is shortened to fit."""
    if message["memory"]:
        return f"Rank {message['rank']} of the finetune ran out of memory: {LESS_MEMORY} ({place})."
    start = f"Rank {message['rank']} of the finetune failed ("
    end = f"); fix it and run the step again, the whole log is {place}."
    room = max(40, AT_MOST - len(start) - len(end))
    return start + cut(message["trouble"].rstrip("."), room) + end
