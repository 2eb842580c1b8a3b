"""Messages of a step to the process that started it: lines of JSON between the lines for people.

One pipe for both keeps their order and ends with the process; a second one would need a thread that
reads it, and would not reach the step: DVC closes all other descriptors of its commands.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

VARIABLE = "VIDEO_STAR_MESSAGES"
"""Set in the environment of processes whose messages are read."""

MARK = "@video-star "


def are_read() -> bool:
    """Whether some process reads the messages of this one."""
    return VARIABLE in os.environ


def send(**message: Any) -> None:
    """Write one message to stderr."""
    sys.stderr.write(f"{MARK}{json.dumps(message)}\n")
    sys.stderr.flush()


def message_in(line: str) -> dict[str, Any] | None:
    """The message of a line; None when it is a line for people."""
    _, mark, text = line.partition(MARK)
    if not mark:
        return None
    try:
        message: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError:  # two processes wrote at once
        return None
    return message
