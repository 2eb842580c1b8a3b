"""One sentence for the user, whatever went wrong in whichever process."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from video_star.core.errors import DataError, UsageError
from video_star.training.launch_errors import AT_MOST, describe_error, launch_error, signal_of

LOG = Path("/somewhere/in/a/workspace/.work/finetune-r1-0123456789abcdef/run-abcdefgh/log.txt")
CLOSED = RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:23")


def sentence(code: int, *errors: Exception) -> str:
    text = str(
        launch_error(code, [describe_error(error, rank) for rank, error in enumerate(errors)], LOG)
    )
    assert len(text) <= AT_MOST
    assert "\n" not in text
    return text


def test_an_exception_is_told_as_its_type_and_first_line_with_the_log() -> None:
    text = sentence(1, ValueError("no such   layer.\nmore of it"))
    assert "Rank 0 of the finetune failed (ValueError: no such layer)" in text
    assert ".work/finetune-r1-0123456789abcdef/run-abcdefgh/log.txt" in text
    assert "more of it" not in text
    assert "..." in sentence(1, ValueError("word " * 100))
    assert "(KeyError)" in sentence(1, KeyError())


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory. Tried 2 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: out of memory"),
    ],
)
def test_running_out_of_memory_names_the_settings_that_help(error: Exception) -> None:
    text = sentence(1, error)
    assert "Rank 0 of the finetune ran out of memory" in text
    for name in ("micro_batch_size", "gradient_checkpointing", "zero3"):
        assert name in text


def test_the_rank_that_failed_first_is_told_and_not_those_that_lost_it() -> None:
    assert "Rank 1 of the finetune failed (ValueError: mine)" in sentence(
        1, CLOSED, ValueError("mine")
    )
    assert "ended without an error message while rank 0 waited" in sentence(1, CLOSED)


def test_a_signal_is_told_by_its_name() -> None:
    text = sentence(256 - signal.SIGKILL, CLOSED)
    assert "killed by SIGKILL" in text
    assert "micro_batch_size" in text
    assert "killed by SIGSEGV" in sentence(-signal.SIGSEGV)
    assert signal_of(128 + signal.SIGKILL) == signal.SIGKILL
    assert signal_of(1) is None
    assert "exit code 3" in sentence(3)


def test_errors_meant_for_the_user_keep_their_words_and_their_kind() -> None:
    given = launch_error(
        1, [describe_error(CLOSED, 1), describe_error(UsageError("Wrong."), 0)], LOG
    )
    assert isinstance(given, UsageError)
    assert str(given) == "Wrong."
    assert str(launch_error(1, [describe_error(DataError("Missing."), 0)], LOG)) == "Missing."
