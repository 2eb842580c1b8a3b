"""When this machine did the steps of a round: .work/times/rK/<step>.json.

Tracked files hold no clock, so that equal work gives equal bytes. A time is that of the report that
lies beside it: it is not told when DVC has brought another report since.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from video_star.core.hashing import sha256_file
from video_star.core.jsonl import write_text
from video_star.core.paths import Workspace


class Span(NamedTuple):
    """Start and end in milliseconds since 1970."""

    start: int
    end: int


def keep_time(
    workspace: Workspace, step: str, round_name: str, started: float, ended: float
) -> None:
    """Note when a step was done, in seconds since 1970; its report is written already."""
    report = sha256_file(workspace.round(round_name).report(step))
    content = {"start": int(started * 1000), "end": int(ended * 1000), "report": report}
    with suppress(OSError):  # as of a full disk: the step itself is done
        write_text(_file(workspace, step, round_name), json.dumps(content))


def time_of(workspace: Workspace, step: str, round_name: str) -> Span | None:
    """When the step was done; None when it is not known."""
    report = workspace.round(round_name).report(step)
    try:
        known = json.loads(_file(workspace, step, round_name).read_bytes())
        fits = known["report"] == sha256_file(report)
        return Span(int(known["start"]), int(known["end"])) if fits else None
    except (OSError, ValueError, KeyError, TypeError):  # scratch, which anything may have cut short
        return None


def time_of_round(workspace: Workspace, steps: Iterable[str], round_name: str) -> Span | None:
    """From the start of the first of the steps to the end of the last one."""
    known = [span for step in steps if (span := time_of(workspace, step, round_name))]
    if not known:
        return None
    return Span(min(span.start for span in known), max(span.end for span in known))


def _file(workspace: Workspace, step: str, round_name: str) -> Path:
    return workspace.work / "times" / round_name / f"{step}.json"
