"""Every error that video-star raises on purpose.

    VideoStarError            exit code 1: the work could not be done
    ├── UsageError            exit code 2: the command, a parameter or a setting is wrong
    ├── DataError             exit code 3: an input file is missing, unreadable or malformed
    │   └── VideoError        one video cannot be used (becomes a counted Failure)
    ├── TooManyFailures       exit code 4: more samples failed than `max_failure_rate` allows
    ├── ZeroYield             exit code 5: a label kind yielded nothing in a round
    ├── BusyError             exit code 6: another process works on the same step or workspace
    └── ServiceError          exit code 7: a server that is needed does not answer

Each message is one sentence that says what is wrong, where, and the way out. Anything else that
escapes is a bug and keeps its traceback.
"""

from __future__ import annotations

import errno
import sqlite3


class VideoStarError(Exception):
    """Base of all errors that are explained to the user in one sentence."""

    exit_code = 1


class UsageError(VideoStarError):
    """The command, a parameter or a setting is wrong."""

    exit_code = 2


class DataError(VideoStarError):
    """An input file is missing, unreadable or malformed."""

    exit_code = 3


class VideoError(DataError):
    """One video cannot be opened, decoded or cut as asked."""


class TooManyFailures(VideoStarError):
    """More samples failed than `max_failure_rate` allows."""

    exit_code = 4


class ZeroYield(VideoStarError):
    """Some label kind yielded no training example in a round."""

    exit_code = 5


class BusyError(VideoStarError):
    """Another process works on the same step or workspace."""

    exit_code = 6


class ServiceError(VideoStarError):
    """A server that is needed does not answer."""

    exit_code = 7


_WAYS_OUT = {
    errno.ENOSPC: "free some space (.work/ may be deleted)",
    errno.EDQUOT: "free some space (.work/ may be deleted)",
    errno.EROFS: "make it writable, or work in a copy of the workspace",
    errno.EACCES: "correct its permissions or its owner",
    errno.EPERM: "correct its permissions or its owner",
    errno.EISDIR: "a file belongs there: move the folder away",
    errno.ENOTDIR: "a folder belongs there: move the file away",
    errno.EEXIST: "a folder belongs there: move the file away",
    errno.EMFILE: "raise the limit of open files (`ulimit -n 4096`)",
    errno.ENOENT: "run the step that writes it",
}


def explain_refusal(error: BaseException) -> VideoStarError | None:
    """The sentence for what the operating system or a database refused; None for a bug."""
    if isinstance(error, OSError) and error.errno is not None:
        where = error.filename2 or error.filename
        what = f"{where}: {error.strerror}" if where else str(error.strerror)
        way_out = _WAYS_OUT.get(error.errno, "correct that")
        return VideoStarError(f"{what}; {way_out}, then run the same command again.")
    if isinstance(error, sqlite3.OperationalError):
        return VideoStarError(
            f"SQLite: {error}; stop the program that holds the database or free some space, then "
            "run the same command again."
        )
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the host or a device: by its words, as libraries differ."""
    text = f"{type(error).__name__} {error}".lower()
    signs = ("out of memory", "outofmemory", "allocate memory")
    return isinstance(error, MemoryError) or any(sign in text for sign in signs)
