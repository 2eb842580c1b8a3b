"""The `--judge` option of `video-star score`: nobody, recorded ratings, or a model on a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from video_star.core.errors import UsageError

J = TypeVar("J")


def open_judge(
    text: str, model: str | None, recorded: Callable[[Path], J], served: Callable[[str, str], J]
) -> J | None:
    """`none`, `recorded:PATH` or the URL of a server; UsageError when it is none of these.

    `recorded` opens a judge from a path, `served` one from the URL and the model's name.
    """
    if text == "none":
        return None
    if text.startswith("recorded:"):
        return recorded(Path(text.removeprefix("recorded:")))
    if not text.startswith(("http://", "https://")):
        raise UsageError(
            f"--judge {text}: write none, recorded:FOLDER or the URL of an OpenAI-compatible "
            "server, such as http://127.0.0.1:8000/v1."
        )
    if model is None:
        raise UsageError("--judge with a URL needs --judge-model, the model's name on that server.")
    return served(text, model)
