"""`video-star score`, in this process."""

from __future__ import annotations

from typing import NamedTuple

from typer.testing import CliRunner

from video_star.cli.main import app
from video_star.core.errors import VideoStarError


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def run(name: str, *options: object) -> Done:
    """What the command prints; errors of ours are on stderr, as `main` writes them."""
    done = CliRunner().invoke(app, ["score", name, *map(str, options)])
    if isinstance(done.exception, VideoStarError):
        error = done.exception
        return Done(error.exit_code, done.stdout, f"{done.stderr}error: {error}\n")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)
