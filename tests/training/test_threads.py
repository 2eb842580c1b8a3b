"""Threads: all cores for real models, one for tiny ones, never more than a container may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from video_star.training import threads


def test_a_small_model_gets_one_thread_and_a_large_one_its_share_of_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "cores", lambda: 8)
    (tmp_path / "model.safetensors").write_bytes(b"x" * 100)
    assert threads.threads_for(tmp_path, 1) == 1
    monkeypatch.setattr(threads, "SMALL_MODEL_BYTES", 10)
    assert threads.threads_for(tmp_path, 2) == 4
    assert threads.threads_for(tmp_path, 16) == 1


def test_a_quota_bounds_the_cores(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text("100000 100000\n")
    assert threads.cores(quota) == 1
    quota.write_text("max 100000\n")
    unlimited = threads.cores(quota)
    assert unlimited == threads.cores(tmp_path / "none") >= 1
