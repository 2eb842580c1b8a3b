"""How trouble in a process of the launcher reaches the user: as one sentence with the way out."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from video_star.core.errors import UsageError, VideoStarError, is_out_of_memory

AT_MOST = 300
"""Characters of a sentence."""
LESS_MEMORY = (
    "lower settings.micro_batch_size, set settings.gradient_checkpointing, or use settings.zero "
    "zero3"
)
LOST = ("connection closed by peer", "connection reset", "connection refused", "broken pipe")
"""What the others see when a process dies; also of gloo, NCCL and the store they meet at."""
LOST_KINDS = ("DistBackendError", "DistNetworkError", "DistStoreError")


def told_by(error: Exception, rank: int) -> dict[str, Any]:
    """What a rank says to the step about an exception: for the user, or for `failure`."""
    if isinstance(error, VideoStarError):
        return {"error": str(error), "usage": error.exit_code == 2}
    lines = str(error).strip().splitlines() or [""]
    text = " ".join(lines[0].split())
    kind = type(error).__name__
    whole = f"{kind} {error}".lower()
    return {
        "trouble": f"{kind}: {text}" if text else kind,
        "rank": rank,
        "memory": is_out_of_memory(error),
        "lost": kind in LOST_KINDS or any(sign in whole for sign in LOST),
    }


def failure(code: int, told: Sequence[dict[str, Any]], log: Path) -> VideoStarError:
    """Why a launch left no result: what a rank said first, else how the processes ended."""
    place = _place(log)
    for message in told:
        if "error" in message:
            return (UsageError if message["usage"] else VideoStarError)(message["error"])
    for message in told:
        if "trouble" in message and not message["lost"]:
            return VideoStarError(_of_rank(message, place))
    killed = signal_of(code)
    if killed is not None:
        return VideoStarError(_of_signal(killed, place))
    if told:
        return VideoStarError(
            f"A training process ended without a word while rank {told[0]['rank']} waited for it, "
            f"most often for want of memory: run the step again or {LESS_MEMORY} (see {place})."
        )
    return VideoStarError(
        f"The deepspeed launcher ended with exit code {code} before any process said why; look at "
        f"{place}, mend what it says and run the step again."
    )


def signal_of(code: int) -> int | None:
    """The signal in an exit code: negative, or as a shell or a parent's exit makes of it."""
    names = {int(name) for name in signal.Signals}
    for number in (-code, 256 - code, code - 128):
        if number in names and number != signal.SIGTERM:
            return number
    return None


def _place(log: Path) -> str:
    """Where the log is, from the workspace's scratch folder on."""
    parts = log.parts
    return str(Path(*parts[parts.index(".work") :]) if ".work" in parts else log)


def _of_signal(number: int, place: str) -> str:
    name = signal.Signals(number).name
    if number == signal.SIGKILL:
        return (
            f"A training process was killed by {name}, most often by the kernel for want of "
            f"memory: run the step again or {LESS_MEMORY} (see {place})."
        )
    return (
        f"A training process was killed by {name}; mend what {place} says and run the step again."
    )


def _of_rank(message: dict[str, Any], place: str) -> str:
    if message["memory"]:
        return f"Rank {message['rank']} of the finetune ran out of memory: {LESS_MEMORY} ({place})."
    return _fit(f"Rank {message['rank']} of the finetune failed (", message, place)


def _fit(start: str, message: dict[str, Any], place: str) -> str:
    """The sentence, the rank's own words shortened to what is left for them."""
    end = f"); mend it and run the step again, the whole log is {place}."
    room = max(40, AT_MOST - len(start) - len(end))
    text = message["trouble"].rstrip(".")
    return start + (text if len(text) <= room else text[: room - 3] + "...") + end
